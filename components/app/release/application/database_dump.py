"""Berth: dumps a database to standard output, by itself the one of DATABASE_URL, which is PostgreSQL's.

PostgreSQL's in pg_dump's format; a file of SQLite as a file of SQLite.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.parse


def dump(host, port, user, name, password):
    """Its password is in a file that goes at once."""
    pg_dump = shutil.which("pg_dump") or sys.exit("there is no pg_dump on this host")
    place = {"--host": host or "/var/run/postgresql", "--port": port or 5432, "--username": user, "--dbname": name}
    with tempfile.NamedTemporaryFile("w") as passwords:
        escaped = (password or "").replace("\\", "\\\\").replace(":", "\\:")
        passwords.write(f"*:*:*:*:{escaped}\n")
        passwords.flush()
        sys.exit(
            subprocess.run(
                [
                    pg_dump,
                    "--format=custom",
                    "--no-password",
                    *(f"{key}={value}" for key, value in place.items() if value),
                ],
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PGPASSFILE": passwords.name},
            ).returncode
        )


def dump_sqlite(path):
    """What another process writes meanwhile is in it as a whole or not at all."""
    import sqlite3

    with tempfile.NamedTemporaryFile() as file:
        source, copy = sqlite3.connect(path), sqlite3.connect(file.name)
        source.backup(copy)
        copy.close()
        source.close()
        with open(file.name, "rb") as whole:
            shutil.copyfileobj(whole, sys.stdout.buffer)


if __name__ == "__main__":
    url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    parts = (url.hostname, url.username, url.path.removeprefix("/"), url.password)
    host, user, name, password = (urllib.parse.unquote(part or "") for part in parts)
    dump(host, url.port, user, name, password)
