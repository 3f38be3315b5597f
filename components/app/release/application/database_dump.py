"""Berth: dumps a PostgreSQL database to standard output, in pg_dump's format; by itself, the one of DATABASE_URL."""

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


if __name__ == "__main__":
    url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    parts = (url.hostname, url.username, url.path.removeprefix("/"), url.password)
    host, user, name, password = (urllib.parse.unquote(part or "") for part in parts)
    dump(host, url.port, user, name, password)
