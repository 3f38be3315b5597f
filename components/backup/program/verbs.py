"""Backups of this host: 'berth-backup VERB'. See docs/backups.md."""

import argparse
import contextlib
import functools
import json
import pwd
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import disks
import eras
import retention
from choice import USUAL, Target, named
from commands import Failed, run, say
from database import DatabaseBackups
from drill import Drill, clean
from drill_record import DrillRecord
from files import FileBackups, Snapshot
from guard import guard_of
from history import Record
from locks import backup_lock, host_lock
from plan import Full, Plan, Trouble, Unreadable, read_plan
from restore import Restore, note_eras
from unrestored import NewServer
from words import printable

_DRILL = "berth-backup-drill.service"


def set_up(plan: Plan) -> None:
    """Makes what the place needs, and proves that it can be written and read. The first backup begins by itself."""
    if plan.directory is not None:
        _own_directory(plan, Path(plan.directory))
    with backup_lock():
        _refuse_what_is_not_ours(plan)
        if plan.database is not None:
            DatabaseBackups(plan, plan.database).set_up()
        FileBackups(plan).set_up()
        record = Record()
        if record.place != plan.place and not record.eras and (told := FileBackups(plan).noted_eras()) is not None:
            # The data has moved here with its disk, and what this host remembered has not.
            record.set_eras(eras.read(told))
        record.set_on(plan.place)
        record.set_guard(guard_of(plan))
    DrillRecord(plan).turn()
    if any(record.parts.get(part, {}).get("last") is None for part in _parts(plan)):
        run(["systemctl", "start", "--no-block", "berth-backup.service"])


def _refuse_what_is_not_ours(plan: Plan) -> None:
    """Another stack's backups, and those of this stack that this host has neither made nor restored."""
    if plan.database is not None:
        DatabaseBackups(plan, plan.database).refuse_foreign()
    server = NewServer(plan)
    try:
        span = server.found()
    except Unreadable:
        # A server that has never made a backup is a new one, most likely, and its stack too.
        if Record().on is None:
            server.stand_still()
        raise
    if span is not None:
        server.refuse(span)
    server.begin()


def _own_directory(plan: Plan, place: Path) -> None:
    """A directory bears the name of the stack. One that does not, and did before, is a disk that is not mounted."""
    mark = place / "berth-backups"
    if mark.exists():
        owner = mark.read_text().strip()
        if owner != plan.stanza:
            raise Trouble(
                f"{plan.place} holds the backups of '{owner}', and this stack's are called '{plan.stanza}'",
                "A place has one stack: choose another 'path' in backup.place. What is there stays as it is.",
            )
    elif Record().on is not None and Record().place == plan.place:
        raise Trouble(f"{plan.place} is not there, as far as it is this stack's", disks.LOOK)
    for name, owner, mode in (("postgresql", "postgres", 0o750), ("files", "root", 0o700)):
        if owner == "postgres" and plan.database is None:
            continue
        one = place / name
        if not one.is_dir():
            one.mkdir(mode=mode)
            shutil.chown(one, owner, owner)
        elif one.stat().st_uid != pwd.getpwnam(owner).pw_uid:
            # An account may have another number on a new server.
            raise Trouble(
                f"{one} belongs to the account number {one.stat().st_uid}, which is not that of '{owner}' here",
                f"Give it to that account, as root on the host: chown -RhP {owner}:{owner} {one}",
            )
    mark.write_text(f"{plan.stanza}\n")


def back_up(plan: Plan, *, files_only: bool) -> int:
    """Every part; one that fails hinders no other. The database comes first: files may take their time, and those that
    it names are there then."""
    _refuse_unrestored(plan, "makes none")
    with backup_lock():
        # As it is now: a restore may have been at work until here.
        record = Record()
        files = FileBackups(plan)
        faults: dict[str, Exception | None] = {}
        database = None if plan.database is None else DatabaseBackups(plan, plan.database)
        if not files_only and database is not None:
            faults["database"] = _one(record, "database", lambda: database.back_up(DrillRecord(plan).distrusted()))
        # Once a day is enough for what holds no uploads.
        made = [part for part in plan.files if part.unit is None or not files_only]
        for part in made:
            faults[part.name] = _one(record, part.name, functools.partial(files.back_up, part))
        if any(isinstance(fault, Full) for fault in faults.values()):
            # The next one may find room then.
            files.forget(plan.files, tight=True)
            if database is not None:
                database.expire()
        note_eras(record, files)
        if not files_only:
            record.set_guard(guard_of(plan))
            # Nothing goes of a part that has no new backup.
            files.forget([part for part in made if faults[part.name] is None])
            Restore(plan).forget(time.time() - 3 * retention.DAY)
    return 0 if all(fault is None for fault in faults.values()) else 1


def _one(record: Record, part: str, make: Callable[[], dict[str, object]]) -> Exception | None:
    """What is wrong with it."""
    try:
        record.succeeded(part, **make())
    except (Trouble, Failed, OSError, ValueError) as fault:
        record.failed(part, f"{fault}".strip().splitlines()[-1])
        say(f"{part}: {fault}")
        return fault
    return None


def _parts(plan: Plan) -> list[str]:
    return [*(["database"] if plan.database else []), *(part.name for part in plan.files)]


def _refuse_unrestored(plan: Plan, so: str) -> None:
    if Record().unrestored is not None:
        raise Trouble(
            f"the backups in {plan.place} are not restored on this host, so it {so}",
            f"Restore them: npm run restore -- -s {plan.stack} --latest",
        )


