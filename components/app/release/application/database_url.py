"""Berth: how libpq reaches the database that a URL names."""

import urllib.parse

# By https://www.postgresql.org/docs/current/libpq-envars.html, the words of a URL's query that have one.
_VARIABLES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS", "host": "PGHOST"}


def environment(text):
    """Environment variables, which other accounts cannot read; None where it is no PostgreSQL."""
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
    return {**found, **{_VARIABLES[name]: value for name, value in query if name in _VARIABLES}}
