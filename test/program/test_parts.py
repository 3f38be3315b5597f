"""Parts of the program by themselves."""

import gzip
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, cast

from fake import FakeHost, FakeWorld
from release import advice, facts, frontend, project, shared, symptoms, tree
from release.compress import has_forms_of, worthwhile
from release.dependencies import Dependencies, files_to_read, refuse_without_dependencies, says_all, without
from release.facts import Process
from release.faults import Stop
from release.files import Files, link_target
from release.host import Host
from release.journal import without_interrupted
from release.procfile import Procfile
from release.settings import Settings
from release.source import Source, Tree
from release.status import status
from release.uv import Uv
from release.voice import Voice
from release.world import Command

KINDS = (("celery-beat", "(^|[ /.])celery( .*)? beat( |$)"), ("celery", "(^|[ /.])celery( .*)? worker( |$)"))


class InFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.world = FakeWorld(self.folder)


class Secrets(InFolder):
    def masked(self, text: str) -> str:
        path = self.folder / "env"
        path.write_text(
            "TOKEN='a b\"c-token'\nNOT='seen-by-all'\nODD=\"it's \\\\ a \\\"quote\\\"\"\n"
            "KEY='-----BEGIN-----\nfirst-line\nx\n-----END-----'\nURL='redis://:pass%2Fword@host'\n"
        )
        voice = Voice(self.world, "trial", self.folder / "log")
        voice.needles = Settings(path, self.folder / "files").needles(["TOKEN", "ODD", "KEY", "URL"])
        return voice.mask(text)

    def test_a_value_is_masked_as_it_is_and_as_json_and_python_print_it(self) -> None:
        for form in ('a b"c-token', json.dumps('a b"c-token')[1:-1], json.dumps('it\'s \\ a "quote"')[1:-1]):
            self.assertEqual(self.masked(f"<{form}>"), "<[secret]>", form)
        self.assertEqual(self.masked(repr(['it\'s \\ a "quote"'])), "['[secret]']")

    def test_each_line_of_a_value_is_masked_and_a_short_one_is_not(self) -> None:
        self.assertEqual(self.masked("first-line x"), "[secret] x")

    def test_the_password_of_a_url_is_masked_alone(self) -> None:
        self.assertEqual(self.masked("pass/word pass%2Fword"), "[secret] [secret]")

    def test_what_is_no_secret_is_shown(self) -> None:
        self.assertEqual(self.masked("seen-by-all"), "seen-by-all")

    def test_no_secret_reaches_people_or_the_log(self) -> None:
        voice = Voice(self.world, "trial", self.folder / "log")
        voice.needles = ["a-secret"]
        said = io.StringIO()
        with redirect_stderr(said):
            voice.say("it is a-secret")
            voice.log("it is a-secret")
        self.assertEqual(said.getvalue(), "trial: it is [secret]\n")
        self.assertEqual((self.folder / "log").read_text(), "it is [secret]\n")


class Records(InFolder):
    def test_no_record_holds_a_secret_though_the_release_prints_it_as_it_dies(self) -> None:
        from release import live, prepare

        (self.folder / "host").mkdir()
        host = FakeHost(self.folder / "host")
        host.world.crashing.add("bbbbbbbbbb-0001")
        shown = host.world.run
        host.world.run = (  # type: ignore[method-assign]
            lambda command, listen, **more: (
                listen("my database-password is redis-password", False) or 0
                if command.argv[0] == "journalctl"
                else shown(command, listen, **more)
            )
        )
        said = io.StringIO()
        with redirect_stderr(said):
            prepare.prepare(host.context("app-release"), host.prepare_facts("bbbbbbbbbb-0001"))
            with self.assertRaises(Stop):
                live.go_live(host.context("app-live"), host.live_facts("bbbbbbbbbb-0001"))
        self.assertIn("my [secret] is [secret]", said.getvalue())
        files = [path for path in (self.folder / "host/var").rglob("*") if path.is_file()]
        self.assertGreater(len(files), 3)
        for path in files:
            self.assertNotRegex(path.read_text(), "database-password|redis-password", str(path))

    def test_status_tells_what_runs_and_in_which_state(self) -> None:
        from release import live, prepare

        (self.folder / "host").mkdir()
        host = FakeHost(self.folder / "host")
        with redirect_stderr(io.StringIO()):
            prepare.prepare(host.context("app-release"), host.prepare_facts("aaaaaaaaaa-0001"))
            live.go_live(host.context("app-live"), host.live_facts("aaaaaaaaaa-0001"))
        told = json.loads(status(host.context("shop-status")))
        self.assertEqual([one["state"] for one in told["instances"]], ["live"])
        units = {one["unit"].split("@")[0]: one["state"] for one in told["instances"][0]["units"]}
        self.assertEqual(units, {"shop-beat": "active", "shop-web": "active", "shop-worker": "active"})
        self.assertEqual([(one["state"], one["kept"]) for one in told["releases"]], [("proven", True)])
        self.assertEqual([one["result"] for one in told["history"]], ["release"])


