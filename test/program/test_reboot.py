"""A reboot at the time that the stack names, on a host that is a directory."""

import contextlib
import fcntl
import fnmatch
import io
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from reboot import Plan, Reboot

SITE = Plan("shop", "https", "shop.example.org", "/health")
WORKERS = Plan("shop", None, None, None)
MAPS = """7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
7f01-7f02 r-xp 00000000 08:01 2 /usr/lib/x86_64-linux-gnu/libc.so.6
7f02-7f03 rw-s 00000000 00:01 3 /dev/shm/PostgreSQL.1 (deleted)
7f03-7f04 r-xp 00000000 08:01 4 /srv/shop/venvs/a/lib/_thing.cpython-313.so (deleted)
7f05-7f06 r-xp 00000000 00:01 5 /memfd:x /usr/lib/libevil.so (deleted)
"""


class OfReboots(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for place in ("run", "var/lib/berth", "etc/berth/shop", "proc/sys/kernel/random", "proc/7"):
            (self.root / place).mkdir(parents=True)
        self.boot("first")
        self.mark = self.root / "etc/berth/shop/maintenance"
        self.memory = self.root / "var/lib/berth/reboot.json"
        self.said = io.StringIO()
        self.ran: list[str] = []
        self.units = {
            "active,activating,reloading": [
                *("shop-web@a.socket", "shop-web@a.service", "shop-worker@a.service"),
                # The second stays so after each boot.
                *("shop-clean.timer", "shop-web-start.service"),
            ],
            "activating": ["shop-clean.service", "berth-backup.service"],
            "failed": [],
        }
        self.slept: list[float] = []
        self.refuses = ""
        self.still = 0.0
        self.wrong: str | None = None

    def boot(self, name: str) -> None:
        (self.root / "proc/sys/kernel/random/boot_id").write_text(f"{name}\n")

    def run_command(self, *command: str) -> str:
        if command[1] == "list-units":
            units = self.units[command[-2].removeprefix("--state=")]
            return "".join(f"{unit} loaded\n" for unit in units if fnmatch.fnmatch(unit, command[-1]))
        self.ran.append(" ".join(command[1:]))
        if command[1] == self.refuses:
            raise subprocess.CalledProcessError(1, command)
        if command[1] == "stop":
            active = self.units["active,activating,reloading"]
            self.units["active,activating,reloading"] = [one for one in active if one not in command]
        return ""

    def sleep(self, seconds: float) -> None:
        """While it waits, what it waits for ends: first the timer's job, then the backup."""
        self.slept.append(seconds)
        self.units["activating"].pop(0)

    def reboot(self, plan: Plan = SITE) -> Reboot:
        return Reboot(plan, self.root, self.run_command, lambda _: self.wrong, self.sleep, (0, 0, self.still))

    def when_needed(self, plan: Plan = SITE) -> int:
        with contextlib.redirect_stdout(self.said):
            return self.reboot(plan).when_needed()

    def afterwards(self, plan: Plan = SITE) -> int:
        with contextlib.redirect_stdout(self.said):
            return self.reboot(plan).afterwards()

    def need(self, packages: str = "linux-image-amd64\nopenssl\nopenssl\n") -> None:
        (self.root / "run/reboot-required").touch()
        (self.root / "run/reboot-required.pkgs").write_text(packages)

    def test_nothing_needs_it(self) -> None:
        self.assertEqual(self.when_needed(), 0)
        self.assertEqual((self.ran, self.mark.exists(), self.memory.exists()), ([], False, False))

    def test_what_needs_it_is_named(self) -> None:
        (self.root / "proc/7/maps").write_text(MAPS)
        self.assertEqual(self.reboot().reasons(), "programs that run with a library that was replaced: libssl.so.3")
        self.need()
        self.assertEqual(self.reboot().reasons(), "linux-image-amd64, openssl")
        (self.root / "run/reboot-required.pkgs").unlink()
        self.assertEqual(self.reboot().reasons(), "an upgrade")

    def test_what_has_begun_ends_while_the_site_is_there_and_the_page_stays_until_it_is_healthy(self) -> None:
        self.need()
        self.assertEqual(self.when_needed(), 0)
        stops = ["stop shop-clean.timer", "stop shop-worker@a.service", "stop shop-web@a.socket shop-web@a.service"]
        self.assertEqual(self.ran, [*stops, "reboot"])
        self.assertEqual(self.slept, [5, 5], "for the timer's job and the backup")
        self.assertTrue(self.mark.exists())
        self.assertEqual(self.afterwards(), 0, "it has not rebooted yet")
        self.assertTrue(self.mark.exists())
        self.boot("second")
        self.assertEqual(self.afterwards(), 0)
        self.assertEqual((self.mark.exists(), self.memory.exists()), (False, False))
        self.assertRegex(self.said.getvalue(), r"rebooted for linux-image-amd64, openssl; \d+ s after it began all is")

    def test_a_page_that_somebody_has_switched_on_stays_on(self) -> None:
        self.mark.touch()
        self.need()
        self.when_needed()
        self.boot("second")
        self.assertEqual(self.afterwards(), 0)
        self.assertTrue(self.mark.exists())

    def test_a_site_that_does_not_come_back_keeps_the_page_and_is_a_failure(self) -> None:
        self.need()
        self.when_needed()
        self.boot("second")
        self.wrong = "it answers 502, not 200"
        self.assertEqual(self.afterwards(), 1)
        self.assertEqual((self.mark.exists(), self.memory.exists()), (True, False))
        self.assertIn("the site is not healthy: it answers 502, not 200", self.said.getvalue())

    def test_a_failed_unit_is_not_healthy_on_a_host_without_the_site(self) -> None:
        self.need()
        self.when_needed(WORKERS)
        self.assertFalse(self.mark.exists())
        self.boot("second")
        self.units["failed"] = ["shop-worker@a.service"]
        self.assertEqual(self.afterwards(WORKERS), 1)
        self.assertIn("shop-worker@a.service has failed", self.said.getvalue())

    def test_where_it_cannot_reboot_all_runs_again(self) -> None:
        self.need()
        self.refuses = "reboot"
        self.assertEqual(self.when_needed(), 1)
        all_of_it = "shop-clean.timer shop-worker@a.service shop-web@a.socket shop-web@a.service"
        self.assertEqual(self.ran[-1], f"start {all_of_it}")
        self.assertEqual((self.mark.exists(), self.memory.exists()), (False, False))
        self.assertIn("not rebooted, for linux-image-amd64, openssl:", self.said.getvalue())

    def test_in_the_middle_of_a_deployment_it_does_not_reboot(self) -> None:
        self.need()
        with (self.root / "run/berth.lock").open("a+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assertEqual(self.when_needed(), 1)
        self.assertEqual(self.ran, ["stop shop-clean.timer", "start shop-clean.timer"])
        self.assertFalse(self.memory.exists())
        self.assertIn("a deployment has been under way for 0 minutes", self.said.getvalue())

    def test_nor_between_two_of_its_steps(self) -> None:
        self.need()
        self.still = 120.0
        (self.root / "run/berth.lock").write_text("system-ssh\n")
        self.assertEqual(self.when_needed(), 1)
        os.utime(self.root / "run/berth.lock", (0, 0))
        self.assertEqual(self.when_needed(), 0)
        self.assertEqual((self.root / "run/berth.lock").read_text(), "reboot\n")

    def test_what_is_remembered_is_whole(self) -> None:
        self.need()
        self.when_needed()
        told = json.loads(self.memory.read_text())
        self.assertEqual((told["boot"], told["why"], told["marks"]), ("first", "linux-image-amd64, openssl", True))


if __name__ == "__main__":
    unittest.main()
