"""Berth: what a release asks of Django before it goes live, in one process: django_release.py WHAT[:MORE…]…"""

import gc
import io
import os
import re
import sys

import database_dump
import django
import own_settings
import release_databases
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connections

# By which the step knows what failed.
statuses = {"project": 7, "check": 3, "migrations": 4, "static": 5, "dump": 6}


def project():
    own_settings.tell()


def check(*tags):
    """What 'check --deploy' finds is shown; an error ends the release."""
    try:
        call_command("check", deploy=True, tags=tags or None, stdout=io.StringIO(), stderr=sys.stdout)
    except DatabaseError:
        # A check of the application's own reads a table that is still to be made, or to be changed.
        if "migrations" not in sys.argv or not any(release_databases.plans()):
            raise
        print("the check waits for the migrations")


def migrations():
    """Names all that the release has, and what of it is not applied yet."""
    if not release_databases.aliases():
        return
    for key in sorted(release_databases.of_the_release()):
        print(f"has the migration: {'.'.join(key)}")
    for alias, plan in release_databases.plans():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", alias):
            raise RuntimeError(
                f"the database '{alias}' of DATABASES has a name of other characters than A-Z a-z 0-9 _ -"
            )
        where = "" if alias == release_databases.DEFAULT else f" in {alias}"
        for migration in plan:
            print(f"to migrate{where}: {migration.app_label}.{migration.name}")


def static():
    if not apps.is_installed("django.contrib.staticfiles"):
        print("static files are collected", flush=True)
        return
    own_settings.refuse_other_place()
    call_command("collectstatic", interactive=False, verbosity=0)
    # The step takes them while this goes on.
    print("static files are collected", flush=True)


def dump(alias=release_databases.DEFAULT):
    connection = connections[alias]
    wanted = connection.settings_dict
    if connection.vendor == "postgresql":
        database_dump.dump(*(wanted.get(key) for key in ("HOST", "PORT", "USER", "NAME", "PASSWORD")))
    elif connection.vendor == "sqlite":
        database_dump.dump_sqlite(wanted["NAME"])
    else:
        sys.exit(f"the database '{alias}' is {connection.vendor}, and only PostgreSQL and SQLite are dumped")


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
