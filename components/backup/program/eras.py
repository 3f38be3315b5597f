"""Which life of the database a point in time belongs to.

A restore begins a new timeline (PostgreSQL's word for it), and an undo goes on with an old one. What was committed
between the two is in a life that ended. So each restore and each undo begins an era here, and a point in time means the
life that was the database's own at that time.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Era:
    # Seconds since 1970: when it began.
    since: float
    timeline: int
    # The era, by its place in the list, that it goes on from, and up to when it shares that one's past.
    parent: int | None = None
    branch: float | None = None


def era_at(eras: Sequence[Era], at: float) -> int:
    """The era of a point in time, by its place in the list."""
    return max((index for index, era in enumerate(eras) if era.since <= at), default=0)


def usable(eras: Sequence[Era], stop: float, at: float) -> bool:
    """Whether a backup that was whole at 'stop' leads to the point in time 'at'."""
    if not eras:
        return stop <= at
    limit = at
    index: int | None = era_at(eras, at)
    while index is not None:
        if era_at(eras, stop) == index and stop <= limit:
            return True
        era = eras[index]
        limit = min(limit, limit if era.branch is None else era.branch)
        index = era.parent
    return False


def timeline_at(eras: Sequence[Era], at: float) -> int | None:
    """The timeline of a point in time; None where there has been one alone."""
    return eras[era_at(eras, at)].timeline if eras else None


def began(eras: Sequence[Era], now: float, before: int, after: int, branch: float) -> list[Era]:
    """The eras once a restore to the time 'branch' has made timeline 'after'; for an undo, that is the restore's."""
    known = list(eras) or [Era(0.0, before)]
    return [*known, Era(now, after, era_at(known, branch), branch)]


def written(eras: Sequence[Era]) -> str:
    return json.dumps([dataclasses.asdict(era) for era in eras])


def read(told: str) -> list[Era]:
    return [Era(**one) for one in json.loads(told)]
