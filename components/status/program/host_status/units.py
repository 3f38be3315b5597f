"""Units of systemd."""

import dataclasses
import re
import threading
import time
from collections.abc import Callable, Iterable

from host_status.limits import LOOP_RESTARTS, LOOP_SECONDS
from host_status.reading import Host, Unknown

_ASKED = "Id,LoadState,ActiveState,SubState,NRestarts,StateChangeTimestamp,Result"


@dataclasses.dataclass(frozen=True)
class Unit:
    unit: str
    # As systemd has them: active (running), failed (failed), activating (auto-restart).
    state: str = "inactive"
    sub: str = "dead"
    since: float | None = None
    restarts: int = 0
    result: str = "success"
    # The last line of its log, where it is not active.
    line: str | None = None


def units_of(text: str) -> dict[str, Unit]:
    """What 'systemctl show' prints of units, by their names."""
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n")]
    found = (
        Unit(
            block["Id"],
            block.get("ActiveState", "inactive"),
            block.get("SubState", ""),
            _time(block.get("StateChangeTimestamp", "")),
            int(block.get("NRestarts") or 0),
            block.get("Result") or "success",
        )
        for block in blocks
        if "Id" in block and block.get("LoadState") != "not-found"
    )
    return {unit.unit: unit for unit in found}


def _time(text: str) -> float | None:
    """A time as 'systemctl --timestamp=unix' prints it."""
    return float(text[1:]) if re.fullmatch(r"@\d+", text) else None


# Of how many units the last line is looked up: each takes a moment, and nobody reads more.
_LINES = 20


class Units:
    """All units that systemd has loaded, asked once, when the first of them is wanted."""

    def __init__(self, host: Host, mask: Callable[[str], str | None]) -> None:
        self._host = host
        self._mask = mask
        self._lines: dict[str, str | None] = {}
        self._asked = threading.Lock()
        self._known: dict[str, Unit] | None = None

    @property
    def _all(self) -> dict[str, Unit]:
        with self._asked:
            if self._known is None:
                asked = ["systemctl", "show", "--timestamp=unix", f"--property={_ASKED}", "*"]
                self._known = units_of(self._host.run(asked))
            return self._known

    def of(self, names: Iterable[str]) -> list[Unit]:
        """These, with the last line of each that is not active. One that systemd has not loaded is inactive."""
        return [self._with_line(self._all.get(name, Unit(name))) for name in names]

    def failed(self) -> list[Unit]:
        """Those that have failed, and those that are started again and again."""
        return self.of(sorted(one.unit for one in self._all.values() if self._is_down(one)))

    def _is_down(self, unit: Unit) -> bool:
        if unit.state == "failed" or unit.sub.startswith("auto-restart"):
            return True
        # One that is started again and again may be caught while it runs.
        changed = time.time() - unit.since if unit.since is not None else LOOP_SECONDS
        return unit.restarts >= LOOP_RESTARTS and changed < LOOP_SECONDS

    def _with_line(self, unit: Unit) -> Unit:
        if unit.state == "active":
            return unit
        if unit.unit not in self._lines and len(self._lines) < _LINES:
            self._lines[unit.unit] = self._line(unit.unit)
        return dataclasses.replace(unit, line=self._lines.get(unit.unit))

    def _line(self, unit: str) -> str | None:
        """The last line that its own programs have logged in this boot, else that of systemd about it."""
        for of in (f"_SYSTEMD_UNIT={unit}", f"--unit={unit}"):
            try:
                said = self._host.run(["journalctl", "--quiet", "-b", "-n", "1", "-o", "cat", "--no-pager", of])
            except Unknown:
                continue
            if said.strip():
                return self._mask(said.strip().splitlines()[-1])
        return None