class Procfiles(unittest.TestCase):
    def process(self, **changes: object) -> Process:
        usual = {
            "name": "worker",
            "kind": "celery",
            "count": 1,
            "alone": False,
            "keep": False,
            "ports": (),
            "command": None,
        }
        return Process(**{**usual, **changes})  # type: ignore[arg-type]

    def test_its_lines_are_its_commands(self) -> None:
        procfile = Procfile(
            "web: gunicorn x\r\n# none\nrelease: python manage.py migrate \nworker:  celery worker\n", KINDS
        )
        self.assertEqual(
            procfile.lines, {"web": "gunicorn x", "release": "python manage.py migrate", "worker": "celery worker"}
        )
        self.assertEqual(procfile.unnamed(("worker",)), [])
        self.assertEqual(procfile.unnamed(()), ["worker"])

    def test_what_cannot_be_run_says_why(self) -> None:
        for line, expected in [
            ("", "its Procfile has no line 'worker', and the stack no command for it"),
            ("worker: celery -A x beat", "of the kind celery-beat, and the stack has it as celery"),
            ("worker: celery -A x worker -B", "is a worker with beat (-B)"),
            ("worker: celery -A x worker", ""),
            ("worker: ./run-it", ""),
        ]:
            found = Procfile(line, KINDS).unfit(self.process())
            self.assertTrue(expected in found and bool(found) == bool(expected), f"{line}: {found}")

    def test_a_command_of_the_stack_wins(self) -> None:
        command = Procfile("worker: other", KINDS).command(self.process(command="celery -A 'my app' worker"))
        self.assertEqual(command, "exec bash -c 'celery -A '\"'\"'my app'\"'\"' worker'\n")

    def test_beat_keeps_its_schedule_where_it_may_write(self) -> None:
        beat = self.process(name="beat", kind="celery-beat", alone=True)
        self.assertIn(
            '--schedule "$STATE_DIRECTORY/celerybeat-schedule"', Procfile("beat: celery beat", KINDS).command(beat)
        )
        self.assertNotIn("STATE_DIRECTORY", Procfile("beat: celery beat -s x", KINDS).command(beat))


class WhatItIsTold(unittest.TestCase):
    def test_an_unknown_or_missing_fact_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "Application: expected"):
            facts.application({"name": "shop", "owner": "deployer", "root": "/srv/shop", "media": "/srv/shop/media"})
        with self.assertRaisesRegex(ValueError, "expected a JSON object; found list"):
            facts.live([])


class FilesOfRoot(InFolder):
    def setUp(self) -> None:
        super().setUp()
        self.files = Files(self.world)

    def test_a_file_that_is_the_same_is_left_alone_and_another_replaced_whole(self) -> None:
        path = self.folder / "file"
        self.assertTrue(self.files.put(path, "one", mode=0o640))
        first = path.stat().st_ino
        self.assertFalse(self.files.put(path, "one", mode=0o640))
        self.assertTrue(self.files.put(path, "two", mode=0o640))
        self.assertNotEqual(path.stat().st_ino, first)
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)

    def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(self) -> None:
        path, other = self.folder / "file", self.folder / "other"
        other.write_text("other")
        path.symlink_to(other)
        self.files.put(path, "one")
        self.assertEqual((path.read_text(), other.read_text(), path.is_symlink()), ("one", "other", False))

    def test_what_could_not_be_written_leaves_what_was_there(self) -> None:
        path = self.folder / "file"
        self.files.put(path, "one")
        self.world.is_full = True
        with self.assertRaises(OSError):
            self.files.put(path, "two")
        self.assertEqual([one.name for one in self.folder.iterdir()], ["file"])
        self.assertEqual(path.read_text(), "one")

    def test_a_link_is_led_elsewhere_in_one_rename(self) -> None:
        link = self.folder / "link"
        self.files.link(link, "one")
        self.files.link(link, "two")
        self.assertEqual(link_target(link), "two")

    def test_a_directory_goes_with_the_links_in_it_and_not_with_what_they_lead_to(self) -> None:
        gone, kept, away = self.folder / "gone", self.folder / "kept", self.folder / "away"
        for one in (gone, kept, away):
            one.mkdir()
        (kept / "file").touch()
        (away / "link").symlink_to(kept)
        self.files.discard(away, gone)
        self.assertFalse(away.exists())
        self.assertTrue((kept / "file").exists())
        away.symlink_to(kept)
        self.files.discard(away, gone)
        self.assertTrue((kept / "file").exists(), "a link in its place is not followed")


