"""Which of another stack's backups become this stack's data, and where its uploads belong."""

import time
from dataclasses import dataclass
from pathlib import Path

import eras
from choice import USUAL, Target, backup_for, named, snapshot_for, up_to
from copies_plan import Asked, Taker
from database import DatabaseBackups
from files import FileBackups, Snapshot
from plan import Trouble
from retention import Backup


@dataclass(frozen=True)
class Chosen:
    backup: Backup | None
    # How far its log is followed.
    to: list[str]
    snapshot: Snapshot | None


def choose(taker: Taker, asked: Asked, database: DatabaseBackups | None, files: FileBackups) -> Chosen:
    """What was asked for, of what the other stack's place has."""
    plan, parts = asked.plan, asked.parts or USUAL
    backups = [] if database is None else database.backups()
    snapshots = files.snapshots() if plan.files else []
    target = Target(time.time(), latest=True) if asked.at is None else Target(asked.at)
    if asked.backup is not None:
        target, parts = named(asked.backup, backups, snapshots, asked.parts)
    if target.at > time.time():
        raise Trouble("that time has not come yet", "Times are in UTC.")
    _refuse_parts(parts)
    backup, to = None, list[str]()
    if database is not None and "database" in parts:
        _refuse_version(taker, asked, database)
        told = files.noted_eras() if plan.files else None
        known = [] if told is None else eras.read(told)
        backup = backup_for(target, backups, known)
        of = eras.timeline_at(known, target.at) or backup.timeline
        to = up_to(target, backup, of)
    snapshot = None
    uploads = next((one for one in plan.files if one.name == taker.uploads.name), None)
    # Before its first backup of files a stack has none.
    has_files = uploads is not None and any(one.part == uploads.name for one in snapshots)
    if uploads is not None and uploads.name in parts and (has_files or "database" not in parts):
        snapshot = snapshot_for(target, uploads, snapshots)
    if backup is None and snapshot is None:
        raise Trouble("there is nothing to restore: neither a database nor files were chosen")
    if backup is None and not asked.as_it_is:
        raise Trouble(
            "no script runs on uploads and private files alone, and they may be personal",
            "To have them as they are, add --as-it-is.",
        )
    return Chosen(backup, to, snapshot)


def _refuse_parts(parts: tuple[str, ...]) -> None:
    for service in [one for one in parts if one not in (*USUAL, "redis")]:
        raise Trouble(
            f"the data of the service '{service}' of another stack is not restored",
            "Choose a backup of the database or of media.",
        )
    if "redis" in parts:
        raise Trouble(
            "Redis's data of another stack is not restored: its tasks would run here",
            "Choose a backup of the database or of media.",
        )


def _refuse_version(taker: Taker, asked: Asked, database: DatabaseBackups) -> None:
    """A stack may have moved on to another version since the backup."""
    found, own = database.version_of_backups(), taker.database
    if own is not None and found is not None and found != own.version:
        raise Trouble(
            f"the backups in {asked.plan.place} are of PostgreSQL {found}, and this stack has {own.version}",
            "Both need the same postgres.version.",
        )


def paired(own: tuple[str, ...], theirs: tuple[str, ...]) -> list[tuple[str, str]]:
    """The directories of this stack, and those of the other one whose files belong there.

    By their last names; and what is left over, if it is one on each side: uploads may be in a directory of any name.
    """
    names = {Path(one).name: one for one in theirs}
    found = {one: names.pop(Path(one).name) for one in own if Path(one).name in names}
    left = [one for one in own if one not in found]
    if len(left) == 1 and len(names) == 1:
        found[left[0]] = names.popitem()[1]
    return [(one, found[one]) for one in own if one in found]
