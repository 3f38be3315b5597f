"""The database's part: PostgreSQL by pgBackRest."""

import json
import re
import time
from collections.abc import Iterable, Sequence
from typing import Any

import retention
from commands import Failed, as_account, last_line, read_as, run
from explain import explain, last_words
from plan import Database, Plan, Trouble
from retention import Backup

_SEGMENT = 16 << 20
# In seconds: for how long another process of pgBackRest may be at work.
_LOCKED = 120
# How 'pgbackrest info' says that it could not read the place.
_UNREAD = 99
# pgBackRest takes whatever can be unpacked; the digest in a piece's name is that of what was sent.
_DIGEST = """
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$@" "$place/piece" >&2
sha1sum "$place/piece"
"""

NOBODY_LOGS_IN = """
DO $$
DECLARE one pg_catalog.name;
BEGIN
  FOR one IN SELECT rolname FROM pg_catalog.pg_roles WHERE rolcanlogin AND NOT rolsuper LOOP
    EXECUTE pg_catalog.format('ALTER ROLE %I NOLOGIN PASSWORD NULL', one);
  END LOOP;
END $$;
"""


class DatabaseBackups:
    """The backups of one cluster. All runs as postgres: the cluster and the spool are that account's."""

    def __init__(self, plan: Plan, database: Database) -> None:
        self._plan = plan
        self.database = database

    def set_up(self) -> None:
        """Makes the stanza where there is none, and proves that a piece of the log arrives in the place."""
        self._pgbackrest("stanza-create")
        self._pgbackrest("check")

    def back_up(self, distrusted: float = 0.0) -> dict[str, object]:
        """@param distrusted: none from before that time is to be needed by this one"""
        kind = "full" if retention.wants_full(self.backups(), time.time(), distrusted) else "diff"
        began = time.time()
        self._pgbackrest("backup", f"--type={kind}")
        self.expire()
        newest = self.backups()[-1]
        return {
            "id": newest.label,
            "size": newest.size,
            "stored": newest.stored,
            "seconds": round(time.time() - began, 1),
        }

    def backups(self) -> list[Backup]:
        """All there are, the oldest first."""
        found = [backup_of(one) for one in self._info().get("backup", []) if not one.get("error")]
        return sorted(found, key=lambda one: one.stop)

    def owner(self) -> int | None:
        """The identifier of the cluster whose backups and log are in the place; None where there is no such thing."""
        clusters = self._info().get("db", [])
        return int(clusters[-1]["system-id"]) if clusters else None

    def is_own(self) -> bool:
        """Whether what is in the place is of this very cluster, or there is nothing yet."""
        return self.owner() in (None, self.identifier())

    def _info(self) -> dict[str, Any]:
        told = json.loads(self._pgbackrest("info", "--output=json"), strict=False)
        # Its messages hold ends of lines as they are.
        stanza: dict[str, Any] = told[0] if told else {}
        for one in stanza.get("repo", []):
            # It succeeds even where it cannot read the place.
            if one["status"]["code"] == _UNREAD:
                raise explain(one["status"]["message"], self._plan)
        return stanza

    def expire(self) -> None:
        """Those go that are not to be kept any longer; the newest one stays."""
        now, keep = time.time(), self._plan.keep
        for label in retention.expired(self.backups(), now, keep):
            # One may have gone with the one that it needed.
            if label in {one.label for one in self.backups()}:
                self._pgbackrest("expire", f"--set={label}")
        count = retention.archive_count(self.backups(), now, keep.points)
        self._pgbackrest("expire", "--repo1-retention-archive-type=incr", f"--repo1-retention-archive={count}")

    def restore(self, label: str, target: Sequence[str]) -> None:
        """Fills the cluster's directory, which is empty, and says up to where the log is followed when it starts."""
        self._pgbackrest("restore", f"--set={label}", *target)

    def newest_piece(self) -> str | None:
        """The newest piece of the log that has arrived in the place."""
        # A backup leaves a name after that of the piece that it began in; a timeline and a part of a piece have others.
        found = re.fullmatch(
            r"([0-9A-F]{24})(\..*\.backup)?",
            self.psql("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"),
        )
        return found[1] if found else None

    def read_piece(self, piece: str) -> str | None:
        """Whether a piece can be read, and is what was sent: None, or what is wrong with it."""
        archive = f"archive/{self._plan.stanza}/{self._info()['archive'][-1]['id']}/{piece[:16]}"
        listed = self._pgbackrest("repo-ls", f"--filter=^{piece}-[0-9a-f]{{40}}", archive, stanza=False).split()
        if not listed:
            return "it is missing"
        command = self.words("archive-get", "--no-archive-async", piece)
        try:
            digest = run(as_account("postgres", ["bash", "-euc", _DIGEST, "digest", *command])).split()[0]
        except Failed as fault:
            return last_words(f"{fault}")
        return None if digest == listed[0][25:65] else "it is not what was sent there"

    def forget_spool(self) -> None:
        """What pgBackRest remembers of a cluster that is not the place's: its pieces bear the same names."""
        run(as_account("postgres", ["rm", "-rf", "--", f"/var/spool/pgbackrest/archive/{self._plan.stanza}"]))

    def refuse_foreign(self) -> None:
        """A place has one owner: what is there must be this stack's own."""
        try:
            names = self._pgbackrest("repo-ls", "--output=json", "archive", stanza=False)
        except Trouble as trouble:
            # pgBackRest's FileMissing and PathMissing: the place is empty.
            if re.search(r"\[0(55|73)\]", f"{trouble.__cause__}"):
                return
            raise
        refuse_foreign((name for name in json.loads(names or "{}") if name != "."), self._plan)

    def words(self, command: str, *arguments: str, stanza: bool = True) -> list[str]:
        """A command of pgBackRest's."""
        own = [f"--stanza={self._plan.stanza}"] if stanza else []
        place = self._plan.settings
        files = [f"--config={place}/pgbackrest.conf", f"--config-include-path={place}/pgbackrest.d"]
        # Nothing of another stack's place is to stay in this host's logs.
        quiet = ["--log-level-file=off"] if self._plan.reading else []
        return ["pgbackrest", *files, *quiet, *own, command, *arguments]

    def _pgbackrest(self, command: str, *arguments: str, stanza: bool = True) -> str:
        words = self.words(command, *arguments, stanza=stanza)
        end = time.monotonic() + _LOCKED
        while True:
            try:
                return run(as_account("postgres", words))
            except Failed as fault:
                # The log is archived meanwhile by another process, which holds a lock for a moment.
                if "[050]" in f"{fault}" and time.monotonic() < end:
                    time.sleep(0.5)
                    continue
                raise explain(f"{fault}", self._plan) from fault

    # The cluster itself

    def psql(self, query: str, database: str = "postgres") -> str:
        command = [f"{self.database.programs}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query]
        # The owner of a database may have set how its sessions begin.
        session = "-c search_path=pg_catalog -c role=none -c statement_timeout=60s"
        options = {"PGOPTIONS": session, "PGCONNECT_TIMEOUT": "10", "PGDATABASE": database}
        return run(as_account("postgres", command), environment=options).strip()

    def roles(self) -> str:
        """The roles with their passwords, as SQL: an older cluster may know others."""
        return run(as_account("postgres", [f"{self.database.programs}/pg_dumpall", "--roles-only"]))

    def set_roles(self, roles: str) -> None:
        """Each is set to what it was, and it is no fault that it is there; one that was not there logs in no more."""
        command = [f"{self.database.programs}/psql", "-Xq", "-d", "postgres"]
        quiet = (
            "SET log_min_error_statement = panic; SET log_min_messages = panic; SET log_min_duration_statement = -1;\n"
        )
        run(as_account("postgres", command), stdin=quiet + NOBODY_LOGS_IN + roles)

    def is_up(self) -> bool:
        try:
            return self.psql("SELECT 1") == "1"
        except Failed:
            return False

    def settle(self, seconds: float) -> None:
        """Sends all that is committed so far to the place, so that every point up to now can be had."""
        # A recovery to a point in time ends at the first commit after it.
        self.psql("SELECT pg_current_xact_id()")
        wanted = self.psql("SELECT pg_walfile_name(pg_switch_wal())")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.psql("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver") >= wanted:
                return
            time.sleep(0.2)
        raise Trouble(
            f"the end of the database's log did not arrive in {self._plan.place} within {seconds:g} s",
            "See 'npm run status' for what is in the way. Nothing was changed.",
        )

    def timeline(self) -> int:
        """The timeline of a cluster that is stopped or runs."""
        if self.is_up():
            self.psql("CHECKPOINT")
        return self._control("Latest checkpoint's TimeLineID")

    def version_of_backups(self) -> int | None:
        """The major version that wrote what is in the place; None where there is nothing."""
        clusters = self._info().get("db", [])
        return int(float(clusters[-1]["version"])) if clusters else None

    def identifier(self) -> int:
        """What PostgreSQL knows this cluster by: a restored one has that of the lost one."""
        return self._control("Database system identifier")

    def _control(self, name: str) -> int:
        told = run(as_account("postgres", [f"{self.database.programs}/pg_controldata", str(self.database.data)]))
        [number] = re.findall(rf"^{name}:\s+(\d+)$", told, re.MULTILINE)
        return int(number)

    def last_commit(self) -> float | None:
        """Of when the last transaction is that a restore has followed."""
        told = self.psql("SELECT extract(epoch FROM pg_last_xact_replay_timestamp())")
        return float(told) if told else None

    def last_log(self) -> str:
        """Why it does not start."""
        name = f"/var/log/postgresql/postgresql-{self.database.version}-main.log"
        try:
            said = read_as("postgres", ["tail", "-n", "400", name])
        except Failed:
            return ""
        return why_it_does_not_start(said)

    # What waits

    def waiting(self) -> dict[str, object]:
        """What of the log has not reached the place yet, why, and what was given up."""
        status = f"{self.database.data}/pg_wal/archive_status"
        try:
            told = read_as("postgres", ["find", status, "-name", "*.ready", "-printf", "%T@\\n"])
        except Failed:
            told = ""
        marks = [float(line) for line in told.split()]
        return {
            "bytes": len(marks) * _SEGMENT,
            "limit": self._plan.limit,
            "since": min(marks, default=None),
            "why": self._archive_fault(),
            "lost": lost_at(self._log_of_archiving()),
        }

    def _archive_fault(self) -> str | None:
        # postgres may have put anything there: what is read is read as that account.
        spool = f"/var/spool/pgbackrest/archive/{self._plan.stanza}/out"
        last = 'set -- "$1"/*.error; for file; do :; done; [ ! -f "$file" ] || head -c 2000 "$file"'
        try:
            said = read_as("postgres", ["sh", "-c", last, "last", spool])
        except Failed:
            return None
        return explain(said, self._plan).what if said else None

    def _log_of_archiving(self) -> str:
        command = ["sh", "-c", "grep -h 'dropped WAL file' /var/log/pgbackrest/*archive-push*.log | tail -n 1"]
        try:
            return read_as("postgres", command)
        except Failed:
            return ""


def backup_of(told: dict[str, dict[str, object]]) -> Backup:
    """A backup as 'pgbackrest info' tells of it."""
    info, times = told["info"], told["timestamp"]
    repository = info["repository"]
    assert isinstance(repository, dict)
    return Backup(
        str(told["label"]),
        _number(times["start"]),
        _number(times["stop"]),
        int(_number(info["size"])),
        int(repository.get("delta", 0)),
        # A piece of the log begins its name with its timeline, in hexadecimal digits.
        int(str(told["archive"]["start"])[:8], 16),
    )


def _number(found: object) -> float:
    return float(str(found))


def why_it_does_not_start(log: str) -> str:
    """The last fault in PostgreSQL's log. Whoever asks while it starts is told so in a line of its own."""
    fatal = [line for line in log.splitlines() if re.search(r"FATAL|PANIC|ERROR", line)]
    told = [line for line in fatal if "the database system is " not in line]
    return last_line("\n".join(told or fatal) or log)


def refuse_foreign(owners: Iterable[str], plan: Plan) -> None:
    """Refuses a place that somebody else's backups are in."""
    others = sorted(set(owners) - {plan.stanza})
    if others:
        raise Trouble(
            f"{plan.place} holds the backups of '{others[0]}', and this stack's are called '{plan.stanza}'",
            "A place has one stack: choose another 'prefix' or 'path' in backup.place. What is there stays as it is.",
        )


def lost_at(line: str) -> float | None:
    """When a piece of the log was given up, of a line of pgBackRest's log."""
    found = re.search(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", line)
    return time.mktime(time.strptime(found[1], "%Y-%m-%d %H:%M:%S")) if found else None
