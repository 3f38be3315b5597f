"""What of a host is not as Berth made it: the comparing, on a tree of its own."""

import fcntl
import hashlib
import os
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from host_drift.look import look
from host_drift.reading import Root, Unlooked

CANARY = "canary-7f3a"
NGINX = "/etc/nginx/nginx.conf"
KEY = "/etc/nginx/tls/app.key"


def owner(path: Path) -> str:
    return f"{path.owner()}:{path.group()}"


class Answers:
    """What the commands of a host print."""

    def __init__(self) -> None:
        self.units: dict[str, dict[str, str]] = {}
        self.packages = "ii  nginx\nrc  redis\n"
        self.made = self.loaded = "table inet berth {\n\taccept\n}\n"
        self.images = ""
        self.broken = ""

    def __call__(self, command: Sequence[str]) -> str:
        if command[0] == self.broken:
            raise Unlooked(f"{command[0]} did not answer in 5 s")
        if command[0] == "systemctl":
            asked = command[command.index("--") + 1 :]
            running = {"UnitFileState": "enabled", "ActiveState": "active", "FragmentPath": "/usr/lib/systemd/x"}
            return "\n".join(
                "".join(f"{key}={value}\n" for key, value in {**running, **self.units.get(one, {})}.items())
                for one in asked
            )
        if command[0] == "dpkg-query":
            return self.packages
        if any("docker image inspect" in word for word in command):
            return self.images
        return self.made if command[0] == "unshare" else self.loaded


