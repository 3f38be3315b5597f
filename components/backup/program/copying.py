"""Another stack's backups become this stack's data, less personal: see docs/backups.md.

The other stack's archive is restored into a scratch cluster on this host, and what comes out of it is a dump that the
import of the release program takes over (components/app/release/import_data.py). So:

- The other stack's host does nothing, and may be lost. Its place is read alone: no lock, no backup, no stanza.
- The scratch cluster gets the names, roles and passwords of this stack, so that code of the application runs there with
  its own settings. It has a network of its own: nothing of it is mailed, and no task is sent.
- This stack's cluster keeps its identity, roles, passwords, extensions and its own backups: it is given one database.
- Only what is scrubbed ever reaches that cluster.

All runs in one unit. What the unit made goes with it, however it ends.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import eras
from choice import USUAL, Target, backup_for, named, snapshot_for, up_to
from closed import Closed
from commands import Failed, as_account, last_line, run, say
from copies_plan import Asked, Taker, read_taker, receive, refuse_other
from database import NOBODY_LOGS_IN, DatabaseBackups
from explain import explain, last_words
from files import COPY, FileBackups, Snapshot
from plan import STATE_OF_COPIES, Plan, Trouble
from retention import Backup
from scratch import Scratch, Served, throw_away
from watch import MIB, Room, Watch
from words import printable, shown

# ruff: noqa: S608  # Every name is quoted.
_UNIT = "berth-copy.service"
# In seconds.
_LONGEST = 12 * 3600
# As scripts/lib/dump.ts sends it.
_PIECE = 1 << 16
# While it is there, something of it may be left; and the second while an import of ours is under way.
_BEGUN, _IMPORTING = STATE_OF_COPIES / "begun", STATE_OF_COPIES / "importing"
# Whose SQL is the stack's own. It is let in by the socket alone, in whose directory nobody but postgres comes.
_SCRUBBER = "berth_scrub"


@dataclass(frozen=True)
class Chosen:
    target: Target
    backup: Backup | None
    # How far its log is followed.
    to: list[str]
    snapshot: Snapshot | None


class Copying:
    def __init__(self, taker: Taker, asked: Asked) -> None:
        self._taker = taker
        self._asked = asked
        self._plan = asked.plan
        self._files = FileBackups(self._plan)
        place = Path("/var") if taker.database is None else taker.database.data.parent
        self._room = Room(place, what="copy")
        self._watch = Watch(self._room, _LONGEST)
        # The programs of this host, and the backups of that stack.
        self._database = None if self._plan.database is None else DatabaseBackups(self._plan, self._plan.database)

    def run(self) -> None:
        refuse_other(self._taker, self._asked)
        chosen = self._choose()
        if chosen.backup is None and chosen.snapshot is None:
            raise Trouble("there is nothing to restore: neither a database nor files were chosen")
        if chosen.backup is None and not self._asked.as_it_is:
            raise Trouble(
                "no script runs on uploads and private files alone, and they may be personal",
                "To have them as they are, add --as-it-is.",
            )
        self._refuse_large(chosen)
        _clean(self._taker)
        _mark(_BEGUN)
        try:
            arrived = self._bring_files(chosen.snapshot)
            if chosen.backup is None or self._database is None:
                with self._importing(None, arrived) as take:
                    take(None)
                return
            self._bring_database(self._database, chosen.backup, chosen.to, arrived)
        except Failed as fault:
            raise Trouble(f"the copy failed: {last_words(f'{fault}')}", _UNCHANGED) from fault

    # What is brought

    def _choose(self) -> Chosen:
        parts = self._asked.parts or USUAL
        backups = [] if self._database is None else self._database.backups()
        snapshots = self._files.snapshots() if self._plan.files else []
        target = Target(time.time(), latest=True) if self._asked.at is None else Target(self._asked.at)
        if self._asked.backup is not None:
            target, parts = named(self._asked.backup, backups, snapshots, self._asked.parts)
        if target.at > time.time():
            raise Trouble("that time has not come yet", "Times are in UTC.")
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
        backup, to = None, list[str]()
        if self._database is not None and "database" in parts:
            self._refuse_version(self._database)
            told = self._files.noted_eras() if self._plan.files else None
            known = [] if told is None else eras.read(told)
            backup = backup_for(target, backups, known)
            of = eras.timeline_at(known, target.at) or backup.timeline
            to = up_to(target, backup, of)
        snapshot = None
        uploads = next((one for one in self._plan.files if one.name == self._taker.uploads.name), None)
        # Before its first backup of files a stack has none.
        has_files = uploads is not None and any(one.part == uploads.name for one in snapshots)
        if uploads is not None and uploads.name in parts and (has_files or "database" not in parts):
            snapshot = snapshot_for(target, uploads, snapshots)
        return Chosen(target, backup, to, snapshot)

    def _refuse_version(self, database: DatabaseBackups) -> None:
        """A stack may have moved on to another version since the backup."""
        found, own = database.version_of_backups(), self._taker.database
        if own is not None and found is not None and found != own.version:
            raise Trouble(
                f"the backups in {self._plan.place} are of PostgreSQL {found}, and this stack has {own.version}",
                "Both need the same postgres.version.",
            )

    def _refuse_large(self, chosen: Chosen) -> None:
        size = 0 if chosen.backup is None else chosen.backup.size
        files = 0 if chosen.snapshot is None else chosen.snapshot.size
        for directory in self._taker.uploads.directories[:1]:
            place = os.statvfs(directory)
            free = place.f_bavail * place.f_frsize
            if files and free < files * 1.1 + size:
                raise Trouble(
                    f"the disk has {free // MIB} MiB left, and the uploads of '{self._plan.stack}' need "
                    f"{files // MIB} MiB beside {size // MIB} MiB for the database",
                    "Free some space on the host, give it a larger disk, or leave them out: --only database.",
                )
        # The scratch cluster and a dump of it; and then the dump, and the database that is loaded of it.
        self._room.refuse_without(int(size * 1.7) + files)

    # The files

    def _bring_files(self, snapshot: Snapshot | None) -> dict[str, str]:
        """Where they lie until they are taken over, by the directories that they are for."""
        part = self._taker.uploads
        arrived: dict[str, str] = {}
        if snapshot is None:
            return arrived
        say(f"bringing {part.name} of {shown(snapshot.at)}; the site goes on meanwhile")
        for directory, source in paired(part.directories, snapshot.directories):
            place = f"{directory}/{COPY}"
            # As the account that owns it all; nobody else comes in.
            run(as_account(part.account, ["sh", "-euc", 'umask 077; mkdir -p -- "$1"', "sh", f"{place}/arriving"]))
            self._files.put_back(part, snapshot.id, source, f"{place}/arriving")
            count = run(as_account(part.account, ["sh", "-euc", _PLAIN, "sh", place])).strip()
            say(f"{count} files for {directory}")
            arrived[directory] = f"{place}/arrived"
        return arrived

    # The database

    def _bring_database(
        self, database: DatabaseBackups, backup: Backup, to: list[str], arrived: dict[str, str]
    ) -> None:
        root = database.database.copy
        scratch = Scratch(database, self._watch, root, f"local all {_SCRUBBER} trust\n")
        say(f"restoring the backup {backup.label} of '{self._plan.stack}' into a scratch database")
        try:
            scratch.restore(backup.label, to)
        except Failed as fault:
            raise explain(f"{fault}", self._plan) from fault
        end = scratch.follow()
        say(f"it is of {shown(end.commit or backup.stop)}")
        with contextlib.ExitStack() as served:
            cluster = served.enter_context(scratch.served())
            self._adopt(scratch, database)
            self._scrub(scratch, cluster, arrived)
            with self._importing(scratch, arrived) as take:
                # Nothing of the other stack's is left when this one's data begins to change.
                take(lambda: self._throw_away(served, root))

    def _adopt(self, scratch: Scratch, database: DatabaseBackups) -> None:
        """Gives the database the names, roles and passwords of this stack."""
        name, role = self._taker.names["database"], self._taker.names["role"]
        scratch.tell(NOBODY_LOGS_IN + database.roles(), strict=False)
        if scratch.ask("postgres", f"SELECT 1 FROM pg_database WHERE datname = {literal(self._asked.name)}") != "1":
            raise Trouble(
                f"the backup has no database '{self._asked.name}'", "Was it renamed since? Choose a later backup."
            )
        if name != self._asked.name:
            scratch.tell(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE);")
            scratch.tell(f"ALTER DATABASE {identifier(self._asked.name)} RENAME TO {identifier(name)};")
        scratch.tell(f"ALTER DATABASE {identifier(name)} OWNER TO {identifier(role)};")
        scratch.tell(_ALL_TO_ONE.replace("%ROLE%", literal(role)), database=name)

    def _scrub(self, scratch: Scratch, served: Served, arrived: dict[str, str]) -> None:
        """Makes it less personal, with the code of this stack's live release: so it is migrated first."""
        taker, name = self._taker, self._taker.names["database"]
        closed = Closed(taker.application, taker.release, served, self._watch, _UNIT, _LONGEST)
        migrate = taker.releaseCommand
        if taker.django:
            say("migrating it")
            self._inside(closed, "migrate", [taker.release.program, "-m", "django", "migrate", "--noinput"], arrived)
        elif migrate is not None and (taker.scrub or taker.sql):
            say("migrating it")
            self._inside(closed, "migrate", ["/bin/bash", "-c", migrate], arrived)
        if taker.scrub is None and taker.sql is None:
            say("its data stays as it is: this stack has no copy.scrub")
        if taker.sql is not None:
            say("running copy.sql on it")
            member = f"CREATE ROLE {_SCRUBBER} LOGIN IN ROLE {identifier(taker.names['role'])};"
            scratch.tell(f"{member} ALTER ROLE {_SCRUBBER} SET role TO {identifier(taker.names['role'])};")
            try:
                # Nothing but SQL: a command of psql's own would start programs as PostgreSQL's account.
                scratch.tell(f"\\restrict {secrets.token_hex(16)}\n{taker.sql}", database=name, user=_SCRUBBER)
            except Failed as fault:
                raise Trouble(f"copy.sql failed: {last_words(f'{fault}')}", _UNCHANGED) from fault
        if taker.scrub is not None:
            say(f"running '{taker.scrub}' on it")
            self._inside(closed, "scrub", ["/bin/bash", "-c", taker.scrub], arrived)

    def _inside(self, closed: Closed, what: str, command: list[str], arrived: dict[str, str]) -> None:
        # Its uploads are those that have come with it.
        uploads = [f"BindPaths={place}:{directory}" for directory, place in arrived.items()]
        # As the application makes uploads: nginx reads them.
        more = ["UMask=0027", *uploads]
        # The application's account may have put a link there, which systemd follows: nothing runs on what is elsewhere.
        checks = [word for directory in arrived for word in (directory, identity(directory))]
        guarded = ["/bin/sh", "-c", ON_ITS_OWN, "sh", *checks, "--", *command]
        status, said = closed.run(f"berth-copy-{what}", ["/usr/bin/env", "--", *guarded], more)
        if status == 0:
            return
        if status == _MOVED:
            raise Trouble("the uploads that have arrived were replaced meanwhile", _UNCHANGED)
        for line in said.strip().splitlines()[-20:]:
            say(line)
        key = "copy.scrub" if what == "scrub" else "the migration of the copy"
        raise Trouble(f"{key} ended with {status}: {last_line(said)[:300]}", _UNCHANGED)

    def _throw_away(self, served: contextlib.ExitStack, root: Path) -> None:
        served.close()
        throw_away(root)
        _forget_secrets(self._plan)

    # What takes it over

    @contextlib.contextmanager
    def _importing(self, scratch: Scratch | None, arrived: dict[str, str]) -> Iterator["Take"]:
        """The import of the release program, which is told all that it needs before it changes anything."""
        taker = self._taker
        told = {**taker.site, "django": taker.django, "releaseCommand": taker.releaseCommand}
        told |= {"uploads": list(arrived), "database": scratch is not None}
        program = f"/usr/local/lib/berth/{taker.application}/berth-release"
        _mark(_IMPORTING)
        with subprocess.Popen([program, "import"], stdin=subprocess.PIPE, stdout=sys.stderr, cwd="/") as child:
            assert child.stdin is not None
            try:
                child.stdin.write(f"{json.dumps(told)}\n".encode())
                yield Take(self._watch, scratch, taker.names["database"], child)
            except BrokenPipeError:
                # It said why it reads no further.
                pass
            finally:
                with contextlib.suppress(OSError):
                    child.stdin.close()
                child.wait()
        if child.returncode != 0:
            raise Trouble("nothing was changed: what is wrong is above", "All is as it was before.")
        _IMPORTING.unlink()


