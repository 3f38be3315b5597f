"""What has begun since the last look, and what is over. Pure: what was open and what is found in, news out."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self

from host_status.finding import Finding
from host_status.limits import HOUR

# What begins so often within an hour comes and goes: no more is told of it until it has been away for an hour.
OFTEN = 4
# A unit that is restarted in a loop is the same one as while it is down, and a disk that is full as one that fills up.
_SAME = {"unit-loop": "unit", "disk-full": "disk"}


def key_of(finding: Finding) -> str:
    return f"{_SAME.get(finding.code, finding.code)}:{finding.about}"


@dataclasses.dataclass(frozen=True)
class Open:
    """Something that has begun and is not over."""

    finding: Finding
    since: float
    # When it began within the last hour before it did so for the last time.
    begun: tuple[float, ...] = ()
    # Since when it is away again, where that is not told yet.
    away: float | None = None

    @property
    def often(self) -> bool:
        return len(self.begun) + 1 >= OFTEN

    def stored(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(Finding(**stored["finding"]), stored["since"], tuple(stored["begun"]), stored["away"])


@dataclasses.dataclass(frozen=True)
class News:
    begins: tuple[Open, ...] = ()
    ends: tuple[Open, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.begins or self.ends)


def worth_telling(
    findings: Iterable[Finding], ignore: Collection[str], slow: Collection[str] = ()
) -> dict[str, Finding]:
    """By their keys. A host that looks is not late.

    :param slow: parts that have not answered in time for long; another one that is slow is no news
    """
    never = (*ignore, "notices-late")
    return {
        key_of(one): one
        for one in findings
        if one.code not in never and ((one.code, one.kind) != ("unknown", "warning") or one.about in slow)
    }


def differs(opened: Mapping[str, Open], found: Mapping[str, Finding], unknown: Collection[str]) -> bool:
    """Whether a second look is worth it."""
    began = any(_begins(opened.get(key), one) for key, one in found.items())
    return began or any(_is_away(key, one, found, unknown) and one.away is None for key, one in opened.items())


def compare(
    opened: Mapping[str, Open], looks: Iterable[Mapping[str, Finding]], unknown: Collection[str], now: float
) -> tuple[dict[str, Open], News]:
    """What is open now, and what of it is news: what has begun is in all looks, what is over is in none."""
    every = list(looks)
    last = every[-1]
    everywhere = {key: one for key, one in last.items() if all(key in look for look in every)}
    anywhere = {key for look in every for key in look}
    after: dict[str, Open] = {}
    begins, ends = [], []
    for key, was in opened.items():
        found = everywhere.get(key)
        if found is not None and was.away is None:
            after[key] = dataclasses.replace(was, finding=found)
            if _begins(was, found):
                begins.append(after[key])
        elif found is not None:
            after[key] = _again(was, found, now)
            if not was.often or _is_worse(was, found):
                begins.append(after[key])
        elif key in anywhere or not _is_away(key, was, last, unknown):
            after[key] = was
        elif was.away is None:
            after[key] = dataclasses.replace(was, away=now)
            if not was.often:
                ends.append(was)
        elif 0 <= now - was.away < HOUR:
            after[key] = was
        elif was.often:
            ends.append(was)
    for key, found in everywhere.items():
        if key not in opened:
            after[key] = Open(found, now)
            begins.append(after[key])
    return after, News(tuple(begins), tuple(ends))


def _begins(was: Open | None, found: Finding) -> bool:
    """Also where it has become worse."""
    return was is None or was.away is not None or _is_worse(was, found)


def _is_worse(was: Open, found: Finding) -> bool:
    return (was.finding.kind, found.kind) == ("warning", "fault")


def _again(was: Open, found: Finding, now: float) -> Open:
    recent = tuple(at for at in (*was.begun, was.since) if now - at < HOUR)
    return Open(found, now, recent)


def _is_away(key: str, was: Open, found: Mapping[str, Finding], unknown: Collection[str]) -> bool:
    """What could not be looked at is not over."""
    return key not in found and was.finding.part not in unknown
