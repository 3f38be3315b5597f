"""Something that is wrong (a fault), or will be, or may be (a warning)."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from host_status.told import Told


@dataclasses.dataclass(frozen=True)
class Finding:
    kind: Literal["fault", "warning"]
    # What sort of finding it is, for programs: docs/status.md has all.
    code: str
    what: str
    # A command to type next, or another way to mend it.
    next: str | None = None
    # The last line of a log, which may say why.
    line: str | None = None
    # Which of several things it is about, such as a unit or a disk; it stays the same while the words change.
    about: str = ""
    # The part of the facts that it was found in.
    part: str = ""


@dataclasses.dataclass(frozen=True)
class Judged:
    """What is judged. A part that could not be found out is None in the facts."""

    facts: Mapping[str, Any]
    told: Told
    # In seconds since 1970.
    now: float
