"""Berth: a psql of the database of DATABASE_URL.

Its password is in the environment, which other accounts cannot read.
"""

import os
import shutil
import sys
import urllib.parse

# By https://www.postgresql.org/docs/current/libpq-envars.html, the words of a URL's query that have one.
_VARIABLES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS", "host": "PGHOST"}


def environment(text):
    """How libpq reaches a database, by its URL; none where that is not PostgreSQL's."""
    url = urllib.parse.urlsplit(text)
    if url.scheme.partition("+")[0] not in ("postgres", "postgresql", "postgis"):
        return None
    parts = {
        "PGHOST": url.hostname,
        "PGPORT": url.port and str(url.port),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.path.removeprefix("/"),
    }
    found = {name: urllib.parse.unquote(value) for name, value in parts.items() if value}
    query = urllib.parse.parse_qsl(url.query)
    return found | {_VARIABLES[name]: value for name, value in query if name in _VARIABLES}


def main():
    text = os.environ.get("DATABASE_URL") or sys.exit("berth: the application has no DATABASE_URL")
    found = environment(text)
    if found is None:
        scheme = urllib.parse.urlsplit(text).scheme
        sys.exit(f"berth: DATABASE_URL begins with {scheme}:, and only a PostgreSQL has a shell here")
    psql = shutil.which("psql") or sys.exit(
        "berth: there is no psql on this host: add postgresql-client to berth:app.packages, and deploy"
    )
    os.execve(psql, ["psql", *sys.argv[1:]], {**os.environ, **found})  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