class LookingAtATree(InFolder):
    def look(self) -> tuple[str, str, str]:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return tree.look()
        finally:
            os.chdir(before)

    def test_a_fifo_is_found(self) -> None:
        (self.folder / "deep").mkdir()
        os.mkfifo(self.folder / "deep/fifo")
        self.assertEqual(self.look()[0], "./deep/fifo")

    def test_a_link_that_leads_out_is_found_and_one_within_is_not(self) -> None:
        (self.folder / "file").touch()
        (self.folder / "within").symlink_to("file")
        (self.folder / ".venv").symlink_to("/srv/shop/venvs/x")
        self.assertEqual(self.look(), ("", "", ""))
        (self.folder / "out").symlink_to("/etc/passwd")
        self.assertEqual(self.look(), ("", "/etc/passwd", ""))

    def test_what_git_lfs_keeps_in_place_of_a_file_is_found(self) -> None:
        words = "version https://git-lfs.github.com/spec/v1"
        (self.folder / "about-lfs.md").write_text(f"It begins with: {words}\n")
        self.assertEqual(self.look()[2], "")
        (self.folder / "logo.png").write_text(f"{words}\noid sha256:{'0' * 64}\nsize 12345\n")
        self.assertEqual(self.look()[2], "./logo.png")

    def test_it_runs_as_a_program_of_its_own(self) -> None:
        (self.folder / "Procfile").write_text("worker: x\n")
        questions = json.dumps({"whole": True, "texts": ["Procfile", "none"], "there": ["Procfile", "none"]})
        done = subprocess.run(
            [sys.executable, "-IS", tree.__file__, questions],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout)
        self.assertEqual(told["texts"], {"Procfile": "worker: x\n", "none": None})
        self.assertEqual(told["there"], {"Procfile": True, "none": False})


class Compressing(InFolder):
    def test_large_texts_are_worth_it_and_nothing_else(self) -> None:
        for name, size in (("site.css", 2000), ("small.css", 10), ("photo.jpg", 5000)):
            (self.folder / name).write_bytes(b"a" * size)
        (self.folder / "link.css").symlink_to("site.css")
        self.assertEqual([Path(one).name for one in worthwhile(str(self.folder))], ["site.css"])

    def test_what_is_the_same_shares_the_forms_of_before(self) -> None:
        old, new = self.folder / "old.css", self.folder / "new.css"
        for path in (old, new):
            path.write_text("a" * 2000)
        for form in ("gz", "br"):
            (self.folder / f"old.css.{form}").write_bytes(gzip.compress(b"a"))
        self.assertTrue(has_forms_of(str(old), str(new)))
        self.assertEqual((self.folder / "new.css.gz").stat().st_nlink, 2)
        new.write_text("b" * 2000)
        self.assertFalse(has_forms_of(str(old), str(new)))


def traceback_of(end: str) -> list[str]:
    return ["Traceback (most recent call last):", '  File "app.py", line 1, in <module>', "    ~~~~~~^^^^", end]


class LastWords(unittest.TestCase):
    failed = traceback_of("RuntimeError: this cannot start")
    interrupted = traceback_of("KeyboardInterrupt")

    def test_of_workers_that_were_ended_because_another_failed_the_others_are_kept(self) -> None:
        lines = ["spawned 4 workers", *self.interrupted, *self.failed, *self.interrupted, "GAME OVER"]
        self.assertEqual(without_interrupted(lines), ["spawned 4 workers", *self.failed, "GAME OVER"])
        self.assertEqual(without_interrupted(self.failed), self.failed)
        self.assertEqual(without_interrupted(self.interrupted), [])

    def test_nothing_else_of_what_a_unit_printed_is_left_out(self) -> None:
        chained = [*self.failed, "", "During handling of the above exception, another occurred:", "", *self.failed]
        cut = self.failed[:3]
        for lines in (chained, cut, [*cut, *self.failed], ["KeyboardInterrupt"], ["  indented", "plain"]):
            self.assertEqual(without_interrupted(lines), lines)


