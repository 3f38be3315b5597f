"""What the stack's file says about messages, as the step that sets them up writes it."""

import dataclasses
import json
from pathlib import Path
from typing import Any, Self

from host_status.told import Told

SETTINGS = Path("/etc/berth/notices")
# Which targets there are, by their names: the URL of each is secret.
TARGETS = SETTINGS / "targets.json"


@dataclasses.dataclass(frozen=True)
class Plan:
    told: Told
    # Whose host it is, as it stands before every message, such as 'shop (prod, web)'.
    label: str
    # Findings of these codes are not told.
    ignore: frozenset[str]
    # Accounts whose logins by SSH are told.
    logins: frozenset[str] = frozenset()
    # After how many minutes a task has waited for too long.
    queue: int = 15

    @classmethod
    def read(cls, settings: Path = SETTINGS) -> Self:
        given: dict[str, Any] = json.loads((settings / "plan.json").read_text())
        ignore, logins = frozenset(given["ignore"]), frozenset(given["logins"])
        return cls(Told(**given["told"]), given["label"], ignore, logins, given["queue"])


def targets(settings: Path = SETTINGS) -> dict[str, str]:
    """The URL of each target."""
    found: dict[str, str] = json.loads((settings / TARGETS.name).read_text())
    return found