class Drift(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "root"
        self.root.mkdir()
        self.answers = Answers()
        self.things: list[str] = []
        self.ignore: list[str] = []
        self.write("/var/lib/berth/claim", "mine\nthe stack\n")
        self.make(NGINX, "worker_processes 2;\nevents {}\n")
        self.make(KEY, f"{CANARY}\n", 0o600)

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def make(self, path: str, text: str, mode: int = 0o644, step: str = "site") -> None:
        """A file that a step has put there."""
        file = self.write(path, text, mode)
        shown = "text" if mode & 4 else "secret"
        if shown == "text":
            self.write(f"/var/lib/berth/record/text{path}", text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.note("file", path, step, owner(file), f"{mode:04o}", shown, digest)

    def note(self, *thing: str) -> None:
        self.things.append("\t".join(thing))
        self.write("/var/lib/berth/record/things", "".join(f"{one}\n" for one in self.things))

    def look(self, claim: str | None = "mine") -> dict[str, object]:
        return look(Root(str(self.root), self.answers), claim, self.ignore, str(self.root / "lock"))

    def found(self) -> list[tuple[str, str]]:
        told = self.look()
        self.assertIsNone(told["problem"])
        differences = told["differences"]
        assert isinstance(differences, list)
        return [(one["name"], one["what"]) for one in differences]

    def diff(self) -> list[str] | None:
        differences = self.look()["differences"]
        assert isinstance(differences, list)
        self.assertEqual(len(differences), 1, differences)
        diff = differences[0]["diff"]
        assert diff is None or isinstance(diff, list)
        return diff

    def refuses(self, reason: str, claim: str | None = "mine") -> None:
        told = self.look(claim)
        self.assertIn(reason, str(told["problem"]))
        self.assertEqual(told["differences"], [])

    def test_nothing_differs_where_nothing_was_changed(self) -> None:
        self.assertEqual(self.found(), [])
        self.assertEqual(self.look()["things"], 2)

    def test_a_changed_file_is_shown_by_its_diff(self) -> None:
        self.path(NGINX).write_text("worker_processes 8;\nevents {}\n")
        self.assertEqual(self.found(), [(NGINX, "was changed")])
        self.assertEqual(
            self.diff(),
            [
                "--- what Berth made",
                "+++ what is there",
                "@@ -1,2 +1,2 @@",
                "-worker_processes 2;",
                "+worker_processes 8;",
                " events {}",
            ],
        )

    def test_a_long_diff_is_cut(self) -> None:
        self.path(NGINX).write_text("x\n" * 1000)
        diff = self.diff()
        assert diff is not None
        self.assertEqual((len(diff), diff[-1]), (201, "… 805 more lines"))

    def test_a_deleted_file_differs(self) -> None:
        self.path(NGINX).unlink()
        self.assertEqual(self.found(), [(NGINX, "was deleted")])

    def test_another_mode_differs(self) -> None:
        self.path(NGINX).chmod(0o666)
        self.assertEqual(self.found(), [(NGINX, "has the mode 0666; Berth gave it 0644")])

    @unittest.skipIf(os.getuid() != 0, "only root gives a file away")
    def test_another_owner_differs(self) -> None:
        os.chown(self.path(NGINX), 65534, -1)
        self.assertIn("belongs to nobody:", self.found()[0][1])

    def test_a_secret_differs_without_its_text(self) -> None:
        self.path(KEY).write_text(f"{CANARY}-other\n")
        self.assertEqual(self.found(), [(KEY, "was changed; its text is secret and not shown")])
        self.assertNotIn(CANARY, str(self.look()))

    def test_a_secret_that_everybody_may_read_now_is_not_shown_either(self) -> None:
        self.write(KEY, f"{CANARY}-other\n", 0o644)
        self.assertEqual([what for _, what in self.found()][1], "has the mode 0644; Berth gave it 0600")
        self.assertNotIn(CANARY, str(self.look()))

    def test_a_file_that_not_everybody_may_read_now_is_not_shown(self) -> None:
        self.write(NGINX, f"# {CANARY}\n", 0o640)
        self.assertEqual(len(self.found()), 2)
        self.assertNotIn(CANARY, str(self.look()))

    def test_a_link_in_the_place_of_a_file_is_not_followed(self) -> None:
        self.write("/etc/shadow", f"root:{CANARY}\n")
        self.path(NGINX).unlink()
        self.path(NGINX).symlink_to(self.path("/etc/shadow"))
        self.assertEqual(self.found(), [(NGINX, "is a link; Berth made a file")])
        self.assertNotIn(CANARY, str(self.look()))

    def test_a_link_in_the_place_of_a_directory_is_not_followed(self) -> None:
        self.write("/home/eve/nginx.conf", f"{CANARY}\n")
        self.path("/etc/nginx").rename(self.path("/etc/before"))
        self.path("/etc/nginx").symlink_to(self.path("/home/eve"))
        reached = "cannot be reached: something else is in the place of a directory above it"
        self.assertEqual(self.found(), [(NGINX, reached), (KEY, reached)])
        self.assertNotIn(CANARY, str(self.look()))

    def test_a_file_of_two_names_is_not_shown(self) -> None:
        other = self.write("/etc/other", f"{CANARY}\n")
        self.path(NGINX).unlink()
        self.path(NGINX).hardlink_to(other)
        self.assertEqual(self.found(), [(NGINX, "was changed")])
        self.assertNotIn(CANARY, str(self.look()))

    def test_a_file_where_others_could_put_another_one_is_not_shown(self) -> None:
        self.path(NGINX).write_text(f"{CANARY}\n")
        self.path("/etc/nginx").chmod(0o777)
        self.assertEqual(self.found(), [(NGINX, "was changed")])
        self.assertNotIn(CANARY, str(self.look()))

    def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(self) -> None:
        self.path(NGINX).unlink()
        os.mkfifo(self.path(NGINX))
        self.assertEqual(self.found(), [(NGINX, "is a pipe; Berth made a file")])

    def test_a_large_file_is_compared_and_not_shown(self) -> None:
        self.path(NGINX).write_bytes(b"x" * (2**20 + 2))
        self.assertIsNone(self.diff())

    def test_a_file_that_is_far_too_large_is_told_and_not_read(self) -> None:
        with self.path(NGINX).open("wb") as file:
            file.truncate(2**40)
        self.assertEqual(self.found(), [(NGINX, "was changed, and has 1048576 MiB now")])

    def test_links_and_directories_differ(self) -> None:
        self.write("/etc/berth/x", "")
        link, directory = self.path("/etc/berth/link"), self.path("/etc/berth")
        link.symlink_to("there")
        self.note("link", "/etc/berth/link", "site", "there")
        self.note("directory", "/etc/berth", "site", owner(directory), "0755")
        directory.chmod(0o755)
        self.assertEqual(self.found(), [])
        link.unlink()
        link.symlink_to("elsewhere")
        directory.chmod(0o700)
        self.assertEqual(
            self.found(),
            [
                ("/etc/berth/link", "leads to elsewhere; Berth made it lead to there"),
                ("/etc/berth", "has the mode 0700; Berth gave it 0755"),
            ],
        )

    def test_units_that_were_stopped_disabled_or_masked_differ(self) -> None:
        names = ["a.service", "b.timer", "c.service", "d.service", "e.service"]
        for name in names:
            self.note("unit", name, "site", "enabled", "" if name == "e.service" else "active")
        self.assertEqual(self.found(), [])
        self.answers.units = {
            "a.service": {"ActiveState": "inactive"},
            "b.timer": {
                "UnitFileState": "masked",
                "ActiveState": "failed",
                "FragmentPath": "/etc/systemd/system/b.timer",
            },
            "c.service": {"UnitFileState": "disabled"},
            "d.service": {"ActiveState": "failed"},
            "e.service": {"ActiveState": "inactive"},
        }
        self.assertEqual(
            self.found(),
            [
                ("a.service", "is stopped; Berth started it"),
                ("b.timer", "is masked, so nothing can start it"),
                ("c.service", "is disabled; Berth enabled it"),
                ("d.service", "has failed; Berth started it"),
            ],
        )

    def test_drop_ins_and_unit_files_that_berth_has_not_made_differ(self) -> None:
        self.note("unit", "nginx.service", "site", "enabled", "active")
        self.make("/etc/systemd/system/nginx.service.d/berth.conf", "[Service]\n")
        self.make("/etc/systemd/system/shop-web@.service", "[Service]\n")
        self.assertEqual(self.found(), [])
        by_hand = "/etc/systemd/system/shop-web@.service.d/override.conf"
        self.write(by_hand, "[Service]\n")
        self.answers.units["nginx.service"] = {"FragmentPath": "/etc/systemd/system/nginx.service"}
        self.assertEqual(
            [name for name, _ in self.found()],
            ["/etc/systemd/system/nginx.service", by_hand],
        )
        told = self.look()["differences"]
        assert isinstance(told, list)
        self.assertEqual([one["mended"] for one in told], [False, False])

    def test_packages_that_are_gone_differ(self) -> None:
        for name in ("nginx", "redis"):
            self.note("package", name, "packages")
        self.assertEqual(self.found(), [("redis", "is not installed any more")])

    def test_images_that_are_gone_differ_and_none_does_where_docker_does_not_run(self) -> None:
        image = "registry.example.org/jobs:2@sha256:33"
        self.note("image", image, "docker-images")
        self.answers.images = f"{image}\n"
        self.assertEqual(self.found(), [(image, "was removed")])
        self.answers.images = ""
        self.assertEqual(self.found(), [])

    def test_accounts_differ(self) -> None:
        self.note("account", "nobody", "account", "/bin/bash", "nogroup,www-data")
        self.note("account", "root", "account", "", "+root")
        self.note("account", "nobody-of-berth", "account", "", "x")
        self.assertEqual(
            self.found(),
            [
                ("nobody", "has the shell /usr/sbin/nologin; Berth gave it /bin/bash"),
                ("nobody", "is no member of the group www-data"),
                ("nobody-of-berth", "was deleted"),
            ],
        )

    def test_rules_of_the_firewall_differ(self) -> None:
        self.note("firewall", "firewall", "firewall")
        self.assertEqual(self.found(), [])
        self.answers.loaded = "table inet berth {\n\taccept\n\ttcp dport 9999 accept\n}\n"
        self.assertEqual(self.found(), [("firewall", "has other rules than Berth loaded")])
        self.assertIn("+\ttcp dport 9999 accept", self.diff() or [])
        self.answers.loaded = ""
        self.assertEqual(self.found(), [("firewall", "is not loaded")])

    def test_what_is_ignored_is_left_out_and_counted(self) -> None:
        self.path(NGINX).unlink()
        self.path(KEY).unlink()
        self.ignore = ["/etc/nginx/tls/*"]
        self.assertEqual(self.found(), [(NGINX, "was deleted")])
        self.assertEqual(self.look()["ignored"], 1)

    def test_to_ignore_a_units_file_hides_nothing_of_its_state(self) -> None:
        place = "/etc/systemd/system/x.service"
        self.make(place, "[Service]\n")
        self.note("unit", "x.service", "site", "enabled", "active")
        self.path(place).write_text("[Service]\nNice=5\n")
        self.answers.units = {"x.service": {"ActiveState": "failed"}}
        self.assertEqual(self.found(), [(place, "was changed")])
        self.ignore = [place]
        self.assertEqual(self.found(), [("x.service", "has failed; Berth started it")])

    def test_a_part_that_cannot_be_asked_leaves_the_others(self) -> None:
        self.note("package", "nginx", "packages")
        self.path(NGINX).unlink()
        self.answers.broken = "dpkg-query"
        self.assertEqual(self.found(), [(NGINX, "was deleted")])
        self.assertEqual(self.look()["unknown"], {"packages": "dpkg-query did not answer in 5 s"})

    def test_a_step_that_has_not_ended_is_told_and_not_what_it_has_made(self) -> None:
        self.path(NGINX).unlink()
        self.write("/var/lib/berth/unfinished/site", "")
        self.assertEqual(self.found(), [("site", "has not come to its end")])

    def test_a_step_that_was_taken_back_is_told_once_and_runs_again(self) -> None:
        self.path(NGINX).unlink()
        self.write("/var/lib/berth/undone/site", "")
        self.assertEqual(self.found(), [("by site", "was taken back, because Berth did not come in again")])
        (one,) = cast("list[dict[str, object]]", self.look()["differences"])
        self.assertEqual((one["kind"], one["step"], one["mended"]), ("change", "site", True))

    def test_a_host_without_a_record_of_another_stack_or_at_work_is_not_looked_at(self) -> None:
        self.refuses("not this stack's any more", "another")
        lock = self.write("/lock", "site\n")
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.refuses("a deployment is at work there (step 'site')")
        self.assertEqual(self.found(), [])
        self.path("/var/lib/berth/record/things").unlink()
        self.refuses("Berth has kept no record")


if __name__ == "__main__":
    unittest.main()