@dataclass(frozen=True)
class Take:
    """Sends the dump, and its end once nothing else is left."""

    watch: Watch
    scratch: Scratch | None
    database: str
    child: "subprocess.Popen[bytes]"

    def __call__(self, then: Callable[[], None] | None) -> None:
        stream = self.child.stdin
        assert stream is not None
        if self.scratch is not None:
            self._send(self.scratch, stream)
        if then is not None:
            then()
        stream.write(bytes(4))
        stream.flush()

    def _send(self, scratch: Scratch, stream: IO[bytes]) -> None:
        with tempfile.TemporaryFile() as errors, scratch.dump(self.database, errors.fileno()) as dump:
            assert dump.stdout is not None
            while piece := dump.stdout.read(_PIECE):
                self.watch.look()
                stream.write(len(piece).to_bytes(4) + piece)
            if dump.wait() != 0:
                errors.seek(0)
                said = errors.read(1 << 16).decode(errors="replace")
                raise Trouble(f"the copy cannot be dumped: {last_words(said)}", _UNCHANGED)


_UNCHANGED = "Nothing was changed, and the copy is gone."

# Each directory, and which one it must be; then the command.
_MOVED = 97
ON_ITS_OWN = f"""
while [ "$1" != -- ]; do
  [ "$(/usr/bin/stat -c %d:%i -- "$1")" = "$2" ] || exit {_MOVED}
  shift 2
done
shift
exec "$@"
"""