def status(plan: Plan) -> dict[str, object]:
    """What this host knows by itself: the place is not asked."""
    record = Record()
    waiting = None if plan.database is None else DatabaseBackups(plan, plan.database).waiting()
    parts = {name: record.parts.get(name, {"last": None, "failed": None}) for name in _parts(plan)}
    undo = record.undo
    return {
        "place": plan.place,
        "on": record.on,
        "parts": parts,
        "waiting": waiting,
        "unrestored": record.unrestored,
        "guard": record.guard,
        "undo": None if undo is None else {"at": undo["at"], "finished": undo["finished"]},
        "drill": DrillRecord(plan).read(),
    }


def listing(plan: Plan) -> dict[str, object]:
    """What there is in the place."""
    database: list[dict[str, object]] = []
    since = None
    if plan.database is not None:
        backups = DatabaseBackups(plan, plan.database).backups()
        since = retention.points_since(backups, time.time(), plan.keep.points)
        database = [
            {"id": one.label, "at": one.stop, "size": one.size, "stored": one.stored, "full": one.is_full}
            for one in backups
        ]
    snapshots = FileBackups(plan).snapshots()
    return {
        **status(plan),
        "stanza": plan.stanza,
        "database": None if plan.database is None else {"points": since, "backups": database},
        "files": {part.name: [_told(one) for one in snapshots if one.part == part.name] for part in plan.files},
    }


def _told(one: Snapshot) -> dict[str, object]:
    return {"id": one.id, "at": one.at, "size": one.size}


def restore(plan: Plan, at: float | None, backup: str | None, only: str | None) -> None:
    """Without a time or a backup's name: all that there is."""
    target = Target(time.time(), latest=True) if at is None else Target(at)
    parts: tuple[str, ...] = tuple(only.split(",")) if only else USUAL
    there = ["database", *(part.name for part in plan.files)]
    for unknown in [one for one in parts if only and one not in [*there, "redis"]]:
        raise Trouble(f"there is no part '{unknown}' in the backups", f"--only takes one of {', '.join(there)}.")
    if backup is not None:
        target, parts = _named(plan, backup, parts if only else None)
    if not only and parts == USUAL:
        parts = (*parts, *(part.name for part in plan.files if part.usual))
    if target.at > time.time():
        raise Trouble("that time has not come yet", "Times are in UTC.")
    _stop_backups()
    with host_lock(), backup_lock():
        Restore(plan).restore(target, parts)
    _back_up_soon()


def _named(plan: Plan, name: str, only: tuple[str, ...] | None) -> tuple[Target, tuple[str, ...]]:
    backups = [] if plan.database is None else DatabaseBackups(plan, plan.database).backups()
    return named(name, backups, FileBackups(plan).snapshots(), only)


def _stop_backups() -> None:
    """A restore waits for none: one that was begun goes on from there later. A drill is given up."""
    # By a pattern: one that there is none of, as where uploads are copied daily, is no fault.
    run(["systemctl", "stop", "berth-backup*.service"])


def drill(plan: Plan) -> None:
    """Runs one in its unit, which bounds what it takes, and tells what came of it. It goes on without who asked."""
    _refuse_unrestored(plan, "drills none of them")
    began = time.time()
    with contextlib.suppress(Failed):
        run(["systemctl", "start", _DRILL])
    told = DrillRecord(plan).read()
    if max((told[one] or {}).get("at", 0.0) for one in ("last", "failed")) < began:
        raise Trouble("the drill was ended before its end", "See 'npm run logs -- backups', and run it again.")
    print(json.dumps(told))


def undo(plan: Plan) -> None:
    _stop_backups()
    with host_lock(), backup_lock():
        Restore(plan).undo()
    _back_up_soon()


def _back_up_soon() -> None:
    """What was restored is backed up; what a new server has before a restore is not."""
    if Record().unrestored is None:
        run(["systemctl", "start", "--no-block", "berth-backup.service"])


def main(arguments: list[str]) -> int:
    # A connection that is cut leaves nothing half done.
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    parser = argparse.ArgumentParser(prog="berth-backup")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("setup", "run", "files", "status", "list", "undo", "drill", "drill-here", "drill-clean"):
        verbs.add_parser(verb)
    restoring = verbs.add_parser("restore")
    restoring.add_argument("--at", type=float)
    restoring.add_argument("--backup")
    restoring.add_argument("--only")
    restoring.add_argument("--latest", action="store_true")
    told = parser.parse_args(arguments)
    plan = read_plan()
    try:
        match told.verb:
            case "setup":
                set_up(plan)
            case "run" | "files":
                return back_up(plan, files_only=told.verb == "files")
            case "status":
                print(json.dumps(status(plan)))
            case "list":
                print(json.dumps(listing(plan)))
            case "undo":
                undo(plan)
            case "drill":
                drill(plan)
            case "drill-here":
                return 0 if Drill(plan).run_until_stopped() else 1
            case "drill-clean":
                clean(plan)
            case _:
                restore(plan, told.at, told.backup, told.only)
    except (Trouble, Failed, OSError, ValueError) as fault:
        trouble = fault if isinstance(fault, Trouble) else Trouble(f"{fault}".strip().splitlines()[-1])
        # One line what is wrong, one what to do: the step of the deployment reads them.
        print(f"{printable(trouble.what)}\n{printable(trouble.further)}")
        return 1
    return 0
