"""News in words."""

import dataclasses
import datetime
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from host_status.told import Told
from host_status.words import counted, long
from notices.logins import Login
from notices.news import News, Open


@dataclasses.dataclass(frozen=True)
class Message:
    title: str
    body: str
    # As Apprise has them: the colour or the picture of the message where a target has any.
    kind: Literal["failure", "warning", "success", "info"]
    at: float

    def stored(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def message_of(news: News, label: str, told: Told, now: float) -> Message:
    faults = [one for one in news.begins if one.finding.kind == "fault"]
    kind: Literal["failure", "warning", "success"] = "failure" if faults else "warning" if news.begins else "success"
    lines = [*(line for one in news.begins for line in _begun(one)), *(_over(one, now) for one in news.ends)]
    body = "\n".join([*lines, "", f"All that is known: {told.typed('status')}"])
    return Message(harmless(f"{label}: {_title(news)}"), harmless(body), kind, now)


def message_of_logins(logins: Sequence[Login], label: str, told: Told, now: float) -> Message:
    accounts = sorted({one.account for one in logins})
    title = f"{' and '.join(accounts)} {'has' if len(accounts) == 1 else 'have'} logged in"
    lines = [f"{_at(one.at)}: {one.account} has logged in by SSH from {one.address} ({one.how})" for one in logins]
    body = "\n".join([*lines, "", f"The log of this host: {told.typed('logs', 'system')}"])
    return Message(harmless(f"{label}: {title}"), harmless(body), "info", now)


def _at(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _title(news: News) -> str:
    begins, ends = news.begins, news.ends
    if len(begins) == 1 and not ends:
        return begins[0].finding.what
    if len(ends) == 1 and not begins:
        return f"over: {ends[0].finding.what}"
    parts = [_count(begins, "needs", "need", "attention"), _count(ends, "is", "are", "well again")]
    return ", ".join(part for part in parts if part)


def _count(some: Sequence[Open], one: str, many: str, what: str) -> str:
    return f"{counted(len(some), 'thing')} {one if len(some) == 1 else many} {what}" if some else ""


def _begun(one: Open) -> Iterator[str]:
    finding = one.finding
    yield f"{finding.kind}: {finding.what}"
    if finding.line is not None:
        yield f"  log: {finding.line}"
    if finding.next is not None:
        yield f"  {finding.next}"
    if one.often:
        yield "  It comes and goes. No more is told of it until it has been away for an hour."


def _over(one: Open, now: float) -> str:
    return f"over after {long((one.away or now) - one.since)}: {one.finding.what}"


def harmless(text: str) -> str:
    """Without control characters: a log may hold anything."""
    return "".join(
        letter if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Zl", "Zp") else " "
        for letter in text
    )
