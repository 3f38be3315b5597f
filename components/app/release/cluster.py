"""The PostgreSQL of this host, as its superuser: databases are made, renamed and dropped."""

import json

from .context import Context
from .faults import Stop
from .world import Command

# What stands in a database, and how its sessions begin, its owner decides (CVE-2018-1058).
_OPTIONS = (
    "-c search_path=pg_catalog -c role=none -c default_transaction_read_only=off "
    "-c lock_timeout=60s -c statement_timeout=0 -c transaction_timeout=0"
)


def identifier(name: str) -> str:
    """Quoted: whoever owns a database names what is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Cluster:
    """A name is quoted wherever it comes from."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def has(self, database: str) -> bool:
        return self._ask(f"SELECT 1 FROM pg_database WHERE datname = {literal(database)}") == ["1"]  # noqa: S608

    def drop(self, database: str) -> None:
        if self.has(database):
            # Its owner may have made it one.
            self._ask(f"ALTER DATABASE {identifier(database)} IS_TEMPLATE false")
            self._ask(f"DROP DATABASE {identifier(database)} WITH (FORCE)")

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
            "SELECT json_build_array(datcollate, datctype) "  # noqa: S608
            f"FROM pg_database WHERE datname = {literal(like)}"
        )
        collate, ctype = (literal(one) for one in json.loads(line))
        name = identifier(database)
        self._ask(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING UTF8 LC_COLLATE {collate} LC_CTYPE {ctype}")
        # Nobody else is in it while scripts of extensions run as the superuser.
        self._ask(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        # The one in which extensions lie here, too: nobody else may make it.
        for schema in sorted({*extensions.values(), "extensions"} - {"public", "pg_catalog"}) if extensions else []:
            self._ask(f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)}", database)
            self._ask(f"GRANT USAGE ON SCHEMA {identifier(schema)} TO PUBLIC", database)
        for extension, schema in extensions.items():
            wanted = f"{identifier(extension)} SCHEMA {identifier(schema)}"
            self._ask(f"CREATE EXTENSION IF NOT EXISTS {wanted} CASCADE", database)
        # The loader knows faults by their English text.
        self._ask(f"ALTER DATABASE {name} SET lc_messages TO 'C'")
        self._ask(f"ALTER DATABASE {name} OWNER TO {identifier(self._owner(like))}")
        self._ask(f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO PUBLIC")

    def gather(self, database: str, extensions: dict[str, str], usual: dict[str, str]) -> None:
        """Puts extensions where others lie here: out of schemas of another server's, which no session looks into, and
        out of the one that belongs to the application.

        Some, such as PostGIS, cannot be moved.

        :param usual: the schema that each lies in on this server
        """
        found = "SELECT 1 FROM pg_extension WHERE extrelocatable AND extname ="
        for name, schema in extensions.items():
            if schema in ("extensions", usual[name]):
                continue
            if self._ask(f"{found} {literal(name)}", database) == ["1"]:
                self._ask(f"ALTER EXTENSION {identifier(name)} SET SCHEMA extensions", database)
            elif schema != "public":
                raise Stop(
                    f"the extension '{name}' lies in the schema '{schema}' in the dump, "
                    "where the application would not find it here, and it cannot be moved.",
                    f"On the old server, make a database in which '{name}' lies in 'public', and dump that.",
                )

    def rename(self, database: str, name: str) -> None:
        self._ask(f"ALTER DATABASE {identifier(database)} RENAME TO {identifier(name)}")

    def swap(self, database: str, aside: str, wanted: str) -> None:
        """Gives one database's name to another, and a name aside to the one that had it: both or neither.

        What lies aside belongs to the superuser: nobody else may drop it.
        """
        owner = self._owner(database)
        try:
            for one in (database, wanted):
                self._ask(f"ALTER DATABASE {identifier(one)} ALLOW_CONNECTIONS false")
            self._ask(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "  # noqa: S608
                f"WHERE datname IN ({literal(database)}, {literal(wanted)}) AND pid <> pg_backend_pid()"
            )
            self._ask(
                f"BEGIN; ALTER DATABASE {identifier(database)} RENAME TO {identifier(aside)}; "
                f"ALTER DATABASE {identifier(wanted)} RENAME TO {identifier(database)}; "
                f"ALTER DATABASE {identifier(aside)} OWNER TO postgres; "
                f"ALTER DATABASE {identifier(database)} OWNER TO {identifier(owner)}; COMMIT"
            )
        finally:
            for one in (database, aside, wanted):
                if self.has(one):
                    self._ask(f"ALTER DATABASE {identifier(one)} ALLOW_CONNECTIONS true")
        self._ask(f"ALTER DATABASE {identifier(database)} RESET lc_messages")

    def _owner(self, database: str) -> str:
        [owner] = self._ask(
            f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = {literal(database)}"  # noqa: S608
        )
        return owner

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
