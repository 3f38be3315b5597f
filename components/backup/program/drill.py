"""The drill: the newest backup is restored where it is in nobody's way, checked, measured, and thrown away."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import eras
from commands import Failed, as_account, say
from comparison import (
    End,
    Number,
    Table,
    first_commit,
    is_since,
    next_segment,
    position,
    position_of,
    segment_end,
    shortened,
    wrong_tables,
)
from database import DatabaseBackups
from drill_record import DrillRecord, Facts
from explain import explain, last_words
from files import FileBackups
from history import Record
from locks import backup_lock, drill_lock, host_lock
from migrations import Unapplied, check_migrations
from plan import Plan, Trouble
from retention import Backup
from sample import Sample
from scratch import Scratch, Served, throw_away
from watch import Room, Watch

# ruff: noqa: S608  # Nothing in them is anybody's but ours.
# The tables of a database, of which the log holds what is in them.
_OF_TABLES = """
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
_NAME = "format('%I.%I', n.nspname, c.relname)"
_DATABASES = (
    "SELECT json_object_agg(oid, json_build_array(datname, xmin::text::bigint)) FROM pg_database WHERE datallowconn"
)
_COUNTED = (
    "SELECT coalesce(json_object_agg(c.oid, (xpath('/row/count/text()', query_to_xml("
    "format('SELECT count(*) FROM ONLY %I.%I', n.nspname, c.relname), false, true, '')))[1]::text::bigint), '{}')"
    f"{_OF_TABLES} AND (c.relkind = 'r' OR c.relispopulated)"
)
_LIVING = (
    f"SELECT coalesce(json_object_agg(c.oid, json_build_array({_NAME}, pg_stat_get_live_tuples(c.oid), "
    f"c.xmin::text::bigint)), '{{}}'){_OF_TABLES}"
)


class Damaged(Trouble):
    """What there is in the place of the database cannot be restored."""


class Stopped(BaseException):
    """It is to end now."""


