"""What systemd knows of units, asked of many at once, and what it is told to do with them."""

import contextlib
import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .faults import Stop
from .voice import Voice
from .world import World

_ASKED = ("ActiveState", "SubState", "NRestarts", "MainPID", "CPUUsageNSec", "Job", "NeedDaemonReload")
_GONE = ("inactive", "failed")


@dataclasses.dataclass(frozen=True)
class Look:
    """A unit as it is found."""

    unit: str
    active: str
    sub: str
    restarts: int
    main: int
    # Computing time that it has used, in seconds.
    computed: float
    # Whether systemd still has something to do with it.
    has_job: bool
    needs_reload: bool

    @property
    def is_gone(self) -> bool:
        return self.active in _GONE

    @property
    def has_restarted(self) -> bool:
        return self.restarts > 0 or self.sub == "auto-restart" or self.active == "failed"

    @property
    def is_ending(self) -> bool:
        return self.active == "deactivating" or self.has_job

    @property
    def has_fallen(self) -> bool:
        """It has ended by itself. One with a job is about to start: systemd has not come to it yet, or it returns."""
        if self.active in (*_GONE, "deactivating") and self.has_job:
            return False
        return self.restarts > 0 or self.sub == "auto-restart" or self.active not in ("active", "activating")

    @property
    def is_returning(self) -> bool:
        """It was told to end, is rolled back to before it has, and starts when it has."""
        return self.active == "deactivating" and self.has_job


class Systemd:
    def __init__(self, world: World, voice: Voice) -> None:
        self._world = world
        self._voice = voice

    def look(self, units: Sequence[str]) -> list[Look]:
        """How these units are, in their order."""
        if not units:
            return []
        _, text = self._world.systemctl("show", f"--property={','.join(_ASKED)}", "--", *units)
        blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n")]
        if len(blocks) != len(units):
            raise Stop(f"systemd told of {len(blocks)} units; {len(units)} were asked for.", "Run 'pulumi up' again.")
        return [_look(unit, block) for unit, block in zip(units, blocks, strict=True)]

    def one(self, unit: str) -> Look:
        return self.look([unit])[0]

    def all_active(self, units: Sequence[str]) -> bool:
        return all(look.active == "active" for look in self.look(units))

    def all_gone(self, units: Sequence[str]) -> bool:
        return all(look.is_gone for look in self.look(units))

    def instances_of(self, pattern: str) -> set[str]:
        """The instances of units of a name that run or have failed."""
        states = "--state=active,activating,deactivating,reloading,failed"
        _, text = self._world.systemctl(
            "list-units", "--all", "--plain", "--no-legend", states, f"{pattern}@*.service", f"{pattern}@*.socket"
        )
        names = [line.split()[0] for line in text.splitlines() if line.strip()]
        return {name.split("@", 1)[1].rsplit(".", 1)[0] for name in names if "@" in name}

    def start(self, units: Sequence[str]) -> None:
        """Starts them and waits for none."""
        if not units:
            return
        looks = self.look(units)
        if any(look.needs_reload for look in looks):
            self.reload()
        failed = [look.unit for look in looks if look.has_restarted]
        if failed:
            self._world.systemctl("reset-failed", "--", *failed)
        self._told("start", "--no-block", units=units)

    def start_and_wait(self, units: Sequence[str]) -> bool:
        return self._told("start", units=units)

    def stop(self, units: Sequence[str]) -> None:
        """Tells them to take nothing new, finish what they do, and end; waits for none."""
        if units:
            self._told("stop", "--no-block", units=units)

    def stop_and_wait(self, units: Sequence[str]) -> bool:
        return not units or self._told("stop", units=units)

    def forget_failures(self, units: Sequence[str]) -> None:
        if units:
            self._world.systemctl("reset-failed", "--", *units)

    def reload(self) -> None:
        self._told("daemon-reload", units=())

    def _told(self, verb: str, *options: str, units: Sequence[str]) -> bool:
        status, _ = self._world.systemctl(verb, *options, *(["--", *units] if units else []))
        if status != 0:
            self._voice.log(f"systemctl {verb} {' '.join(units)} ended with status {status}")
        return status == 0

    def has_limit(self, unit: str) -> bool:
        """Whether it may take only so much memory."""
        _, text = self._world.systemctl("show", "--property=MemoryMax", "--", unit)
        return re.search(r"^MemoryMax=\d+$", text, re.MULTILINE) is not None

    def spare(self, units: Sequence[str]) -> None:
        """When memory is short, the kernel ends others before these. What they start from now on inherits that."""
        for look in self.look(units):
            for process in self._processes(look):
                # It may have ended.
                with contextlib.suppress(OSError):
                    self._world.path(f"/proc/{process}/oom_score_adj").write_text("0")

    def _processes(self, look: Look) -> list[int]:
        """Its main process and what that has started."""
        return [look.main, *self.children(look)] if look.main else []

    def children(self, look: Look) -> list[int]:
        """The processes that a unit's main process has started."""
        tasks = self._world.path(f"/proc/{look.main}/task")
        found: list[int] = []
        for task in _entries(tasks):
            found.extend(int(word) for word in _text(task / "children").split())
        return sorted(found)

    def is_at_work(self, look: Look) -> bool:
        """Whether its main process, or one that it has started, runs, or waits for a processor or the disk; proc(5)."""
        stats = [_text(self._world.path(f"/proc/{process}/stat")) for process in self._processes(look)]
        return any(stat.rpartition(") ")[2][:1] in ("R", "D") for stat in stats)

    def program(self, look: Look) -> str:
        """The name of the program that its main process runs."""
        return _text(self._world.path(f"/proc/{look.main}/comm")).strip()


def _look(unit: str, told: dict[str, str]) -> Look:
    computed = told.get("CPUUsageNSec", "")
    job = told.get("Job", "")
    return Look(
        unit=unit,
        active=told.get("ActiveState", "inactive"),
        sub=told.get("SubState", ""),
        restarts=int(told.get("NRestarts") or 0),
        main=int(told.get("MainPID") or 0),
        # It is '[not set]', or the largest number there is, where nothing was measured.
        computed=int(computed) / 1e9 if computed.isdigit() and int(computed) < 1 << 63 else 0.0,
        has_job=job not in ("", "0"),
        needs_reload=told.get("NeedDaemonReload") == "yes",
    )


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
