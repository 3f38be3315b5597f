#!/usr/bin/python3 -IS
"""Berth: reboots this host where an upgrade needs it, and shows the site again once it is healthy.

reboot when-needed  what a timer does
reboot afterwards   at the boot that follows
"""

import contextlib
import dataclasses
import fcntl
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Seconds that a deployment has to end, and the site to be healthy again.
FOR_A_DEPLOYMENT, FOR_THE_SITE = 1200, 600
# Between two steps of a deployment the lock is nobody's; each writes its name there.
BETWEEN_STEPS = 120
# A library that an upgrade has replaced, in what still runs with it (proc_pid_maps(5)); a path may hold any words.
REPLACED = re.compile(r"^\S+ \S+ \S+ \S+ \d+ +(/usr/lib/\S+\.so[.0-9]*) \(deleted\)$", re.MULTILINE)


@dataclasses.dataclass
class Plan:
    """Whose host it is."""

    application: str
    # Of the host that serves the site; None on all others.
    scheme: str | None
    domain: str | None
    health: str | None


def run(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def health(plan: Plan) -> str | None:
    """What is wrong with what nginx answers to the health path; None where it is 200."""
    if plan.scheme is None:
        return None
    port = 443 if plan.scheme == "https" else 80
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            # Whose certificate it is, is not asked here.
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            own = trusting.wrap_socket(plain, server_hostname=plan.domain) if port == 443 else plain
            asking = http.client.HTTPConnection(str(plan.domain), port)
            asking.sock = own
            asking.request("GET", str(plan.health), headers={"Host": str(plan.domain), "User-Agent": "berth-reboot"})
            status = asking.getresponse().status
    except (OSError, http.client.HTTPException) as fault:
        return f"it does not answer: {fault}"
    return None if status == 200 else f"it answers {status}, not 200"


@dataclasses.dataclass
class Reboot:
    plan: Plan
    root: Path = Path("/")
    run: Callable[..., str] = run
    health: Callable[[Plan], str | None] = health
    sleep: Callable[[float], None] = time.sleep
    # How long it waits for a deployment, for the site, and until nothing has held the lock.
    patience: tuple[float, float, float] = (FOR_A_DEPLOYMENT, FOR_THE_SITE, BETWEEN_STEPS)

    def __post_init__(self) -> None:
        # What has begun; the next boot finishes it.
        self.memory = self.root / "var/lib/berth/reboot.json"
        # Visitors see the maintenance page while this is there.
        self.mark = self.root / f"etc/berth/{self.plan.application}/maintenance"
        self.lock = self.root / "run/berth.lock"

    def when_needed(self) -> int:
        why = self.reasons()
        if not why:
            return 0
        stopped: list[str] = []
        try:
            with self.lock.open("a+") as lock:
                self._begin(why, lock.fileno(), stopped)
        except (Interrupted, Busy, subprocess.CalledProcessError) as fault:
            print(f"not rebooted, for {why}: {fault}")
            self._undo(stopped)
            return 1
        return 0

    def _begin(self, why: str, lock: int, stopped: list[str]) -> None:
        """Stops one after the other; what is in `stopped` is to be started again where it ends without the reboot."""
        self._stop(self.units("timer"), stopped)
        # What timers have started comes to its own end, and so does a backup; a reboot would break it off.
        while self.units("service", "activating", at=False) or self._backup():
            self.sleep(5)
        # Not in the middle of a deployment. The lock is held until the end.
        self._take(lock)
        # Tasks come to their end while visitors have the site still; then nginx shows them the page, and the site ends.
        web = f"{self.plan.application}-web@"
        processes = [one for one in self.units("socket") + self.units("service") if not one.startswith(web)]
        self._stop(processes, stopped)
        marks = self.plan.scheme is not None and not self.mark.exists()
        self._remember({"boot": self.boot(), "began": time.time(), "why": why, "marks": marks})
        print(f"rebooting for {why}")
        if marks:
            self.mark.touch()
        self._stop(self.units("socket") + self.units("service"), stopped)
        self.run("systemctl", "reboot")

    def _stop(self, units: Sequence[str], stopped: list[str]) -> None:
        stopped += units
        if units:
            self.run("systemctl", "stop", *units)

    def _undo(self, stopped: Sequence[str]) -> None:
        if self.memory.exists():
            if json.loads(self.memory.read_text())["marks"]:
                self.mark.unlink(missing_ok=True)
            self.memory.unlink()
        if stopped:
            try:
                self.run("systemctl", "start", *stopped)
            except subprocess.CalledProcessError as fault:
                print(fault)

    def _take(self, lock: int) -> None:
        """
        Raises:
            Busy: a deployment is under way.
        """
        end = time.monotonic() + self.patience[0]
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(lock).st_mtime >= self.patience[2]:
                    self.lock.write_text("reboot\n")
                    return
                fcntl.flock(lock, fcntl.LOCK_UN)
            if time.monotonic() >= end:
                raise Busy(f"a deployment has been under way for {self.patience[0] / 60:.0f} minutes")
            self.sleep(1)

    def afterwards(self) -> int:
        told = json.loads(self.memory.read_text())
        if told["boot"] == self.boot():
            return 0
        wrong = self.healthy_within(self.patience[1])
        self.memory.unlink()
        if wrong is not None:
            print(f"rebooted for {told['why']}, and the site is not healthy: {wrong}")
            if told["marks"]:
                print(f"visitors see the maintenance page until 'sudo rm {self.mark}'")
            return 1
        if told["marks"]:
            self.mark.unlink(missing_ok=True)
        print(f"rebooted for {told['why']}; {time.time() - told['began']:.0f} s after it began all is healthy")
        return 0

    def reasons(self) -> str:
        """Why a reboot is needed, as people say it; nothing where it is not."""
        packages = self.root / "run/reboot-required.pkgs"
        named = sorted(set(packages.read_text().split())) if packages.exists() else []
        if (self.root / "run/reboot-required").exists():
            return ", ".join(named) or "an upgrade"
        libraries = sorted({Path(one).name for one in self.replaced()})
        return f"programs that run with a library that was replaced: {', '.join(libraries[:5])}" if libraries else ""

    def replaced(self) -> set[str]:
        found: set[str] = set()
        for maps in (self.root / "proc").glob("[0-9]*/maps"):
            try:
                found.update(REPLACED.findall(maps.read_text(errors="replace")))
            except OSError:
                # It has ended meanwhile.
                continue
        return found

    def units(self, kind: str, states: str = "active,activating,reloading", *, at: bool = True) -> list[str]:
        """The application's of this kind in these states; of services either instances or what timers start."""
        name = self.plan.application
        pattern = f"{name}-*.{kind}" if kind == "timer" or not at else f"{name}-*@*.{kind}"
        return [one for one in self._listed(pattern, states) if kind == "timer" or ("@" in one) == at]

    def _backup(self) -> bool:
        return bool(self._listed("berth-backup*.service", "activating"))

    def _listed(self, pattern: str, states: str) -> list[str]:
        told = self.run("systemctl", "list-units", "--plain", "--no-legend", f"--state={states}", pattern)
        return [line.split()[0] for line in told.splitlines() if line.strip()]

    def healthy_within(self, seconds: float) -> str | None:
        """What is wrong when the time is over; None as soon as nothing is."""
        end = time.monotonic() + seconds
        while (wrong := self.unhealthy()) is not None and time.monotonic() < end:
            self.sleep(1)
        return wrong

    def unhealthy(self) -> str | None:
        failed = self.units("service", "failed")
        return f"{failed[0]} has failed" if failed else self.health(self.plan)

    def boot(self) -> str:
        return (self.root / "proc/sys/kernel/random/boot_id").read_text().strip()

    def _remember(self, told: dict[str, object]) -> None:
        new = self.memory.with_suffix(".new")
        new.write_text(json.dumps(told))
        new.replace(self.memory)


class Busy(Exception):
    """A deployment does not end."""


class Interrupted(Exception):
    """Somebody has stopped this."""


def interrupt(number: int, _: object) -> None:
    raise Interrupted(f"stopped by {signal.Signals(number).name}")


def main(words: Sequence[str]) -> int:
    if len(words) != 1 or words[0] not in ("when-needed", "afterwards"):
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, interrupt)
    reboot = Reboot(Plan(**json.loads(Path("/etc/berth/reboots.json").read_text())))
    return reboot.when_needed() if words[0] == "when-needed" else reboot.afterwards()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
