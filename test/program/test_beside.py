"""Files beside the code: an instance has those that it was made with, and a release a link to where they are."""

import subprocess
from pathlib import Path

from release import beside
from release.faults import Stop
from release.instances import Instances
from release.records import Release
from release.source import Source
from release.world import Command, Listener
from story import A, B, Story

FILE = "shop/local_settings.py"


class OfInstances(Story):
    def write(self, text: str, path: str = FILE) -> None:
        """What the step does that puts settings in place."""
        file = self.host.context("look").place.files / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def of(self, instance: str) -> str:
        return (self.host.context("look").place.instance(instance) / "files" / FILE).read_text()

    def test_a_changed_file_is_another_instance_of_the_same_release_with_its_own(self) -> None:
        self.write("first")
        self.assertEqual(self.deploy(A), "")
        first = self.live()
        self.assertEqual(self.of(first), "first")
        # What is no longer live may still finish, with the file that it had.
        self.world.slow.add(f"shop-worker@{first}.service")
        self.write("second")
        self.world.calls.clear()
        self.assertEqual(self.deploy(A), "")
        second = self.live()
        self.assertNotEqual(second, first)
        self.assertEqual((self.of(first), self.of(second)), ("first", "second"))
        self.assertFalse([call for call in self.world.calls if "tar --extract" in call or "venv --quiet" in call])
        self.write("first")
        self.assertEqual(self.deploy(A), "")
        self.assertEqual(self.live(), first)
        self.tidy()
        self.assert_runs(A)

    def test_an_instance_that_is_unhealthy_leaves_the_one_before_with_its_file(self) -> None:
        self.write("first")
        self.deploy(A)
        first = self.live()
        self.write("second")
        self.world.answers[A] = 500
        self.assertIn("is unhealthy", self.deploy(A))
        self.world.answers.clear()
        self.assertEqual((self.live(), self.of(first)), (first, "first"))

    def test_of_an_instance_only_root_and_the_application_read_it(self) -> None:
        self.write("first")
        self.deploy(A)
        folder = self.host.context("look").place.instance(self.live()) / "files"
        modes = {path.stat().st_mode & 0o777 for path in (folder, folder / "shop")}
        self.assertEqual((modes, (folder / FILE).stat().st_mode & 0o777), ({0o750}, 0o640))

    def test_a_process_that_is_left_on_its_release_is_not_when_a_file_is_another(self) -> None:
        self.write("first")
        self.deploy(A)
        context = self.host.context("look")
        instances: Instances = context.instances
        self.assertTrue(instances.has_secrets_of_now(self.live(), []))
        self.write("second")
        self.assertFalse(instances.has_secrets_of_now(self.live(), []))
        self.write("first")
        self.write("more", "other.py")
        self.assertFalse(instances.has_secrets_of_now(self.live(), []))

    def test_what_is_secret_in_a_file_alone_is_masked(self) -> None:
        context = self.host.context("look")
        context.place.secrets_of_files.write_text('["only-in-a-file"]')
        context.settings(())
        self.assertEqual(context.voice.mask("it is only-in-a-file"), "it is [secret]")

    def test_a_rollback_to_a_release_that_looks_for_a_file_that_there_is_not_is_refused(self) -> None:
        self.assertEqual(self.prepare(A, files={FILE: False}), "")
        self.assertEqual(self.go_live(A), "")
        self.deploy(B)
        self.assertEqual(self.prepare(A, kept=True, files={FILE: False}), "")
        self.assertIn(f"release {A} looks for its file {FILE}", self.prepare(A, kept=True))


class Links(Story):
    """The owner's shell makes them."""

    def setUp(self) -> None:
        super().setUp()
        self.context = self.host.context("look")
        self.release = self.context.place.release(A)
        (self.release / "shop").mkdir(parents=True)
        self.world.run = self.run_it  # type: ignore[method-assign]

    def run_it(self, command: Command, listen: Listener, **_: object) -> int:
        done = subprocess.run([*command.argv], cwd=command.directory, capture_output=True, text=True, check=False)
        for line in done.stderr.splitlines():
            listen(line, True)
        return done.returncode

    def link(self, **files: bool) -> str:
        facts = self.host.prepare_facts(A, files={path.replace("__", "/"): one for path, one in files.items()})
        try:
            beside.link(self.context, Source(self.context, facts), facts)
        except Stop as stop:
            return str(stop)
        return ""

    def leads(self, path: str) -> Path:
        return (self.release / path).readlink()

    def test_each_leads_to_where_the_files_of_now_are(self) -> None:
        self.assertEqual(self.link(shop__local=False, deep__er__one=False), "")
        for path in ("shop/local", "deep/er/one"):
            self.assertEqual(self.leads(path), self.context.place.files / path)

    def test_a_file_of_the_source_is_refused_by_name_unless_it_is_to_be_replaced(self) -> None:
        (self.release / "shop/local").write_text("of the source")
        said = self.link(shop__local=False)
        self.assertIn("shop/local is in the release already, of the source or of app.build.commands", said)
        self.assertIn("write 'replace: true' below app.files.shop/local", said)
        self.assertEqual((self.release / "shop/local").read_text(), "of the source")
        self.assertEqual(self.link(shop__local=True), "")
        self.assertEqual(self.leads("shop/local"), self.context.place.files / "shop/local")

    def test_a_link_that_dangles_counts_as_a_file_of_the_source(self) -> None:
        (self.release / "shop/local").symlink_to("nowhere")
        self.assertIn("is in the release already", self.link(shop__local=False))

    def test_a_directory_of_the_source_is_never_replaced(self) -> None:
        self.assertIn("shop is a directory of the release", self.link(shop=True))
        self.assertTrue((self.release / "shop").is_dir())

    def test_nothing_is_put_behind_a_link_such_as_the_environment_that_releases_share(self) -> None:
        other = self.folder / "other"
        other.mkdir()
        (self.release / "env").symlink_to(other)
        self.assertIn("env/local would lie behind a link of the release", self.link(env__local=True))
        self.assertEqual(list(other.iterdir()), [])


class Record(Story):
    def test_a_release_remembers_its_files(self) -> None:
        self.prepare(A, files={FILE: False})
        found = self.host.context("look").ledger.release(A)
        self.assertIsInstance(found, Release)
        self.assertEqual(found.files, (FILE,))
