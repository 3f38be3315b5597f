"""Berth: loads a dump of PostgreSQL into another database than the one of DATABASE_URL: see import_data.py.

Standard input is the dump: SQL, pg_dump's custom or tar format, or a tar of its directory format.

    database_load.py extensions      the extensions that it makes, as JSON: [[name, schema], …]
    database_load.py load DATABASE   loads it, and proves that each table has the rows that the dump has for it
"""

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import tarfile
import tempfile
import threading

import database_url

_TAR_MAGIC = (257, b"ustar")
_EXTENSION = re.compile(
    rb'^CREATE EXTENSION (?:IF NOT EXISTS )?"?([A-Za-z0-9_-]+)"?(?: WITH SCHEMA "?([A-Za-z0-9_]+)"?)?;', re.MULTILINE
)
_NAME = rb'(?:"(?:[^"]|"")*"|[^\s".(;]+)'
_COPY = re.compile(rb"^COPY ((?:" + _NAME + rb"\.)?" + _NAME + rb") (?:\(.*\) )?FROM stdin;\s*$")
_CONNECT = re.compile(rb"^\\c(?:onnect)?\b")
# As pg_dump writes it from 17.6 on, around all.
_RESTRICT = re.compile(rb"^\\(?:un)?restrict \S+\s*$")
_FAULT = re.compile(r"^(?:psql:<stdin>:(\d+): )?ERROR:\s+(.*)$")
# What a dump says of the accounts and the server that it comes from. Here all belongs to the application's role.
_OF_ELSEWHERE = [
    re.compile(pattern)
    for pattern in (
        r'^role ".*" does not exist$',
        r'^must be (able to SET ROLE|member of role) ".*"$',
        r"^must be owner of (extension|schema) ",
        # That of an extension, which is there before.
        r'^schema ".*" already exists$',
        # A platform's own, of which the application knows nothing.
        r"^permission denied to create event trigger ",
        r'^event trigger ".*" does not exist$',
        r'^extension ".*" already exists$',
        r"^unrecognized configuration parameter ",
    )
]
# More of them say nothing new.
_ENOUGH = 20


class Fault(Exception):
    """What is wrong with the dump, in a line."""


@contextlib.contextmanager
def script(dump, *options):
    """The dump as SQL."""
    with contextlib.ExitStack() as stack:
        head = os.pread(dump.fileno(), 512, 0)
        is_tar = head[_TAR_MAGIC[0] :].startswith(_TAR_MAGIC[1])
        if not is_tar and not head.startswith(b"PGDMP"):
            yield dump
            return
        place = stack.enter_context(_unpacked(dump)) if is_tar else None
        command = [
            "/usr/bin/pg_restore",
            "--no-owner",
            "--no-privileges",
            "--file=-",
            *options,
            *([place] if place else []),
        ]
        # What was read of it here counts as unread there.
        os.lseek(dump.fileno(), 0, os.SEEK_SET)
        with subprocess.Popen(command, stdin=dump, stdout=subprocess.PIPE) as child:
            yield child.stdout
            # What is not wanted any more is thrown away.
            for _ in child.stdout:
                pass
        if child.returncode != 0:
            raise Fault("pg_restore cannot read the dump: what it says is above")


@contextlib.contextmanager
def _unpacked(dump):
    """The directory of a tar of one; None where it is pg_dump's own tar, which pg_restore reads by itself."""
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(fileobj=dump, mode="r:") as archive:
            names = [member.name.removeprefix("./") for member in archive]
            if "toc.dat" not in names:
                raise Fault("the directory has no toc.dat: it is none of 'pg_dump --format=directory'")
            is_own = "restore.sql" in names
            if not is_own:
                archive.extractall(place, filter="data")
        yield None if is_own else place


def extensions(dump):
    found = {}
    with script(dump, "--schema-only") as text:
        for line in text:
            match = _EXTENSION.match(line)
            if match:
                found[match[1].decode()] = (match[2] or b"").decode()
    return sorted(found.items())


class Rows:
    """The lines of a script, and how many rows of each table go by in them."""

    def __init__(self, lines):
        self._lines = lines
        self.counts = {}

    def __iter__(self):
        table = None
        for number, line in enumerate(self._lines, 1):
            if table is not None:
                if line.rstrip(b"\r\n") == b"\\.":
                    table = None
                else:
                    self.counts[table] += 1
            elif line.startswith(b"COPY "):
                match = _COPY.match(line)
                if match:
                    table = match[1].decode()
                    self.counts.setdefault(table, 0)
            elif _CONNECT.match(line):
                # It would go on in another database, and this site's own may have that name.
                raise Fault(
                    f"line {number} of the dump connects to a database of its own: make it of one database, "
                    "with pg_dump and without --create"
                )
            if table is not None or not _RESTRICT.match(line):
                yield line


class Faults:
    """What psql says, told apart."""

    def __init__(self):
        self.wrong = []
        self.ignored = []

    def hear(self, line):
        match = _FAULT.match(line)
        if not match:
            # Such as that the server has gone.
            if re.search(r"\b(FATAL|PANIC|error):", line):
                self.wrong.append(line.strip())
            return
        what = match[2]
        if any(pattern.search(what) for pattern in _OF_ELSEWHERE):
            self.ignored.append(what)
        else:
            self.wrong.append(f"line {match[1]}: {what}" if match[1] else what)


def _psql(*words, **streams):
    found = database_url.environment(os.environ["DATABASE_URL"])
    variables = {**os.environ, **found, "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=0"}
    return subprocess.Popen(["/usr/bin/psql", "-Xq", "--no-password", *words], env=variables, **streams)


def load(dump, database):
    faults, rows = Faults(), None
    psql = _psql("-d", database, "-f", "-", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def listen():
        for line in psql.stderr:
            faults.hear(line.decode(errors="replace"))

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        with script(dump) as text:
            rows = Rows(text)
            with contextlib.suppress(BrokenPipeError):
                # Nothing but SQL: a command of psql's own could go on in the live database, or start a program.
                psql.stdin.write(f"\\restrict {secrets.token_hex(16)}\n".encode())
                for line in rows:
                    if len(faults.wrong) > _ENOUGH:
                        break
                    psql.stdin.write(line)
    finally:
        with contextlib.suppress(BrokenPipeError):
            psql.stdin.close()
        psql.wait()
        listener.join()
    if not faults.wrong and psql.returncode != 0:
        faults.wrong.append(f"psql ended with status {psql.returncode}")
    if faults.wrong:
        raise Fault("\n".join(faults.wrong))
    prove(database, rows.counts)
    return {"tables": len(rows.counts), "rows": sum(rows.counts.values()), "ignored": len(faults.ignored)}


def prove(database, counts):
    """A dump of INSERT statements has none of these counts, and each of its statements has succeeded."""
    wrong = []
    for table, wanted in counts.items():
        query = f"SELECT count(*) FROM ONLY {table}"  # noqa: S608 - the dump has said more than that already
        asked = _psql("-At", "-d", database, "-c", query, stdout=subprocess.PIPE)
        found = asked.communicate()[0].decode().strip()
        if found != str(wanted):
            wrong.append(f"{table} has {found} rows, and the dump has {wanted}")
    if wrong:
        raise Fault("\n".join(wrong))


def main():
    dump = sys.stdin.buffer
    try:
        if sys.argv[1] == "extensions":
            print(json.dumps(extensions(dump)))
        else:
            print(json.dumps(load(dump, sys.argv[2])))
    except (Fault, tarfile.TarError) as fault:
        sys.exit(f"{fault}")


if __name__ == "__main__":
    main()
