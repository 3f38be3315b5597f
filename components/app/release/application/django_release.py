"""Berth: what a release asks of Django before it goes live, in one process: django_release.py WHAT[:MORE…]…"""

import gc
import io
import os
import sys

import database_dump
import django
import own_settings
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# By which the step knows what failed.
statuses = {"project": 7, "check": 3, "migrations": 4, "static": 5, "dump": 6}


def project():
    own_settings.tell()


def check(*tags):
    """What 'check --deploy' finds is shown; an error ends the release."""
    call_command("check", deploy=True, tags=tags or None, stdout=io.StringIO(), stderr=sys.stdout)


def migrations():
    """Names all that the release has, and what of it is not applied yet."""
    if not settings.DATABASES or "dummy" in connection.settings_dict["ENGINE"]:
        return
    executor = MigrationExecutor(connection)
    for key in sorted(executor.loader.disk_migrations):
        print(f"has the migration: {'.'.join(key)}")
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print(f"to migrate: {migration.app_label}.{migration.name}")


def static():
    if not apps.is_installed("django.contrib.staticfiles"):
        print("static files are collected", flush=True)
        return
    own_settings.refuse_other_place()
    call_command("collectstatic", interactive=False, verbosity=0)
    # The step takes them while this goes on.
    print("static files are collected", flush=True)


def dump():
    wanted = connection.settings_dict
    if connection.vendor == "postgresql":
        database_dump.dump(*(wanted.get(key) for key in ("HOST", "PORT", "USER", "NAME", "PASSWORD")))
    elif connection.vendor == "sqlite":
        database_dump.dump_sqlite(wanted["NAME"])
    else:
        sys.exit(f"the database is {connection.vendor}, and only PostgreSQL and SQLite are dumped")


sys.path.insert(0, os.getcwd())
what = ""
try:
    for question in sys.argv[1:]:
        what, *more = question.split(":")
        if question == sys.argv[1]:
            # What is loaded stays; looking for garbage in it takes a tenth of the time.
            gc.disable()
            if "static" in sys.argv[1:]:
                own_settings.lead_static_files()
            django.setup()
            gc.enable()
        globals()[what](*more)
except SystemCheckError as error:
    print(error, file=sys.stderr)
    sys.exit(statuses[what])
except Exception:  # noqa: BLE001  # Whatever it is, the step shows it.
    sys.excepthook(*sys.exc_info())
    sys.exit(statuses[what])