def identity(directory: str) -> str:
    """Which directory has arrived for this one, through no link."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
    with contextlib.ExitStack() as opened:
        at = os.open(directory, flags)
        opened.callback(os.close, at)
        for name in (COPY, "arrived"):
            at = os.open(name, flags, dir_fd=at)
            opened.callback(os.close, at)
        found = os.stat(at)
    return f"{found.st_dev}:{found.st_ino}"


# Of what has arrived only files and directories stay; of another stack's copy nothing does.
_PLAIN = """
cd -- "$1/arriving"
rm -rf -- .berth-*
find . ! -type d ! -type f -delete
cd ..
rm -rf arrived
mv -T arriving arrived
find arrived -type f | wc -l
"""

# Whatever the roles of the other stack were called.
_ALL_TO_ONE = """
DO $$
DECLARE one pg_catalog.name;
BEGIN
  FOR one IN SELECT rolname FROM pg_catalog.pg_roles
    WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> %ROLE%
  LOOP
    EXECUTE pg_catalog.format('REASSIGN OWNED BY %I TO %I', one, %ROLE%);
  END LOOP;
END $$;
"""


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


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


def _mark(path: Path) -> None:
    """Also for after a power cut."""
    STATE_OF_COPIES.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:
        os.fsync(file.fileno())


def _forget_secrets(plan: Plan) -> None:
    for one in plan.settings.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink()
    shutil.rmtree(STATE_OF_COPIES / "cache", ignore_errors=True)


def _clean(taker: Taker) -> None:
    """What one that ended has left, however it ended, and of whatever it had begun."""
    if taker.database is not None:
        throw_away(taker.database.copy)
    shutil.rmtree(STATE_OF_COPIES / "cache", ignore_errors=True)
    for directory in taker.uploads.directories:
        # What waits to be taken over. Of what was being taken over, the import puts the rest right.
        rest = [f"{directory}/{COPY}/{one}" for one in ("arriving", "arrived")]
        run(as_account(taker.uploads.account, ["rm", "-rf", "--", *rest]))
    if _IMPORTING.exists():
        program = f"/usr/local/lib/berth/{taker.application}/berth-release"
        subprocess.run([program, "import-recover"], stdin=subprocess.DEVNULL, check=True, cwd="/")
        _IMPORTING.unlink()
    _BEGUN.unlink(missing_ok=True)


def _note(text: str) -> None:
    """For whoever asks how it ended whose connection has not lasted."""
    with contextlib.suppress(Failed):
        run(["logger", "-t", "berth-copy", "--", printable(text)])


class Stopped(BaseException):
    """It is to end now."""


def _stop(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def main(arguments: list[str]) -> int:
    """'copy-here' takes over what standard input tells of; 'copy-clean' removes what is left of one."""
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    taker = read_taker()
    try:
        if arguments == ["copy-clean"]:
            _clean(taker)
            return 0
        signal.signal(signal.SIGTERM, _stop)
        Copying(taker, receive(sys.stdin.readline())).run()
        again = f"npm run restore -- --to {taker.stack} --undo"
        say(f"stack '{taker.stack}' has the data of the other stack. To take it back: {again}")
        _note("this stack's data was replaced by that of another stack")
    except (Trouble, Failed, OSError, ValueError, subprocess.CalledProcessError) as fault:
        trouble = fault if isinstance(fault, Trouble) else Trouble(last_line(f"{fault}"))
        print(f"{printable(trouble.what)}\n{printable(trouble.further)}")
        # What it was may show data of the other stack: that is for who has asked.
        _note("the data of another stack was not restored")
        return 1
    except Stopped:
        back = f"npm run restore -- --to {taker.stack} --undo"
        print(
            f"it was stopped before its end\nIf it was just being taken over, the data is new: '{back}' takes it back."
        )
        return 1
    return 0