def _stop(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


class Drill:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._record = DrillRecord(plan)
        self._database = None if plan.database is None else DatabaseBackups(plan, plan.database)
        place = Path("/var") if plan.database is None else plan.database.data.parent
        self._room = Room(place)
        self._watch = Watch(self._room)

    def run_until_stopped(self) -> bool:
        """A restore that a person asks for stops it, which is no failure. All goes that was made."""
        signal.signal(signal.SIGTERM, _stop)
        try:
            return self.run()
        except Stopped:
            say("the drill was stopped before its end; nothing of it stays")
            return True

    def run(self) -> bool:
        """Every part; one that fails hinders no other. What came of it is recorded."""
        began = time.monotonic()
        facts: Facts = {}
        faults: list[Trouble] = []
        with drill_lock():
            for part in (self._wait_for_others, self._drill_database, self._drill_files):
                fault = _fault_of(part, facts)
                if fault is not None:
                    say(f"the drill failed: {fault.what}")
                    faults.append(fault)
                    if part == self._wait_for_others:
                        break
            if faults:
                further = next((one.further for one in faults if one.further), "")
                damaged = any(isinstance(one, Damaged) for one in faults)
                self._record.failed("; ".join(one.what for one in faults), further, damaged=damaged)
            else:
                self._record.succeeded({"seconds": round(time.monotonic() - began, 1), **facts})
                say("the drill has passed")
        return not faults

    def _wait_for_others(self) -> Facts:
        """A restore goes first, and of a deployment the live release and its database are not yet one."""
        with host_lock():
            if (Record().undo or {}).get("finished") is False:
                raise Trouble("a restore was cut off before its end", "Undo it first: npm run restore -- --undo")
        return {}

    # The database

    def _drill_database(self) -> Facts:
        database = self._database
        if database is None:
            return {"database": None}
        throw_away(database.database.drill)
        backup, along = self._newest(database)
        self._room.refuse_without(backup.size)
        scratch = Scratch(database, self._watch)
        before = self._living(database)
        archived = database.newest_piece()
        self._refuse_unreadable(database, archived)
        say(f"drill: restoring the backup {backup.label} into a scratch database")
        began = time.monotonic()
        try:
            self._restore(scratch, backup, along)
            end = scratch.follow()
            restored = time.monotonic() - began
            self._refuse_short(end, archived)
            lost = self._lost(database, end)
            say(f"drill: restored in {restored:.0f} s; checking it")
            with scratch.served() as served:
                facts = self._check(scratch, database, before)
                facts["migrations"] = self._migrations(served, end.commit or backup.stop)
        finally:
            throw_away(database.database.drill)
        found = end.commit or backup.stop
        facts |= {
            "backup": backup.label,
            "size": backup.size,
            "seconds": round(restored, 1),
            "found": found,
            "lost": round(lost if lost is not None else time.time() - found, 1),
        }
        return {"database": facts}

    def _newest(self, database: DatabaseBackups) -> tuple[Backup, str]:
        """The newest backup of the life that the database is in, and the timeline that leads there."""
        now, known = time.time(), Record().eras
        backup = next((one for one in reversed(database.backups()) if eras.usable(known, one.stop, now)), None)
        if backup is None:
            raise Trouble("there is no backup of the database yet", "See 'npm run backups'.")
        of = eras.timeline_at(known, now)
        return backup, "current" if of in (None, backup.timeline) else f"{of}"

    def _restore(self, scratch: Scratch, backup: Backup, along: str) -> None:
        try:
            scratch.restore(backup.label, ["--type=default", f"--target-timeline={along}"])
        except Failed as fault:
            if "No space left" in f"{fault}":
                raise Trouble(
                    "the host's disk filled up while the backup was restored",
                    "Free some space, or give it a larger disk.",
                ) from fault
            told = explain(f"{fault}", self._plan)
            # The place was just asked, and it knows the passphrase.
            if "another passphrase" in told.what or told.what.startswith(f"{self._plan.place}: "):
                raise Damaged(
                    f"the backup {backup.label} in {self._plan.place} cannot be restored: {last_words(f'{fault}')}",
                    "It is damaged. The next backup is a full one, which needs none of before.",
                ) from fault
            raise told from fault

    def _refuse_unreadable(self, database: DatabaseBackups, archived: str | None) -> None:
        """Of the newest piece: where the log ends in it, nobody could say whether it was to end there."""
        wrong = None if archived is None else database.read_piece(archived)
        if wrong is not None:
            raise Damaged(
                f"the newest piece of the database's log in {self._plan.place}, {archived}, is damaged: {wrong}",
                "Points in time after it cannot be restored. The next backup is a full one, and those after it can.",
            )

    def _refuse_short(self, end: End, archived: str | None) -> None:
        """What was archived before the drill began is there."""
        if archived is None or (end.position is not None and next_segment(end.position) >= segment_end(archived)):
            return
        why = f": {last_words(end.said).rstrip(chr(58))}" if end.said else ""
        raise Damaged(
            f"the database's log in {self._plan.place} ends before its piece {archived}, which was archived: one is "
            f"missing or damaged{why}",
            "Points in time after it cannot be restored. The next backup is a full one, and those after it can.",
        )

    def _lost(self, database: DatabaseBackups, end: End) -> float | None:
        """For how long commits would be lost, were the host lost now: since the first that is not in the place."""
        told = database.psql("SELECT pg_current_wal_flush_lsn(), extract(epoch FROM clock_timestamp())")
        now, clock = told.split("|")
        if end.position is None:
            return None
        first = next_segment(end.position)
        if position_of(now) <= first:
            return 0.0
        timeline = database.psql("SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int")
        log = database.database.data / "pg_wal"
        words = [f"{database.database.programs}/pg_waldump", f"--path={log}", f"--timeline={timeline}"]
        words += [f"--start={position(first)}", f"--end={now}", "--rmgr=Transaction", "--limit=1000"]
        try:
            commit = first_commit(self._watch.run(as_account("postgres", words)))
        except Failed:
            return None
        return 0.0 if commit is None else max(0.0, float(clock) - commit)

    def _living(self, database: DatabaseBackups) -> dict[Number, Table]:
        """The tables that live, of all databases."""
        found: dict[Number, Table] = {}
        for number, (name, made) in json.loads(database.psql(_DATABASES)).items():
            found[int(number), 0] = Table(f"the database {name}", 0, made)
            # One may be dropped at any moment.
            with contextlib.suppress(Failed):
                for table, (title, rows, own) in json.loads(database.psql(_LIVING, name)).items():
                    found[int(number), int(table)] = Table(f"the table {title} of {name}", rows, own)
        return found

    def _check(self, scratch: Scratch, database: DatabaseBackups, before: dict[Number, Table]) -> Facts:
        end = int(scratch.ask("postgres", "SELECT pg_snapshot_xmax(pg_current_snapshot())"))

        def is_restored(made: int) -> bool:
            if is_since(made, end):
                return False
            # One that had no end yet where the log ends is there, and has come to nothing.
            whole = max(3, end - (end - made) % (1 << 32))
            return scratch.ask("postgres", f"SELECT pg_xact_status('{whole}'::xid8)") != "aborted"

        now = self._living(database)
        restored: dict[Number, int] = {}
        for number, (name, _) in json.loads(scratch.ask("postgres", _DATABASES)).items():
            restored[int(number), 0] = 0
            for table, rows in json.loads(scratch.ask(name, _COUNTED)).items():
                restored[int(number), int(table)] = rows
        wrong = wrong_tables(restored, before, now, is_restored)
        if wrong:
            raise Trouble(
                f"the restored database lacks what the live one has: {shortened(wrong)}",
                "Was much of it written in the last minutes? Then run the drill again: npm run backups -- --drill",
            )
        try:
            scratch.check_pages()
        except Failed as fault:
            raise Damaged(
                f"the restored database is damaged (pg_amcheck): {' '.join(f'{fault}'.split())[:300]}",
                "See whether the live one is: run pg_amcheck on the host.",
            ) from fault
        tables = [rows for (_, table), rows in restored.items() if table != 0]
        return {"tables": len(tables), "rows": sum(tables)}

    def _migrations(self, served: Served, found: float) -> str | None:
        """Why they were not checked."""
        django = self._plan.django
        if django is None:
            return "the application has no migrations of Django's"
        try:
            return check_migrations(self._plan, django, served, self._watch)
        except Unapplied:
            # One that went live since may have brought them.
            if os.lstat(django.live).st_mtime < found:
                raise
            return "the live release is younger than the last commit that was restored"

    # The files

    def _drill_files(self) -> Facts:
        if not self._plan.files:
            return {"files": {}, "repository": None}
        files = FileBackups(self._plan)
        sample = Sample(self._plan, files, self._watch)
        with backup_lock():
            snapshots = files.snapshots()
            told: dict[str, object] = {}
            for part in self._plan.files:
                own = [one for one in snapshots if one.part == part.name]
                if part.unit is None and own:
                    say(f"drill: reading some files of {part.name}")
                    told[part.name] = sample.check(part, own[-1])
            whole = sample.check_repository()
        return {"files": told, "repository": whole}


def _fault_of(part: Callable[[], Facts], facts: Facts) -> Trouble | None:
    """Adds what a part has found."""
    try:
        facts |= part()
    except Trouble as trouble:
        return trouble
    except Exception as fault:  # noqa: BLE001  # Whatever it is, it is told.
        return Trouble(last_words(f"{fault}"), "What the tools said: npm run logs -- backups")
    return None


def clean(plan: Plan) -> None:
    """After a drill, whatever became of it, and after a boot."""
    with contextlib.suppress(Trouble), drill_lock():
        if plan.database is not None:
            throw_away(plan.database.drill)
        result = os.environ.get("SERVICE_RESULT")
        if result is None:
            DrillRecord(plan).failed(
                "the host went down in the middle of it", "Run it again: npm run backups -- --drill"
            )
        # What ended with a status has recorded why.
        elif result not in ("success", "exit-code"):
            DrillRecord(plan).failed(
                f"it was ended before its end ({result})", "What is wrong: npm run logs -- backups"
            )
