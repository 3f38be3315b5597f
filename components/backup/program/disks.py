"""On which disk each directory was at its last backup: below one that is not mounted lies an empty directory."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from plan import STATE

# What to do about one that is away.
LOOK = "See whether its disk is mounted."
_NOTED = STATE / "disks.json"


def mounted_at(directory: str) -> str:
    """Where the file system of a directory is mounted."""
    place = Path(directory).resolve()
    device = place.stat().st_dev
    while place != place.parent and place.parent.stat().st_dev == device:
        place = place.parent
    return f"{place}"


def note(directories: Iterable[str]) -> None:
    noted = {**_read(), **{one: mounted_at(one) for one in directories}}
    fresh = _NOTED.with_suffix(".new")
    fresh.write_text(json.dumps(noted))
    fresh.replace(_NOTED)


def moved(directories: Iterable[str]) -> list[str]:
    """Those that were on another file system at their last backup."""
    noted = _read()
    return [one for one in directories if one in noted and noted[one] != mounted_at(one)]


def _read() -> Mapping[str, str]:
    try:
        told = json.loads(_NOTED.read_text())
    except FileNotFoundError:
        return {}
    return {f"{one}": f"{place}" for one, place in told.items()}
