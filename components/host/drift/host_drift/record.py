"""What Berth has made on this host, as its steps have noted it: see components/host/lib/record.sh."""

import dataclasses
from collections.abc import Iterable, Sequence

from host_drift.reading import Root, Unlooked

STATE = "/var/lib/berth"
_NO_RECORD = "Berth has kept no record of what it made there. The next deployment writes one"


@dataclasses.dataclass(frozen=True)
class Thing:
    kind: str
    name: str
    step: str
    how: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Record:
    things: Sequence[Thing]
    # Steps that have begun and not come to their end: what they have made may be of either time.
    unfinished: Sequence[str]
    # Those that the host has taken back, because they kept Berth out: see components/host/lib/undo.sh.
    undone: Sequence[str]

    @classmethod
    def read(cls, root: Root) -> "Record":
        text = root.own(f"{STATE}/record/things")
        if text is None:
            raise Unlooked(_NO_RECORD)
        things = [Thing(kind, name, step, how) for kind, name, step, *how in _rows(text)]
        unfinished = root.names(f"{STATE}/unfinished")
        undone = [one for one in root.names(f"{STATE}/undone") if one not in unfinished]
        return cls([one for one in things if one.step not in (*unfinished, *undone)], unfinished, undone)

    def of(self, kind: str) -> list[Thing]:
        return [one for one in self.things if one.kind == kind]


def _rows(text: str) -> Iterable[list[str]]:
    return (row for row in (line.split("\t") for line in text.split("\n")) if len(row) >= 3)


def text_of(root: Root, path: str) -> str | None:
    """The text that Berth gave to a file."""
    return root.own(f"{STATE}/record/text{path}")
