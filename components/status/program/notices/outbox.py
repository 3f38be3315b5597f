"""Messages that wait for their targets. One that is away is tried again for a day, and holds back no other."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from host_status.limits import DAY, HOUR
from notices.message import Message

# Of how many messages no target loses one.
MOST = 50


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of sending some messages to a target: how many arrived, and why no more did."""

    sent: int
    why: str | None
    # Whether Apprise knows such an address at all.
    known: bool = True


# Sends messages to targets, each by its name.
Send = Callable[[Mapping[str, Sequence[Message]]], Mapping[str, Outcome]]


@dataclasses.dataclass(frozen=True)
class Waiting:
    """What waits for one target."""

    messages: tuple[Message, ...] = ()
    # Since when it has taken none, how often it was tried, when it is tried next, and why it did not take the last one.
    since: float | None = None
    tries: int = 0
    next: float = 0
    why: str | None = None
    # How many were given up.
    lost: int = 0

    def stored(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "messages": tuple(Message(**one) for one in stored["messages"])})

    def with_message(self, message: Message, now: float) -> "Waiting":
        fresh = self.without_old(now)
        kept = fresh.messages[1 - MOST :]
        return dataclasses.replace(fresh, messages=(*kept, message), lost=fresh.lost + len(fresh.messages) - len(kept))

    def without_old(self, now: float) -> "Waiting":
        # Of a clock that was wrong as well.
        kept = tuple(one for one in self.messages if abs(now - one.at) < DAY)
        return dataclasses.replace(self, messages=kept, lost=self.lost + len(self.messages) - len(kept))

    def after(self, outcome: Outcome, now: float) -> "Waiting":
        left = self.messages[outcome.sent :]
        if not left:
            return Waiting()
        tries = 1 if outcome.sent else self.tries + 1
        pause = min(60 * 2 ** (tries - 1), HOUR)
        since = now if outcome.sent or self.since is None else self.since
        lost = 0 if outcome.sent else self.lost
        return Waiting(left, since, tries, now + pause, outcome.why, lost)

    def told(self) -> tuple[Message, ...]:
        """As they are sent: the first one says how many were given up."""
        if not self.messages or not self.lost:
            return self.messages
        first, *others = self.messages
        body = f"{first.body}\nEarlier messages that could not be delivered: {self.lost}"
        return (dataclasses.replace(first, body=body), *others)


def put(
    boxes: Mapping[str, Waiting], targets: Iterable[str], message: Message | None, now: float
) -> dict[str, Waiting]:
    """With a further message for every target; what waits for one that is no more goes."""
    kept = {name: boxes.get(name, Waiting()).without_old(now) for name in targets}
    return {name: box if message is None else box.with_message(message, now) for name, box in kept.items()}


def deliver(boxes: Mapping[str, Waiting], send: Send, now: float) -> dict[str, Waiting]:
    due = {name: box.told() for name, box in boxes.items() if box.messages and not now < box.next <= now + HOUR}
    outcomes = send(due) if due else {}
    return {name: box.after(outcomes[name], now) if name in outcomes else box for name, box in boxes.items()}