@unittest.skipUnless(os.geteuid() == 0, "what runs as another account needs root")
class OfTheHost(InFolder):
    def setUp(self) -> None:
        super().setUp()
        self.host = Host(in_step=False)

    def said(self, *argv: str, account: str | None = "nobody") -> list[str]:
        lines: list[str] = []
        self.host.run(Command(argv, account, Path("/")), lambda line, _: lines.append(line))
        return lines

    def test_what_runs_as_an_account_has_its_groups_a_clean_environment_and_nothing_of_roots(self) -> None:
        os.environ["OF_ROOT"] = "a secret"
        self.addCleanup(os.environ.pop, "OF_ROOT")
        told = self.said("sh", "-c", "id -un; umask; env; ls /proc/$$/fd 2>/dev/null | wc -l")
        self.assertEqual(told[:2], ["nobody", "0027"])
        self.assertNotIn("OF_ROOT=a secret", told)
        self.assertIn("USER=nobody", told)

    def test_what_runs_as_an_account_leaves_nothing_running(self) -> None:
        self.said("sh", "-c", "sleep 987654321 >/dev/null 2>&1 & exit 0")
        found = subprocess.run(["pgrep", "-f", "sleep 987654321"], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual((found.returncode, found.stdout), (1, ""))

    def test_a_program_that_fails_is_told_by_its_status_and_both_its_channels(self) -> None:
        told: list[tuple[str, bool]] = []
        command = Command(["sh", "-c", "echo out; echo error >&2; exit 3"], "nobody")
        status = self.host.run(command, lambda line, error: told.append((line, error)), apart=True)
        self.assertEqual((status, sorted(told)), (3, [("error", True), ("out", False)]))

    def test_a_line_without_an_end_is_cut_and_the_next_one_is_whole(self) -> None:
        first, *others = self.said("sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' a; echo; echo end", account=None)
        self.assertLess(len(first), 3_000_000)
        self.assertEqual((set(first), others), ({"a"}, ["end"]))

    def test_two_programs_in_a_pipe_fail_where_either_does(self) -> None:
        def piped(one: str, other: str) -> int:
            return self.host.pipe(Command(["sh", "-c", one]), Command(["sh", "-c", other]), lambda *_: None)

        self.assertEqual(piped("echo text", "grep -q text"), 0)
        self.assertEqual(piped("exit 2", "cat"), 2)
        self.assertEqual(piped("echo text", "exit 5"), 5)

    def test_a_place_below_a_directory_that_another_account_can_change_is_refused(self) -> None:
        own = self.folder / "own"
        own.mkdir()
        os.chown(own, 65534, 65534)
        with self.assertRaisesRegex(Stop, "was expected to be a directory that root alone can change"):
            Files(self.host).put(own / "file", "text")

    def test_an_application_is_asked_at_its_socket(self) -> None:
        path = self.folder / "web.sock"
        asked: list[bytes] = []

        def serve(listening: socket.socket) -> None:
            for answer in (b"HTTP/1.1 200 OK\r\n\r\nfine", b"HTTP/1.1 500 Oh\r\n\r\n", b""):
                connection, _ = listening.accept()
                with connection:
                    asked.append(connection.recv(4096))
                    connection.sendall(answer)

        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()
            serving = threading.Thread(target=serve, args=(listening,))
            serving.start()
            codes = [self.host.ask(path, "shop.example", "https", "/health", 5) for _ in range(3)]
            serving.join()
        self.assertEqual(codes, [200, 500, 0])
        self.assertIn(b"GET /health HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: https\r\n", asked[0])
        self.assertEqual(self.host.ask(self.folder / "none.sock", "x", "https", "/", 1), 0)


class WhatIsInstalled(unittest.TestCase):
    def test_pins_of_what_is_there_are_left_out_with_their_hashes(self) -> None:
        server = "server==1.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n"
        pins = f"# server 1.0\n{server}packaging==2.0 \\\n    --hash=sha256:3\n"
        self.assertEqual(without(pins, {"packaging"}), server)

    def test_an_environment_is_shared_where_a_file_says_all_that_is_in_it(self) -> None:
        alone = [
            "django==5.2 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nasgiref==3 ; python_version < '4'\n",
            "# pip-compile\n--index-url https://pypi.org/simple\n--require-hashes\nuvicorn[standard] >=0.30,<1  # x\n",
            "--only-binary :all:\nflask\n",
        ]
        others = [
            "flask\n.\n",
            ".[prod]\n",
            "--find-links wheelhouse\nengine\n",
            "-f ./wheels\nengine\n",
            "engine-0.2.0-py3-none-any.whl\n",
            "engine @ file:wheelhouse/engine.whl\n",
            "engine @ git+https://example.org/engine@main\n",
            "-r base.txt\n",
            "-cconstraints.txt\n",
            "-e engine\n",
            "engine.tar.gz\n",
        ]
        for text in alone:
            self.assertTrue(says_all("requirements.txt", text), text)
        for text in others:
            self.assertFalse(says_all("requirements.txt", text), text)
        registry = '[[package]]\nname = "engine"\nsource = { registry = "%s" }\n'
        self.assertTrue(says_all("uv.lock", registry % "https://pypi.org/simple"))
        self.assertFalse(says_all("uv.lock", registry % "wheelhouse"))

    def test_groups_and_extras_reach_what_installs_and_name_another_environment(self) -> None:
        pyproject = (
            "[project]\nname = 'shop'\ndependencies = []\n[project.optional-dependencies]\ns3 = []\n"
            "[dependency-groups]\nprod = []\n[tool.poetry.group.mail.dependencies]\n"
        )

        def installed(file: str, **changes: object) -> str:
            folder = tempfile.TemporaryDirectory()
            self.addCleanup(folder.cleanup)
            host = FakeHost(Path(folder.name))
            context = host.context("prepare")
            pins = host.world.path(f"{context.place.library}/program/release/pins/poetry.txt")
            pins.write_text("# poetry 1.0\npoetry==1.0\n")
            facts = host.prepare_facts("a" * 10, requirements=file, **changes)
            source = Source(context, facts)
            source.directory.mkdir(parents=True)
            (host.world.path("/var/cache/berth")).mkdir(parents=True)
            (host.world.path("/opt")).mkdir()
            context.place.environment_records.mkdir(parents=True, exist_ok=True)
            texts = {file: pyproject, "pyproject.toml": pyproject, ".python-version": None}
            with redirect_stderr(io.StringIO()):
                Dependencies(context, facts, source, Uv(context, facts, source)).install(Tree(texts, {}))
            calls = [
                call for call in host.world.calls if " sync " in call or "export" in call or " pip install" in call
            ]
            venv = next(call.split()[-1] for call in host.world.calls if " venv --quiet" in call)
            return f"{venv} " + " ".join(call for call in calls if "gunicorn" not in call)

        asked = {"groups": ("prod",), "extras": ("S3",)}
        self.assertRegex(installed("uv.lock", **asked), "--no-dev --group=prod --extra=S3")
        self.assertRegex(
            installed("poetry.lock", **{**asked, "groups": ("prod", "mail")}), "--only=main,prod,mail --extras=S3"
        )
        self.assertRegex(installed("pyproject.toml", **asked), "--group=pyproject.toml:prod --extra=S3")
        self.assertRegex(installed("poetry.lock"), "--only=main --directory")
        venvs = {installed("uv.lock", **one).split()[0].split("/")[-1] for one in ({}, asked, {"groups": ("prod",)})}
        self.assertEqual(len(venvs), 3)
        for file, more, told in (
            ("uv.lock", {"groups": ("live",)}, r"asks for 'live', which .*\n?.*It has 'prod'"),
            ("uv.lock", {"groups": ("mail",)}, "asks for 'mail'"),
            ("poetry.lock", {"groups": ("live",)}, "It has 'mail', 'prod'"),
            ("pyproject.toml", {"extras": ("live",)}, "It has 's3'"),
            ("requirements.txt", {"extras": ("live",)}, "requirements.txt has no extras"),
        ):
            with self.subTest(file=file, more=more), self.assertRaises(Stop) as stopped:
                installed(file, **more)
            self.assertRegex(f"{stopped.exception} {stopped.exception.todo}", told)

    def test_a_failed_installation_says_what_to_write(self) -> None:
        known = {
            "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'": "[build-essential, python3-dev].",
            "error: command 'gcc' failed: No such file or directory": "[build-essential, python3-dev].",
            "src/a.c:1:10: fatal error: Python.h: No such file or directory": "[build-essential, python3-dev].",
            "Error: pg_config executable not found.": "libpq-dev].",
            "Exception: Can not find valid pkg-config name.": "default-libmysqlclient-dev].",
            "/bin/sh: 1: mysql_config: not found": "default-libmysqlclient-dev].",
            "Error: Please make sure the libxml2 and libxslt development packages are installed.": "libxslt1-dev].",
            "c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory": "libffi-dev].",
            "The headers or library files could not be found for jpeg,": "libjpeg-dev, zlib1g-dev].",
            "error: can't find Rust compiler": "cargo].",
            "Cargo, the Rust package manager, is not installed or is not on PATH.": "cargo].",
            "./psycopg/psycopg.h:36:10: fatal error: libpq-fe.h: No such file or directory": "libpq-dev].",
            "psycopg_c/pq.c:1290:10: fatal error: pg_config.h: No such file or directory": "libpq-dev].",
            "ERROR: Unknown compiler(s): [['cc'], ['gcc'], ['clang']]": "[build-essential, python3-dev].",
            "error: Multiple top-level packages discovered in a flat-layout: ['shop', 'static'].": "commit a uv.lock",
            "hint: `numpy` has no wheels with a matching Python ABI tag (e.g., `cp313`)": "does not fit Python 3.13",
            "the current Python version (3.13.5) does not satisfy Python>=3.8,<3.12": "does not fit Python 3.13",
            "ModuleNotFoundError: No module named 'distutils'": "does not fit Python 3.13",
            "Hash mismatch for `blinker==1.9.0`": "published again, make the file again",
            "HTTP status client error (401 Unauthorized) for url (https://pypi.example.com/simple/)": "indexLogins",
            "error: In `--require-hashes` mode, all requirements must have a hash": "--generate-hashes",
            "we can conclude that your requirements are unsatisfiable.": "do not fit each other",
            "Because tides was not found in the package registry and you require tides": "app.index",
        }
        for line, told in known.items():
            self.assertIn(
                told,
                advice.for_packages(["Resolved 3", "No solution found when resolving dependencies:", line], "3.13"),
                line,
            )
        self.assertEqual(advice.for_packages(["error: Failed to fetch", "  cause: dns error"], "3.13"), "")

    def test_an_index_that_hides_versions_is_named_however_uv_wraps_its_words(self) -> None:
        words = (
            "error: No solution found when resolving dependencies\n  cause: Because there is no version of "
            "markupsafe==3.0.2 and you require markupsafe==3.0.2, we can conclude that your requirements are "
            "unsatisfiable.\n\nhint: `markupsafe` was found on https://reader:****@download.example.org/whl/cpu, but "
            "not at the requested version (markupsafe==3.0.2). A compatible version may be available on a subsequent "
            "index (e.g., https://pypi.org/simple)."
        )
        for width in (1000, 72, 40):
            lines = [
                line
                for part in words.split("\n")
                for line in textwrap.wrap(part, width, break_long_words=False) or [""]
            ]
            told = advice.for_packages(lines, "3.13")
            self.assertIn(
                "The index https://download.example.org/whl/cpu has other versions of markupsafe", told, width
            )
            self.assertIn("explicit = true", told)
            self.assertIn("UV_INDEX_STRATEGY: unsafe-best-match below app.build.env", told)
            # Another fault, of which the words are wrapped as well.
            others = [line for line in lines if "hint" not in line][: lines.index("")]
            self.assertIn("do not fit each other", advice.for_packages(others, "3.13"), width)

    def test_the_environment_of_builds_reaches_uv(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        host = FakeHost(Path(folder.name))
        context = host.context("prepare")
        strategy = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
        prepared = host.prepare_facts("a" * 10, build=facts.Build(".", (), (), strategy))
        command = Uv(context, prepared, Source(context, prepared)).as_owner("/venv", "sync")
        self.assertEqual({**command.environment, **strategy}, command.environment)

    def test_a_private_git_repository_is_told_with_how_git_logs_in(self) -> None:
        for line in (
            "         Host key verification failed.",
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "git@github.com: Permission denied (publickey).",
        ):
            lines = ["error: Failed to download and build `lib @ git+ssh://git@github.com/team/lib`", line]
            self.assertIn("app.build.secrets.GIT_CONFIG_KEY_0", advice.for_packages(lines, "3.13"))

    def test_a_failed_front_end_says_what_to_write(self) -> None:
        known = {
            "npm error `npm ci` can only install packages when your package.json and package-lock.json or "
            "npm-shrinkwrap.json are in sync.": "'npm install'",
            "npm error code E401": "app.build.secrets.NPM_TOKEN",
            "npm error code E404": ".npmrc",
            "npm error gyp ERR! find Python": "build-essential",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory": "NODE_OPTIONS",
            "Error: error:0308010C:digital envelope routines::unsupported": "--openssl-legacy-provider",
        }
        for line, told in known.items():
            self.assertIn(told, advice.for_front_end(["> build", line, "more"], "npm"), line)
        outdated = ["ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with frozen-lockfile"]
        self.assertIn("'pnpm install'", advice.for_front_end(outdated, "pnpm"))
        self.assertEqual(advice.for_front_end(["Module not found: ./shop"], "npm"), "")

    def test_a_front_end_is_installed_by_what_pinned_its_packages(self) -> None:
        def manager(package: str = "{}", **texts: str) -> frontend.Manager:
            return frontend.manager_of(package, {name.replace("_", "."): text for name, text in texts.items()})

        yarn = "# THIS IS AN AUTOGENERATED FILE.\n# yarn lockfile v1\n"
        of_pnpm = {"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"}
        self.assertEqual(frontend.manager_of("{}", {"package-lock.json": "{}", "yarn.lock": yarn}).name, "npm")
        self.assertEqual(manager(yarn_lock=yarn), frontend.Manager("yarn", "1.22.22"))
        self.assertEqual(manager(yarn_lock="__metadata:\n").install(is_build=True), ["install", "--immutable"])
        self.assertEqual(frontend.manager_of("{}", of_pnpm), frontend.Manager("pnpm", "8.15.9"))
        named = '{"packageManager": "pnpm@9.1.0+sha512.ab"}'
        self.assertEqual(
            frontend.manager_of(named, of_pnpm).command("run", "build")[3:5], ["--package=pnpm@9.1.0", "--"]
        )
        for package, texts in (("{}", {}), (named, {"package-lock.json": "{}"})):
            with self.assertRaisesRegex(Stop, "its packages are not pinned"):
                frontend.manager_of(package, texts)

    def test_a_front_end_may_lie_in_a_directory_of_its_own(self) -> None:
        self.assertEqual(frontend.files(None), [])
        self.assertEqual(frontend.files(".")[:2], ["package.json", "package-lock.json"])
        self.assertEqual(frontend.files("apps/web")[:2], ["apps/web/package.json", "apps/web/package-lock.json"])
        with self.assertRaisesRegex(Stop, r"has a apps/web/package\.json and no package-lock\.json"):
            frontend.manager_of("{}", {}, "apps/web")

    def test_a_symptom_of_an_application_is_told_with_what_to_write(self) -> None:
        environ = """  File "/srv/shop/current/shop/settings.py", line 3, in <module>
    KEY = os.environ["{name}"]
  File "<frozen os>", line 717, in __getitem__
KeyError: '{name}'"""
        missing_host = (
            "django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: 'shop.test'. You may need to add"
        )
        known = {
            environ.format(name="SITE_NAME"): "needs SITE_NAME, which is not set: write it below app.env",
            environ.format(name="PAYMENT_TOKEN"): "config set --secret --path 'app.secrets.PAYMENT_TOKEN'",
            "django.core.exceptions.ImproperlyConfigured: Set the COLOUR environment variable": "needs COLOUR",
            "decouple.UndefinedValueError: COLOUR not found. Declare it as envvar": "needs COLOUR",
            'environs.exceptions.EnvError: Environment variable "COLOUR" not set': "needs COLOUR",
            "1 validation error for Settings\ncolour\n  Field required [type=missing": "settings need COLOUR",
            "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.": "no SECRET_KEY",
            "ImproperlyConfigured: Requested setting DEBUG, but settings are not configured.": "app.settings",
            "django.core.exceptions.ImproperlyConfigured: Error loading psycopg2 or psycopg module": "psycopg[binary]",
            "ModuleNotFoundError: No module named 'psycopg2'": "psycopg[binary]",
            "TypeError: Starlette.__call__() missing 1 required positional argument: 'send'": "server: uvicorn",
            "TypeError: FastAPI.__call__() missing 1 required positional argument: 'send'": "an ASGI application",
            "Failed to find attribute 'application' in 'shop.wsgi'.": "'shop.wsgi' has no 'application'",
            'ERROR: Error loading ASGI app. Attribute "app" not found in module "shop.asgi".': "app.asgi",
            "TypeError: WSGIHandler.__call__() missing 1 required positional argument: 'start_response'": "a WSGI app",
            "TypeError: Config.__init__() got an unexpected keyword argument 'backlog'": "raise it to 0.22",
            missing_host: "ALLOWED_HOSTS lacks 'shop.test'",
            "ModuleNotFoundError: No module named 'tides'": "PYTHONPATH",
            "OSError: [Errno 30] Read-only file system: '/srv/shop/releases/1a/var/x'": "app.shared",
            "PermissionError: [Errno 13] Permission denied: '/srv/shop/releases/1a/var'": "app.shared",
            "sqlite3.OperationalError: unable to open database file": "${paths.data}",
            'psycopg.OperationalError: could not translate host name "db" to address': "${postgres.host}",
            "redis.exceptions.AuthenticationError: Authentication required.": "CELERY_BROKER_URL: ${redis.url}",
            "redis.exceptions.ConnectionError: Error 111 connecting to cache:6379.": "app.env: ${redis.url}",
        }
        for line, told in known.items():
            self.assertIn(told, symptoms.told(["Traceback (most recent call last):", *line.split("\n"), "more"]), line)
        self.assertEqual(symptoms.told(["KeyError: 'COLOUR'", "ValueError: too many"]), "")
        self.assertIn("app.build.env", symptoms.told_of_build(environ.format(name="COLOUR").split("\n")))

    def test_what_a_project_prints_leads_no_link_out_of_the_release_or_to_where_programs_are_imported(self) -> None:
        told = {
            "static_root_missing": False,
            "static_url": "/static/",
            "static_by_itself": False,
            "media_root": None,
            "media_url": None,
            "keeps_uploads": False,
            "sqlite": {},
            "caches_in_queue": [],
            "random_key_of": None,
        }
        nobody = cast(Any, None)
        for path in (
            "../A/media",
            ".venv/lib/python3.13/site-packages/media",
            "a/../media",
            "sitecustomize",
            "shop/settings",
        ):
            found = project.read(json.dumps({"static_root": path, **told}), by_stack=False)
            with self.assertRaisesRegex(Stop, "does not take for a directory of files"):
                project.settle(nobody, nobody, found, "/srv/shop/static/A")
        for line in (
            "",
            "[]",
            "{}",
            json.dumps({"static_root": 1, **told}),
            json.dumps({"static_root": None, "x": 1, **told}),
        ):
            with self.assertRaisesRegex(Stop, "cannot be read"):
                project.read(line, by_stack=False)

    def test_a_link_is_put_where_nothing_is_and_only_there_without_a_word_of_ln(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder).resolve()
            (here / "kept").mkdir()
            (here / "kept/.gitkeep").touch()
            (here / "full").mkdir()
            (here / "full/style.css").touch()
            (here / "link").symlink_to("nowhere")

            def lead(path: str) -> tuple[int, str]:
                argv = ["sh", "-c", shared._LINK, "sh", path, "/srv/shop/data/x"]
                done = subprocess.run(argv, cwd=here, capture_output=True, text=True, check=False)
                return done.returncode, done.stdout + done.stderr

            for path in ("kept", "none", "a/b"):
                self.assertEqual(lead(path), (0, ""), path)
                self.assertEqual(os.readlink(here / path), "/srv/shop/data/x")
            for path in ("full", "link", "full/style.css"):
                self.assertEqual(lead(path), (1, ""), path)
            self.assertTrue((here / "full/style.css").exists())

    def test_a_file_of_sqlite_in_the_release_is_refused_for_each_database(self) -> None:
        told = dict.fromkeys(("static_root", "static_url", "media_root", "media_url", "random_key_of"))
        rest = {"static_root_missing": False, "static_by_itself": False, "keeps_uploads": False, "caches_in_queue": []}

        def read(sqlite: object) -> project.Project:
            return project.read(json.dumps({**told, **rest, "sqlite": sqlite}), by_stack=False)

        project.refuse(read({"default": "/srv/shop/data/db.sqlite3"}))
        with self.assertRaisesRegex(Stop, "database 'audit' is SQLite at audit.sqlite3 in the release"):
            project.refuse(read({"default": "/srv/shop/data/db.sqlite3", "audit": "audit.sqlite3"}))
        for wrong in (None, "db.sqlite3", {"default": None}):
            with self.assertRaisesRegex(Stop, "cannot be read"):
                read(wrong)

    def test_a_signing_key_that_differs_between_processes_is_refused_with_what_to_write(self) -> None:
        told = dict.fromkeys(("static_root", "static_url", "media_root", "media_url"))
        rest = {"static_root_missing": False, "static_by_itself": False, "keeps_uploads": False, "sqlite": {}}
        rest = {**rest, "caches_in_queue": []}

        def read(module: object) -> project.Project:
            return project.read(json.dumps({**told, **rest, "random_key_of": module}), by_stack=False)

        project.refuse(read(None))
        with self.assertRaisesRegex(Stop, "settings shop.prod make up another SECRET_KEY") as stopped:
            project.refuse(read("shop.prod"))
        self.assertIn("below 'from shop.prod import *'", stopped.exception.todo)
        with self.assertRaisesRegex(Stop, "cannot be read"):
            read(True)

    def test_a_pyproject_with_the_settings_of_tools_alone_is_told_from_one_with_dependencies(self) -> None:
        for text in (
            '[project]\nname = "shop"\ndependencies = []\n',
            '[project]\nname = "shop"\ndynamic = ["dependencies"]\n',
            '[tool.poetry.dependencies]\npython = "^3.11"\n',
        ):
            refuse_without_dependencies("pyproject.toml", text)
        for text, told in (("[tool.ruff]\n", "names no dependencies"), ("[project\n", "cannot be read")):
            with self.assertRaisesRegex(Stop, told):
                refuse_without_dependencies("pyproject.toml", text)

    def test_what_is_read_is_by_the_folder_of_the_file_that_is_named(self) -> None:
        self.assertEqual(
            files_to_read("deploy/uv.lock"), ["deploy/uv.lock", "deploy/pyproject.toml", "deploy/.python-version"]
        )
        self.assertIn("requirements.txt", files_to_read(None))
