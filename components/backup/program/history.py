"""What this host remembers of its backups: the last that succeeded and failed of each part, and what an undo needs."""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from typing import Any

from eras import Era
from plan import STATE
from words import printable

Facts = dict[str, Any]


class Record:
    """One JSON file, replaced as a whole."""

    def __init__(self) -> None:
        self._path = STATE / "record.json"
        self._facts = self._read()

    @property
    def parts(self) -> Facts:
        parts: Facts = self._facts.setdefault("parts", {})
        return parts

    @property
    def eras(self) -> list[Era]:
        return [Era(**one) for one in self._facts.get("eras", [])]

    @property
    def undo(self) -> Facts | None:
        return self._facts.get("undo")

    def succeeded(self, part: str, **facts: object) -> None:
        with self._changing():
            self.parts[part] = {"last": {"at": time.time(), **facts}, "failed": None}

    def failed(self, part: str, why: str) -> None:
        with self._changing():
            before = self.parts.get(part, {})
            self.parts[part] = {"last": before.get("last"), "failed": {"at": time.time(), "why": printable(why)}}

    def set_eras(self, eras: list[Era]) -> None:
        with self._changing() as all_facts:
            all_facts |= {"eras": [dataclasses.asdict(era) for era in eras], "noted": False}

    @property
    def noted(self) -> bool:
        """Whether the place knows the eras, for a new server."""
        return not self._facts.get("eras") or bool(self._facts.get("noted"))

    def set_noted(self) -> None:
        with self._changing() as all_facts:
            all_facts["noted"] = True

    @property
    def unrestored(self) -> Facts | None:
        """From when to when the backups are of that this host has neither made nor restored, while that is so."""
        return self._facts.get("unrestored")

    def set_unrestored(self, unrestored: Facts | None) -> None:
        with self._changing() as all_facts:
            all_facts["unrestored"] = unrestored

    @property
    def guard(self) -> Facts | None:
        """What came of trying whether this host's key could destroy the backups; None where nothing was tried."""
        return self._facts.get("guard")

    def set_guard(self, guard: Facts | None) -> None:
        with self._changing() as all_facts:
            all_facts["guard"] = guard

    def set_undo(self, undo: Facts | None) -> None:
        with self._changing() as all_facts:
            all_facts["undo"] = undo

    def set_on(self, place: str) -> None:
        """Backups are on, in this place. Another place has none yet."""
        with self._changing() as all_facts:
            if self.place != place:
                all_facts |= {"on": time.time(), "place": place, "parts": {}}

    @property
    def on(self) -> float | None:
        return self._facts.get("on")

    @property
    def place(self) -> str | None:
        """The place that was proven last."""
        return self._facts.get("place")

    def _read(self) -> Facts:
        try:
            facts: Facts = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return facts

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Facts]:
        """All of it as it is now: what another has written since this one was read stays."""
        self._facts = self._read()
        yield self._facts
        self._write()

    def _write(self) -> None:
        STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump(self._facts, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
