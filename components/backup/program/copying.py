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
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from closed import Closed
from commands import Failed, as_account, last_line, run, say
from copies_choice import Chosen, choose, paired
from copies_plan import Asked, Taker, read_taker, receive, refuse_other
from database import NOBODY_LOGS_IN, DatabaseBackups
from explain import explain, last_words
from files import COPY, FileBackups, Snapshot
from plan import STATE_OF_COPIES, Plan, Trouble
from retention import Backup
from scratch import Scratch, Served, throw_away
from taking import UNCHANGED, importing, mark, recover
from watch import MIB, Room, Watch
from words import printable, shown

# ruff: noqa: S608  # Every name is quoted.
_UNIT = "berth-copy.service"
# In seconds.
_LONGEST = 12 * 3600
# While it is there, something of it may be left.
_BEGUN = STATE_OF_COPIES / "begun"
# Whose SQL is the stack's own. It is let in by the socket alone, in whose directory nobody but postgres comes.
_SCRUBBER = "berth_scrub"


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
        chosen = choose(self._taker, self._asked, self._database, self._files)
        self._refuse_large(chosen)
        _clean(self._taker)
        mark(_BEGUN)
        try:
            arrived = self._bring_files(chosen.snapshot)
            if chosen.backup is None or self._database is None:
                with importing(self._taker, self._watch, None, arrived) as take:
                    take(None)
                return
            self._bring_database(self._database, chosen.backup, chosen.to, arrived)
        except Failed as fault:
            raise Trouble(f"the copy failed: {last_words(f'{fault}')}", UNCHANGED) from fault

    # What is brought

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
            with importing(self._taker, self._watch, scratch, arrived) as take:
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
                raise Trouble(f"copy.sql failed: {last_words(f'{fault}')}", UNCHANGED) from fault
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
            raise Trouble("the uploads that have arrived were replaced meanwhile", UNCHANGED)
        for line in said.strip().splitlines()[-20:]:
            say(line)
        key = "copy.scrub" if what == "scrub" else "the migration of the copy"
        raise Trouble(f"{key} ended with {status}: {last_line(said)[:300]}", UNCHANGED)

    def _throw_away(self, served: contextlib.ExitStack, root: Path) -> None:
        served.close()
        throw_away(root)
        _forget_secrets(self._plan)


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
    recover(taker)
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
