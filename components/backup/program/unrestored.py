"""A new server: the place holds backups of this stack that this host has neither made nor restored.

Nothing of the two is mixed until the backups are restored here: this host makes none, and its site, which has no data
yet, is shut so that nobody's work is lost in it.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from commands import Failed, run
from database import DatabaseBackups
from files import FileBackups
from history import Record
from plan import STATE, Plan, Trouble
from site_state import Maintenance
from words import shown

# In seconds: a site that has been there for longer has visitors and data of its own. It is not shut.
_YOUNG = 3600


@dataclass(frozen=True)
class Span:
    """From when to when backups are of, in seconds since 1970."""

    since: float
    until: float


def span_of(times: Iterable[float]) -> Span | None:
    known = sorted(times)
    return Span(known[0], known[-1]) if known else None


class NewServer:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._record = Record()
        self._files = FileBackups(plan)
        self._database = None if plan.database is None else DatabaseBackups(plan, plan.database)

    def found(self) -> Span | None:
        """Of when the backups are that are not this host's own; None where there are none such."""
        if self._database is not None and self._database.owner() is not None:
            if self._database.is_own():
                return None
            return span_of([*(one.stop for one in self._database.backups()), *self._times_of_files()])
        if self._record.place == self._plan.place:
            return None
        # Without a database of theirs, files say whose they are: a host that has gone on has some of the last backup.
        times = self._times_of_files()
        return None if not times or self._has_files() else span_of(times)

    def _times_of_files(self) -> list[float]:
        return [one.at for one in self._files.snapshots()] if self._files.is_there() else []

    def _has_files(self) -> bool:
        known = self._files.snapshots()
        # What a service writes by itself says nothing.
        newest = [
            (part, own[-1])
            for part in self._plan.files
            if part.unit is None and (own := [one for one in known if one.part == part.name])
        ]
        samples = [(part, self._files.sample(snapshot)) for part, snapshot in newest]
        if not any(sample for _, sample in samples):
            # There was nothing that could be lost.
            return True
        return any(self._files.holds(part, sample) for part, sample in samples)

    def refuse(self, span: Span) -> None:
        """Stands still, and says what to do."""
        self._record.set_unrestored({"since": span.since, "until": span.until})
        self.stand_still()
        shut = " Until then visitors see the maintenance page." if is_shut(self._plan) else ""
        raise Trouble(
            f"{self._plan.place} holds backups of this stack that this host has not made, "
            f"from {shown(span.since)} to {shown(span.until)}",
            f"Is this a new server? Bring the data back: npm run restore -- -s {self._plan.stack} --latest. To begin "
            f"without it, choose another 'prefix' or 'path' in backup.place. Until then there are no backups.{shut}",
        )

    def stand_still(self) -> None:
        """No backups, and no visitors where there is no data yet."""
        run(["systemctl", "disable", "--now", "--quiet", *_timers()])
        if self._is_young() and not Maintenance(self._plan).is_on():
            _Shut(self._plan).turn(on=True)

    def stand_again(self, *, closed: bool) -> None:
        """The same after a restore that was taken back."""
        run(["systemctl", "disable", "--now", "--quiet", *_timers()])
        if closed:
            _Shut(self._plan).turn(on=True)

    def begin(self) -> None:
        """What is in the place is this host's own now."""
        if self._record.unrestored is not None:
            self._record.set_unrestored(None)
        _Shut(self._plan).turn(on=False)

    def end(self) -> None:
        """The same after a restore, which no deployment has followed yet."""
        self.begin()
        self._record.set_on(self._plan.place)
        run(["systemctl", "enable", "--now", "--quiet", *_timers()])

    def _is_young(self) -> bool:
        """Whether the site was made a moment ago, so that it cannot have data that visitors miss."""
        if self._database is not None:
            # PostgreSQL makes the identifier of the second in which it makes a cluster.
            made: float = self._database.identifier() >> 32
        else:
            # 0 where the file system does not know it.
            made = min((_birth(one) for part in self._plan.files for one in part.directories), default=0.0)
        return time.time() - made < _YOUNG


class _Shut:
    """The maintenance page, where this program has turned it on: it goes only then."""

    def __init__(self, plan: Plan) -> None:
        self._page = Maintenance(plan)
        # The removal of the step reads it.
        self._mark = STATE / "shut"

    def is_on(self) -> bool:
        return self._mark.exists()

    def turn(self, *, on: bool) -> None:
        if on:
            self._mark.write_text(f"{self._page.mark}\n")
            self._page.turn(on=True)
        elif not on and self.is_on():
            self._page.turn(on=False)
            self._mark.unlink()


def is_shut(plan: Plan) -> bool:
    """Whether visitors see the maintenance page because there is no data yet."""
    return _Shut(plan).is_on()


def _timers() -> list[str]:
    names = ("berth-backup.timer", "berth-backup-files.timer", "berth-backup-drill.timer")
    return [name for name in names if Path("/etc/systemd/system", name).exists()]


def _birth(directory: str) -> float:
    try:
        return float(run(["stat", "-c", "%W", "--", directory]))
    except (Failed, ValueError):
        return 0.0
