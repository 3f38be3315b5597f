"""Which backups of the database are kept. Pure: what there is, and now, give what goes."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from plan import Keep

DAY = 86_400


@dataclass(frozen=True)
class Backup:
    """A backup of the database: a whole one, or what differs from the last whole one."""

    label: str
    # Seconds since 1970: when it began, and from when on it is whole.
    start: float
    stop: float
    # In bytes: the database, and what the backup takes in the place.
    size: int
    stored: int
    # PostgreSQL's timeline that it was made of.
    timeline: int = 1

    @property
    def full(self) -> str:
        """The label of the whole one that it needs: it begins with it."""
        return self.label.partition("_")[0]

    @property
    def is_full(self) -> bool:
        return self.label == self.full


def wants_full(backups: Sequence[Backup], now: float, distrusted: float = 0.0) -> bool:
    """A whole one a week, and the first of each month, which is the one that is kept for long; and where a drill has
    shown that those from before a time cannot be restored."""
    full = max((one.stop for one in backups if one.is_full), default=0.0)
    return full <= distrusted or now - full >= 6.5 * DAY or _month(full) != _month(now)


def archive_count(backups: Sequence[Backup], now: float, days: int) -> int:
    """Of how many of the newest backups the log is kept, so that every point of the last days can be had."""
    young = sum(1 for one in backups if one.stop > now - days * DAY)
    return max(1, min(len(backups), young + 1))


def points_since(backups: Sequence[Backup], now: float, days: int) -> float | None:
    """From when on every point in time can be had."""
    if not backups:
        return None
    newest_first = sorted((one.stop for one in backups), reverse=True)
    return newest_first[archive_count(backups, now, days) - 1]


def expired(backups: Sequence[Backup], now: float, keep: Keep) -> list[str]:
    """The labels of those that go, the ones that others need last."""
    firsts: dict[str, Backup] = {}
    for one in sorted(backups, key=lambda each: each.stop):
        if one.is_full:
            firsts.setdefault(_month(one.stop), one)
    newest = max((one.label for one in backups), default="")
    kept = {one.label for one in backups if one.stop > now - max(keep.daily, keep.points) * DAY}
    kept |= {one.label for month, one in firsts.items() if month in _last_months(now, keep.monthly)}
    kept.add(newest)
    # The newest before the bound: every point of the last days has one to begin with.
    before = [one for one in backups if one.stop <= now - keep.points * DAY]
    kept |= {max(before, key=lambda one: one.stop).label} if before else set()
    kept |= {one.full for one in backups if one.label in kept}
    return sorted((one.label for one in backups if one.label not in kept), key=len, reverse=True)


def _month(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m")


def _last_months(now: float, count: int) -> set[str]:
    date = datetime.datetime.fromtimestamp(now, datetime.UTC)
    index = date.year * 12 + date.month - 1
    return {f"{(index - back) // 12:04}-{(index - back) % 12 + 1:02}" for back in range(count)}
