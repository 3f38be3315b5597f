"""What this host remembers of its drills: the last that succeeded, and the last that failed since."""

import json
import os
import time
from typing import Any

from plan import STATE, Plan
from words import printable

Facts = dict[str, Any]


class DrillRecord:
    """A file of its own: backups write theirs while a drill is at work."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._path = STATE / "drill.json"

    def read(self) -> Facts:
        """Of another place it says nothing."""
        try:
            told: Facts = json.loads(self._path.read_text())
        except FileNotFoundError:
            told = {}
        if told.get("place") != self._plan.place:
            told = {"place": self._plan.place}
        return {"since": None, "last": None, "failed": None, "distrusted": None, **told}

    def turn(self) -> None:
        """Notes since when there are drills each week, and no more where there are none."""
        since = self.read()["since"]
        self._write({"since": (since or time.time()) if self._plan.drills else None})

    def succeeded(self, facts: Facts) -> None:
        self._write({"last": {"at": time.time(), **facts}, "failed": None, "distrusted": None})

    def failed(self, why: str, further: str = "", *, damaged: bool = False) -> None:
        """@param damaged: what there is in the place of the database cannot be restored"""
        now = time.time()
        failed = {"at": now, "why": printable(why), "further": printable(further)}
        self._write({"failed": failed, **({"distrusted": now} if damaged else {})})

    def distrusted(self) -> float:
        """Backups of the database from before that time are damaged, or may be."""
        return float(self.read()["distrusted"] or 0)

    def _write(self, facts: Facts) -> None:
        STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump({**self.read(), **facts}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
