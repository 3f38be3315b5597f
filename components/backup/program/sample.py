"""Some of the uploaded files, as the newest backup of them gives them back.

restic checks what it reads by the hashes that the backup is made of. A file that has not changed since is also compared
with the one on the disk.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commands import Failed, as_account, read_as, run, without_links
from explain import last_words
from files import FileBackups, OutOfTime, Snapshot
from plan import Files, Plan, Trouble
from watch import MIB, Watch

COUNT = 20
# The largest that is read, and how much of the repository is read besides.
_LARGEST, _SUBSET = 64 * MIB, "128M"
# In seconds.
_PATIENCE = 1800


@dataclass(frozen=True)
class Stored:
    path: str
    size: int
    # As find(1) prints it with %T@.
    changed: str


def stored(node: dict[str, Any]) -> Stored | None:
    """A file of a listing of restic's; None for what is none, or cannot be asked for by its name."""
    if node.get("struct_type", node.get("message_type")) != "node" or node.get("type") != "file":
        return None
    path, size = str(node["path"]), int(node.get("size", 0))
    if size > _LARGEST or not path.isprintable() or "\ufffd" in path:
        return None
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", str(node["mtime"]))
    if found is None:
        return None
    zone = "+00:00" if found[3] == "Z" else found[3]
    seconds = int(datetime.fromisoformat(found[1] + zone).timestamp())
    return Stored(path, size, f"{seconds}.{(found[2] or ''):0<10}")


def chosen(nodes: Iterable[dict[str, Any]], count: int = COUNT) -> list[Stored]:
    """Some at random, each as likely as another, of as many as there are: they are not kept."""
    sample: list[Stored] = []
    seen = 0
    for one in map(stored, nodes):
        if one is None:
            continue
        seen += 1
        if len(sample) < count:
            sample.append(one)
        elif (place := random.randrange(seen)) < count:  # noqa: S311  # No secret.
            sample[place] = one
    return sample


class Sample:
    def __init__(self, plan: Plan, files: FileBackups, watch: Watch) -> None:
        self._plan = plan
        self._files = files
        self._watch = watch

    def check(self, part: Files, snapshot: Snapshot) -> dict[str, object]:
        """Reads some files of a backup: how many, and how many of them are those of the disk."""
        try:
            files = chosen(self._listing(snapshot))
            compared = sum(self._compare(part, snapshot, one) for one in files)
        except Failed as fault:
            raise self._damaged(part.name, fault) from fault
        return {"at": snapshot.at, "sampled": len(files), "compared": compared}

    def check_repository(self) -> bool:
        """Reads all that the backups name it by, and a part of the data at random (restic-check(1)). False where there
        was no time for it: backups wait meanwhile."""
        try:
            with self._files.reading(
                "check", "--with-cache", f"--read-data-subset={_SUBSET}", seconds=_PATIENCE
            ) as told:
                for _ in told:
                    self._watch.look()
        except OutOfTime:
            return False
        except Failed as fault:
            raise self._damaged("files", fault) from fault
        return True

    def _damaged(self, what: str, fault: Failed) -> Trouble:
        return Trouble(
            f"the backup of {what} in {self._plan.place} cannot be read: {last_words(f'{fault}')}",
            "Look at the place. What a disk or a bucket has lost, the next backup does not bring back by itself: "
            "see docs/backups.md.",
        )

    def _listing(self, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
        with self._files.reading("ls", "--json", snapshot.id) as told:
            for line in told:
                yield json.loads(line)

    def _compare(self, part: Files, snapshot: Snapshot, one: Stored) -> bool:
        hashed, size = hashlib.sha256(), 0
        with self._files.reading("dump", snapshot.id, one.path) as content:
            while block := content.read(MIB):
                self._watch.look()
                hashed.update(block)
                size += len(block)
        if size != one.size:
            raise Trouble(f"the backup of {part.name} gives back {size} bytes of {one.path}, and not {one.size}")
        live = self._live(part, one)
        if live is not None and live != hashed.hexdigest():
            raise Trouble(
                f"the backup of {part.name} gives back another {one.path} than the one on the disk",
                "The file has the size and the time of the backup, and another content. See which of the two is right.",
            )
        return live is not None

    def _live(self, part: Files, one: Stored) -> str | None:
        """The hash of the file on the disk; None where it has changed since, or is gone."""
        if not self._is_same(part, one):
            return None
        command = ["timeout", "--kill-after=1", "300", "sha256sum", "--", one.path]
        directories = [each for each in part.directories if one.path.startswith(f"{each}/")]
        try:
            told = run(without_links(directories, as_account(part.account, command)))
        except Failed:
            return None
        return told.lstrip("\\").split()[0] if self._is_same(part, one) else None

    def _is_same(self, part: Files, one: Stored) -> bool:
        command = ["find", one.path, "-maxdepth", "0", "-type", "f", "-printf", "%s %T@"]
        try:
            return read_as(part.account, command) == f"{one.size} {one.changed}"
        except Failed:
            return False
