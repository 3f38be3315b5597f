"""Berth: a psql of the database of DATABASE_URL."""

import os
import shutil
import sys
import urllib.parse

import database_url


def main():
    text = os.environ.get("DATABASE_URL") or sys.exit("berth: the application has no DATABASE_URL")
    found = database_url.environment(text)
    if found is None:
        scheme = urllib.parse.urlsplit(text).scheme
        sys.exit(f"berth: DATABASE_URL begins with {scheme}:, and only a PostgreSQL has a shell here")
    psql = shutil.which("psql") or sys.exit(
        "berth: there is no psql on this host: add postgresql-client to app.packages, and deploy"
    )
    os.execve(psql, ["psql", *sys.argv[1:]], {**os.environ, **found})  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
