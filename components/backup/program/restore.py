"""Getting back: what there is now is kept until the restored is proven, and until the next restore.

The application stops first and starts last, and each step has its way back. What an undo needs is on the disk before
anything is changed, so that it also undoes a restore that was cut off.
"""

import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import eras
from choice import Target, backup_for, snapshot_for, up_to
from commands import Failed, as_account, run, say
from database import DatabaseBackups
from files import BEFORE, FileBackups, Snapshot
from history import Record
from plan import Files, Plan, Trouble
from retention import Backup
from site_state import Maintenance, Running, healthy_within
from unrestored import NewServer, is_shut
from words import shown

_HEALTH, _SETTLING = 120, 120


class Restore:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._record = Record()
        self._files = FileBackups(plan)
        self._database = None if plan.database is None else DatabaseBackups(plan, plan.database)
        self._running = Running(plan)
        self._maintenance = Maintenance(plan)
        self._eras = self._record.eras

    def restore(self, target: Target, only: Collection[str]) -> None:
        if (self._record.undo or {}).get("finished") is False:
            raise Trouble("a restore was cut off before its end", "Undo it first, with --undo.")
        self._unlock()
        self._learn_eras()
        database, backup = self._chosen_database(target, only)
        snapshots = self._chosen_files(target, only)
        if database is None and not snapshots:
            raise Trouble("there is nothing to restore: neither a database nor files were chosen")
        was_shut = self._maintenance.is_on()
        say("visitors see the maintenance page; what runs of the application is stopped")
        self._maintenance.turn(on=True)
        units = self._running.units()
        undo: dict[str, Any] = {"at": time.time(), "finished": False, "units": units, "shut": was_shut}
        undo |= {"database": None, "files": [], "unrestored": self._record.unrestored, "closed": is_shut(self._plan)}
        self._record.set_undo(undo)
        try:
            self._running.stop(units)
            for part, snapshot in snapshots:
                self._restore_files(part, snapshot, undo)
            if database is not None and backup is not None:
                self._restore_database(database, backup, target, undo)
            self._run_again(units)
        except Exception as fault:  # Whatever it was, what was there comes back.
            say(f"the restore failed: {fault}")
            try:
                self._go_back(undo)
            except Exception as second:
                raise Trouble(
                    f"the restore failed ({fault}), and what was there could not be put back: {second}",
                    "The maintenance page stays. When that is mended, run this again with --undo.",
                ) from second
            raise Trouble(f"nothing was restored: {fault}", "All is as it was before.") from fault
        self._end(undo, only)
        say("the site is healthy; what was there before is kept: --undo brings it back")
        if undo["unrestored"] is not None:
            self._say_what_is_not_back(only)

    def undo(self) -> None:
        undo = self._record.undo
        if undo is None:
            raise Trouble("there is no restore to undo", "The last one has been undone, or there was none.")
        self._unlock()
        if undo["finished"]:
            self._maintenance.turn(on=True)
            undo["units"] = self._running.units()
            self._running.stop(undo["units"])
            if undo["database"] is not None and self._database is not None and self._database.is_up():
                # What was committed since can still be had, by its time.
                self._database.settle(_SETTLING)
        self._go_back(undo)

    def _unlock(self) -> None:
        # A backup may have been stopped for this.
        if self._plan.files:
            self._files.unlock()

    def forget(self, until: float) -> None:
        """Frees the space of what was kept for the undo of a restore, once that is older."""
        undo = self._record.undo
        if undo is None or not undo["finished"] or undo["at"] > until:
            return
        if self._plan.database is not None:
            run(as_account("postgres", ["rm", "-rf", "--", str(self._plan.database.before)]))
        for part in self._plan.files:
            for directory in part.directories:
                self._files.forget_aside(part, directory)
        self._record.set_undo(None)

    # What is restored

    def _learn_eras(self) -> None:
        """A host that the backups are not of knows nothing of the database's lives; the place does."""
        if self._database is None or self._database.is_own():
            return
        told = self._files.noted_eras()
        # This host knows more where a restore was undone here, and the place could not be told.
        self._eras = max(self._eras, [] if told is None else eras.read(told), key=len)

    def _note_eras(self, known: list[eras.Era]) -> None:
        self._eras = known
        self._record.set_eras(known)
        note_eras(self._record, self._files)

    def _chosen_database(self, target: Target, only: Collection[str]) -> tuple[DatabaseBackups | None, Backup | None]:
        database = self._database
        if database is None or "database" not in only:
            return None, None
        backup = backup_for(target, database.backups(), self._eras)
        if target.label is not None:
            return database, backup
        place = os.statvfs(database.database.data.parent)
        if place.f_bavail * place.f_frsize < backup.size * 1.1:
            need, free = round(backup.size * 1.1 / 2**20), round(place.f_bavail * place.f_frsize / 2**20)
            raise Trouble(
                f"the disk has {free} MiB left, and the database needs {need} next to the one that is there",
                "Free some space on the host or give it a larger disk.",
            )
        return database, backup

    def _chosen_files(self, target: Target, only: Collection[str]) -> list[tuple[Files, Snapshot]]:
        chosen: list[tuple[Files, Snapshot]] = []
        snapshots = self._files.snapshots() if self._plan.files else []
        for part in self._plan.files:
            if part.name not in only:
                continue
            if part.usual and len(only) > 1 and not _has_any(target, part, snapshots):
                say(f"{part.name} stays as it is: there is no backup of it from before that time")
                continue
            own = snapshot_for(target, part, snapshots)
            put = places(part, own)
            moved = [one for one in own.directories if one not in put]
            new = [one for one in part.directories if one not in put.values()]
            if moved and new:
                raise Trouble(
                    f"the backup {own.id} of {part.name} is of {moved[0]}, and this stack has {new[0]}",
                    "Give the stack the app.root and the media.directory of that time, and deploy it.",
                )
            self._refuse_large(part, own)
            chosen.append((part, own))
        return chosen

    def _refuse_large(self, part: Files, snapshot: Snapshot) -> None:
        """A file may say that it is larger than any disk."""
        place = os.statvfs(part.directories[0])
        if snapshot.size > place.f_blocks * place.f_frsize:
            raise Trouble(
                f"the backup {snapshot.id} of {part.name} has {snapshot.size >> 20} MiB, more than this host's disk",
                "Restore an earlier one by its ID, or give the host a larger disk. Nothing was changed.",
            )

    def _restore_files(self, part: Files, snapshot: Snapshot, undo: dict[str, Any]) -> None:
        say(f"restoring {part.name} of {shown(snapshot.at)}")
        before = "" if part.unit else str(self._files.back_up(part, BEFORE)["id"])
        undo["files"].append({"part": part.name, "restored": snapshot.id, "before": before, "aside": []})
        self._record.set_undo(undo)
        if part.unit:
            run(["systemctl", "stop", part.unit])
        for directory, into in places(part, snapshot).items():
            if part.unit:
                undo["files"][-1]["aside"].append(into)
                self._record.set_undo(undo)
                self._files.put_aside(part, into)
            self._files.put_back(part, snapshot.id, directory, into)
        if part.unit:
            run(["systemctl", "start", part.unit])

    def _restore_database(
        self, database: DatabaseBackups, backup: Backup, target: Target, undo: dict[str, Any]
    ) -> None:
        roles = None
        is_own = database.is_own()
        if database.is_up():
            roles = database.roles()
            if is_own:
                database.settle(_SETTLING)
        # What a new server has made meanwhile is no life of the database: it goes on from that of the lost one.
        lost = eras.timeline_at(self._eras, time.time()) or database.backups()[-1].timeline
        timeline = database.timeline() if is_own else lost
        point = "to the end of its log" if target.latest else f"of {shown(target.at)}"
        say(f"restoring the database {point}, from the backup {backup.label}")
        cluster = database.database
        run(["systemctl", "stop", cluster.unit])
        run(as_account("postgres", ["rm", "-rf", "--", str(cluster.before)]))
        undo["database"] = {"timeline": timeline, "branch": None}
        self._record.set_undo(undo)
        run(as_account("postgres", ["mv", "-T", "--", str(cluster.data), str(cluster.before)]))
        run(as_account("postgres", ["mkdir", "-m", "0700", "--", str(cluster.data)]))
        if not is_own:
            database.forget_spool()
        of = eras.timeline_at(self._eras, target.at) or timeline
        database.restore(backup.label, up_to(target, backup, of))
        self._start(database)
        if target.latest and (last := database.last_commit()) is not None:
            say(f"the last transaction in the archive is of {shown(last)}")
        if roles is not None:
            # Passwords may have changed since, and the application has those of today.
            database.set_roles(roles)
        branch = backup.stop if target.label else target.at
        now = time.time()
        self._note_eras(eras.began(self._eras, now, timeline, database.timeline(), branch))
        undo["database"]["branch"] = now
        self._record.set_undo(undo)

    def _start(self, database: DatabaseBackups) -> None:
        """Starts the cluster and waits until it has followed its log to the point, however long that takes."""
        unit = database.database.unit
        run(["systemctl", "start", "--no-block", unit])
        began = told = time.monotonic()
        while True:
            try:
                if database.psql("SELECT pg_is_in_recovery()") == "f":
                    return
            except Failed:
                state = run(["systemctl", "show", unit, "-P", "ActiveState", "-P", "SubState", "-P", "Result"]).split()
                if (
                    state[0] == "failed"
                    or "auto-restart" in state
                    or (state[0] == "inactive" and time.monotonic() - began > 10)
                ):
                    run(["systemctl", "stop", unit])
                    why = database.last_log()
                    if "recovery ended before configured recovery target was reached" in why:
                        why += "; the archive ends before that time, and --latest restores all that it has"
                    raise Trouble(f"the restored database does not start: {why}") from None
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say("the database is following its log to that point")
            time.sleep(0.2)

    def _say_what_is_not_back(self, only: Collection[str]) -> None:
        """On a new server nobody has the rest."""
        for part in self._plan.files:
            if part.name in only:
                continue
            again = f"npm run restore -- -s {self._plan.stack} --latest --only {part.name}"
            if part.unit is None or part.usual:
                say(f"{part.name} was not restored. It comes by: {again}")
            else:
                say(
                    f"{part.name} was not restored, so what waited in its queues is gone: much of its last backup was "
                    f"done since, and would be done a second time. To bring it back all the same: {again}"
                )

    def _run_again(self, units: list[str]) -> None:
        self._running.start(units)
        wrong = healthy_within(self._plan, _HEALTH)
        if wrong is not None:
            raise Trouble(f"with the restored data the site is unhealthy: {wrong}")

    # And back

    def _go_back(self, undo: dict[str, Any]) -> None:
        parts = {part.name: part for part in self._plan.files}
        for one in undo["files"]:
            if one["part"] not in parts:
                raise Trouble(
                    f"{one['part']}, which was restored as well, is not in the stack's file any more",
                    "Put it back there and deploy; then undo the restore. Nothing was changed.",
                )
        say("putting back what was there before")
        self._running.stop(self._running.units())
        database = self._database
        if undo["database"] is not None and database is not None:
            self._database_back(database, undo["database"])
        for one in reversed(undo["files"]):
            self._files_back(parts[one["part"]], one)
        self._running.start(undo["units"])
        wrong = healthy_within(self._plan, _HEALTH)
        self._record.set_undo(None)
        if undo.get("unrestored") is not None:
            self._record.set_unrestored(undo["unrestored"])
            NewServer(self._plan).stand_again(closed=undo["closed"])
        if wrong is not None:
            raise Trouble(f"all is as it was before, and the site is unhealthy: {wrong}", "The maintenance page stays.")
        if database is not None:
            run(as_account("postgres", ["rm", "-rf", "--", str(self._gone(database))]))
        if not undo["shut"]:
            self._maintenance.turn(on=False)
        say("all is as it was before, and the site is healthy")

    def _database_back(self, database: DatabaseBackups, undo: dict[str, Any]) -> None:
        cluster = database.database
        if not cluster.before.is_dir():
            # It was cut off before this was moved, or it has gone back already.
            if not database.is_up():
                self._start(database)
            return
        # Passwords may have changed since the restore, and the application has those of today.
        roles = database.roles() if database.is_up() else None
        run(["systemctl", "stop", cluster.unit])
        gone = self._gone(database)
        run(as_account("postgres", ["rm", "-rf", "--", str(gone)]))
        if cluster.data.is_dir():
            run(as_account("postgres", ["mv", "-T", "--", str(cluster.data), str(gone)]))
        run(as_account("postgres", ["mv", "-T", "--", str(cluster.before), str(cluster.data)]))
        self._start(database)
        if roles is not None:
            database.set_roles(roles)
        if undo["branch"] is not None:
            now = time.time()
            known = self._record.eras
            # It goes on from where the restore had left it; on a new server the lost one's can be had again.
            self._note_eras(eras.began(known, now, undo["timeline"], undo["timeline"], undo["branch"] - 0.001))

    def _gone(self, database: DatabaseBackups) -> Path:
        """Where the restored cluster lies until what was there before it is proven."""
        return database.database.data.with_name("main.undone")

    def _files_back(self, part: Files, undo: dict[str, Any]) -> None:
        if part.unit:
            run(["systemctl", "stop", part.unit])
            for directory in undo["aside"]:
                self._files.take_from_aside(part, directory)
            run(["systemctl", "start", part.unit])
            return
        for directory in part.directories:
            held = self._held(undo["before"], directory)
            # What the restore has brought back from the past goes; what was uploaded since stays.
            self._files.take_away(part, directory, self._held(undo["restored"], directory) - held)
            self._files.put_back(part, undo["before"], directory)

    def _held(self, snapshot: str, directory: str) -> set[str]:
        try:
            return self._files.listing(snapshot, directory)
        except Trouble:
            return set()

    def _end(self, undo: dict[str, Any], only: Collection[str]) -> None:
        undo["finished"] = True
        self._record.set_undo(undo)
        if undo["unrestored"] is not None and ("database" if self._database is not None else "media") in only:
            NewServer(self._plan).end()
            self._record = Record()
        elif undo["closed"]:
            say("visitors see the maintenance page until the database is restored")
            return
        if undo["shut"] and not undo["closed"]:
            say("the maintenance page was on before, and stays")
        else:
            self._maintenance.turn(on=False)


def places(part: Files, snapshot: Snapshot) -> dict[str, str]:
    """Where what a backup has is put, by its directories."""
    own = {directory: directory for directory in part.directories}
    return {one: into for one, into in {**part.formerly, **own}.items() if one in snapshot.directories}


def note_eras(record: Record, files: FileBackups) -> None:
    """Tells the place of the database's lives. Where it is away, the next backup does."""
    if record.noted:
        return
    try:
        files.note_eras(eras.written(record.eras))
        record.set_noted()
    except Trouble as trouble:
        say(f"the next backup writes down which life of the database this is: {trouble}")


def _has_any(target: Target, part: Files, snapshots: Sequence[Snapshot]) -> bool:
    """Whether there is a backup of it that belongs to this target: a service may be younger."""
    try:
        snapshot_for(target, part, snapshots)
    except Trouble:
        return False
    return True
