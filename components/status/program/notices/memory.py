"""What the host remembers from one look to the next."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from notices.news import Open
from notices.outbox import Waiting

# The second one is in memory: where the disk takes nothing, news must not be told anew with every look.
PLACES = (Path("/var/lib/berth/notices.json"), Path("/run/berth-notices.json"))


@dataclasses.dataclass(frozen=True)
class Memory:
    opened: Mapping[str, Open] = dataclasses.field(default_factory=dict)
    boxes: Mapping[str, Waiting] = dataclasses.field(default_factory=dict)
    # Of which URL each target has got its first message, by a hash.
    greeted: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # Why a target took neither its first message nor a test nor anything since.
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # Facts that are asked for seldom, which of them could not be found out, and when they were asked for.
    seldom: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    asked: float = 0
    # In how many looks one after the other a part did not answer in time.
    slow: Mapping[str, int] = dataclasses.field(default_factory=dict)
    # Up to where in the journal logins were read, and when one of an account and address was told last.
    cursor: str = ""
    logins: Mapping[str, float] = dataclasses.field(default_factory=dict)
    # Of each queue, by which its next task is known again, and since when it is there.
    queues: Mapping[str, list[str | float]] = dataclasses.field(default_factory=dict)
    # When the host was looked at last.
    looked: float | None = None

    @classmethod
    def read(cls, places: Sequence[Path] = PLACES) -> Self:
        """The newer one; none, or another version's, is nothing: what is open is told anew."""
        there = sorted((place for place in places if place.exists()), key=lambda place: place.stat().st_mtime)
        try:
            stored: dict[str, Any] = json.loads(there[-1].read_text())
            opened = {key: Open.read(one) for key, one in stored["opened"].items()}
            boxes = {key: Waiting.read(one) for key, one in stored["boxes"].items()}
            return cls(**{**stored, "opened": opened, "boxes": boxes})
        except (IndexError, OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self, places: Sequence[Path] = PLACES) -> None:
        stored = {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "opened": {key: one.stored() for key, one in self.opened.items()},
            "boxes": {key: one.stored() for key, one in self.boxes.items()},
        }
        first, second = places
        try:
            _put(first, json.dumps(stored))
            second.unlink(missing_ok=True)
        except OSError:
            _put(second, json.dumps(stored))


def _put(place: Path, text: str) -> None:
    new = place.with_suffix(".new")
    # A message may have a line of a log.
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(place)
