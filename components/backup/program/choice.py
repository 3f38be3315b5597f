"""Which backups lead to what is to be restored. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import eras
from eras import Era
from files import Snapshot
from plan import Files, Trouble
from retention import Backup
from words import shown

# What of a restore brings back files that people uploaded; a queue of before would do its tasks a second time.
USUAL = ("database", "media")


@dataclass(frozen=True)
class Target:
    """A point in time, a backup by its name, or all that there is."""

    at: float
    label: str | None = None
    latest: bool = False


def named(
    name: str, backups: Sequence[Backup], snapshots: Sequence[Snapshot], only: tuple[str, ...] | None
) -> tuple[Target, tuple[str, ...]]:
    """The backup of this name, and what is restored of it: one of files, those alone."""
    for backup in backups:
        if backup.label == name:
            return Target(backup.stop, name), only or USUAL
    for snapshot in snapshots:
        if snapshot.id == name:
            if only and snapshot.part not in only:
                raise Trouble(
                    f"the backup '{name}' is of {snapshot.part}", f"Leave --only out, or say {snapshot.part}."
                )
            return Target(snapshot.at, name), (snapshot.part,)
    raise Trouble(f"there is no backup '{name}'", "See 'npm run backups'.")


def backup_for(target: Target, backups: Sequence[Backup], lives: Sequence[Era]) -> Backup:
    """The newest backup of the database that leads there.

    @param lives: those of the database
    """
    if target.label is not None:
        return next(one for one in backups if one.label == target.label)
    backup = next((one for one in reversed(backups) if eras.usable(lives, one.stop, target.at)), None)
    if backup is None:
        first = f": the first is of {shown(backups[0].stop)}" if backups else ""
        raise Trouble(
            f"there is no backup of the database from before {shown(target.at)}{first}", "See 'npm run backups'."
        )
    return backup


def snapshot_for(target: Target, part: Files, snapshots: Sequence[Snapshot]) -> Snapshot:
    """The backup of files that belongs to it."""
    own = [one for one in snapshots if one.part == part.name]
    if target.label is not None and any(one.id == target.label for one in own):
        own = [one for one in own if one.id == target.label]
    else:
        before, after = [one for one in own if one.at <= target.at], [one for one in own if one.at > target.at]
        # A backup of the database is followed by one of the files that it names.
        own = after[:1] if target.label is not None and after else before
    if not own:
        raise Trouble(f"there is no backup of {part.name} from before {shown(target.at)}", "See 'npm run backups'.")
    return own[-1]


def up_to(target: Target, backup: Backup, timeline: int) -> list[str]:
    """How far the log is followed, as pgBackRest has it."""
    # Another timeline than the backup's own is found by its history, which a place that is new may not have.
    along = f"--target-timeline={'current' if timeline == backup.timeline else timeline}"
    if target.latest:
        return ["--type=default", along]
    promote = "--target-action=promote"
    if target.label is not None:
        # It takes no --target-timeline here; the newest life may have begun before this backup's end.
        return ["--type=immediate", promote, "--recovery-option=recovery_target_timeline=current"]
    point = datetime.fromtimestamp(target.at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
    return ["--type=time", promote, f"--target={point}", along]
