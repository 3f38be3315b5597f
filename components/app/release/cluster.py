"""The PostgreSQL of this host, as its superuser: databases are made, renamed and dropped."""

import json

from .context import Context
from .faults import Stop
from .world import Command

# What stands in a database, and how its sessions begin, its owner decides (CVE-2018-1058).
_OPTIONS = "-c search_path=pg_catalog -c role=none -c default_transaction_read_only=off -c lock_timeout=60s"


class Cluster:
    """All names are those of the stack, or have been looked at."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def has(self, database: str) -> bool:
        return self._ask(f"SELECT 1 FROM pg_database WHERE datname = '{database}'") == ["1"]  # noqa: S608

    def drop(self, database: str) -> None:
        if self.has(database):
            self._ask(f'DROP DATABASE "{database}" WITH (FORCE)')

    def extensions_of_superuser(self, database: str) -> dict[str, str]:
        """The schema of each that the superuser has made there."""
        found = self._ask(
            "SELECT json_build_object(extname, nspname) FROM pg_extension "
            "JOIN pg_namespace place ON place.oid = extnamespace WHERE extowner = 10 AND extname <> 'plpgsql'",
            database,
        )
        told: dict[str, str] = {}
        for line in found:
            told |= json.loads(line)
        return told

    def make(self, database: str, *, like: str, extensions: dict[str, str]) -> None:
        """An empty one with the owner and the locale of another, and these extensions, by their schemas."""
        [line] = self._ask(
            "SELECT json_build_array(pg_get_userbyid(datdba), datcollate, datctype) "  # noqa: S608
            f"FROM pg_database WHERE datname = '{like}'"
        )
        owner, collate, ctype = (one.replace("'", "''") for one in json.loads(line))
        self._ask(
            f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING UTF8 LC_COLLATE '{collate}' LC_CTYPE '{ctype}'"
        )
        # Nobody else is in it while scripts of extensions run as the superuser.
        self._ask(f'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC')
        for name, schema in extensions.items():
            if schema not in ("public", "pg_catalog"):
                self._ask(f'CREATE SCHEMA IF NOT EXISTS "{schema}"', database)
                self._ask(f'GRANT USAGE ON SCHEMA "{schema}" TO PUBLIC', database)
            self._ask(f'CREATE EXTENSION IF NOT EXISTS "{name}" SCHEMA "{schema}" CASCADE', database)
        # The loader knows faults by their English text.
        self._ask(f"ALTER DATABASE \"{database}\" SET lc_messages TO 'C'")
        self._ask(f'ALTER DATABASE "{database}" OWNER TO "{owner}"')
        self._ask(f'GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO PUBLIC')

    def rename(self, database: str, name: str) -> None:
        self._ask(f'ALTER DATABASE "{database}" RENAME TO "{name}"')

    def swap(self, database: str, aside: str, wanted: str) -> None:
        """Gives one database's name to another, and a name aside to the one that had it: both or neither."""
        names = f"'{database}', '{wanted}'"
        try:
            for one in (database, wanted):
                self._ask(f'ALTER DATABASE "{one}" ALLOW_CONNECTIONS false')
            self._ask(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "  # noqa: S608
                f"WHERE datname IN ({names}) AND pid <> pg_backend_pid()"
            )
            self._ask(
                f'BEGIN; ALTER DATABASE "{database}" RENAME TO "{aside}"; '
                f'ALTER DATABASE "{wanted}" RENAME TO "{database}"; COMMIT'
            )
        finally:
            for one in (database, aside, wanted):
                if self.has(one):
                    self._ask(f'ALTER DATABASE "{one}" ALLOW_CONNECTIONS true')
        self._ask(f'ALTER DATABASE "{database}" RESET lc_messages')

    def _ask(self, query: str, database: str = "postgres") -> list[str]:
        lines: list[str] = []
        errors: list[str] = []

        def listen(line: str, is_error: bool) -> None:
            (errors if is_error else lines).append(line)

        # Debian's own 'psql' reads the cluster's settings first, which postgres may make anything of.
        programs = sorted(self._context.world.path("/usr/lib/postgresql").glob("*/bin/psql"))
        words = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", query]
        command = Command([str(programs[-1]), *words], account="postgres", environment={"PGOPTIONS": _OPTIONS})
        status = self._context.world.run(command, listen, apart=True)
        if status != 0:
            self._context.voice.refuse_full_disk()
            raise Stop(f"PostgreSQL refuses '{query.split(';')[0]}': {errors[0] if errors else f'status {status}'}")
        return lines
