"""Whether the live release fits the restored database: Django's 'migrate --check', as the application's account."""

from closed import Closed
from plan import Django, Plan, Trouble
from scratch import Served
from watch import Watch

_UNIT = "berth-backup-drill-django"
_UNAPPLIED, _ELSEWHERE = 11, 12

# 'migrate --check' ends with 1 for what is unapplied, and so does much else.
_CODE = f"""
import sys, django
django.setup()
from django.core.management import call_command
from django.db import connection
told = connection.settings_dict
if connection.vendor != "postgresql" or told.get("HOST") not in ("127.0.0.1", "localhost", "::1", "[::1]"):
    sys.exit({_ELSEWHERE})
connection.ensure_connection()
try:
    call_command("migrate", check_unapplied=True, interactive=False, verbosity=1)
except SystemExit as end:
    sys.exit({_UNAPPLIED} if end.code else 0)
"""


class Unapplied(Trouble):
    """The restored database lacks migrations that the live release has."""


def check_migrations(plan: Plan, django: Django, served: Served, watch: Watch) -> str | None:
    """Why they were not checked; None where they were, and all are applied."""
    # It ends with the drill.
    closed = Closed(plan.application, django, served, watch, "berth-backup-drill.service", 600)
    status, said = closed.run(_UNIT, [django.program, "-c", _CODE])
    if status == 0:
        return None
    if status == _ELSEWHERE:
        return "the application's database is not the one that is backed up"
    last = (said.strip().splitlines() or ["it said nothing"])[-1][:300]
    if status == _UNAPPLIED:
        raise Unapplied(f"the live release has migrations that the restored database has not: {last}")
    raise Trouble(f"the application cannot use the restored database: {last}")
