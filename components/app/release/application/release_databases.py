"""Berth: what a release has to migrate, in which of the project's databases."""

import functools

from django.conf import settings
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

DEFAULT = "default"


def aliases():
    """The names of all that are databases, in Django's order with the default one first."""
    there = [alias for alias in connections if "dummy" not in settings.DATABASES.get(alias, {}).get("ENGINE", "dummy")]
    return sorted(there, key=lambda alias: alias != DEFAULT)


def of_the_release():
    """All migrations that the release has."""
    is_there = DEFAULT in aliases()
    loader = _executor(DEFAULT).loader if is_there else MigrationLoader(None, ignore_no_migrations=True)
    return loader.disk_migrations


@functools.cache
def _executor(alias):
    return MigrationExecutor(connections[alias])


def plans():
    """Each database that has something to migrate, with what that is. Only one that may have is connected to."""
    seen = []
    for alias in aliases():
        place = [settings.DATABASES[alias].get(key) for key in ("ENGINE", "HOST", "PORT", "NAME")]
        if place in seen:
            continue
        seen.append(place)
        plan = _default_plan() if alias == DEFAULT else _plan(alias)
        if plan:
            yield alias, plan


def _default_plan():
    return _pending(_executor(DEFAULT))


def _plan(alias):
    """Nothing for one that is none of the project's own to migrate: a copy, or what another program keeps."""
    if settings.DATABASES[alias].get("TEST", {}).get("MIRROR"):
        return []
    wanted = [_is_wanted(alias, migration) for migration in of_the_release().values()]
    if True in wanted:
        executor = _executor(alias)
    elif None in wanted:
        # No router speaks of it: it is migrated where somebody has begun to.
        try:
            executor = _executor(alias)
            if not executor.recorder.has_table():
                return []
        except Exception:  # noqa: BLE001  # Whether it can be reached is for the application to say.
            return []
    else:
        return []
    if _is_read_only(connections[alias]):
        return []
    return [migration for migration in _pending(executor) if _is_wanted(alias, migration) is not False]


def _pending(executor):
    return [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def _is_wanted(alias, migration):
    """Whether routers want anything of it in a database; None where they do not say, which Django takes for yes."""
    answers = {_answer(alias, migration.app_label, operation) for operation in _operations(migration.operations)}
    return True if True in answers else None if None in answers else False


def _operations(operations):
    for operation in operations:
        if hasattr(operation, "database_operations"):
            yield from _operations(operation.database_operations)
        else:
            yield operation


def _answer(alias, app, operation):
    name = getattr(operation, "model_name", None) or getattr(operation, "name", None)
    hints = getattr(operation, "hints", None)
    if hints is None:
        hints = {"model_name": name.lower()} if isinstance(name, str) else {}
    for one in router.routers:
        ask = getattr(one, "allow_migrate", None)
        answer = ask(alias, app, **hints) if ask else None
        if answer is not None:
            return bool(answer)
    return None


def _is_read_only(connection):
    """Such as a replica, which gets what its primary has."""
    question = {"postgresql": "SHOW transaction_read_only", "mysql": "SELECT @@global.read_only"}.get(connection.vendor)
    if question is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0] in ("on", 1)
