"""What the host is told by the one who asks."""

import dataclasses
import json
from typing import Self


@dataclasses.dataclass(frozen=True)
class Told:
    """What this stack knows of this host."""

    # The application, by its name.
    name: str
    # How the site is asked.
    scheme: str
    domain: str
    health: str
    # Whether this host serves it.
    first: bool = True
    # What the machine keeps while it is the stack's; None where the stack does not tell.
    claim: str | None = None
    # What is typed after a command to name the stack, and this host where it is not the first.
    flag: str = ""
    host: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def typed(self, command: str, words: str = "") -> str:
        """A command to type about this host."""
        # These are about the stack, wherever they are needed.
        options = f"{self.flag}{'' if command in ('maintenance', 'start') else self.host}{words and ' '}{words}"
        return f"npm {'' if command == 'start' else 'run '}{command}{f' --{options}' if options else ''}"
