"""Whether the live release fits the restored database: Django's 'migrate --check', as the application's account.

It runs with the settings of the live release in the network of the scratch cluster, where 127.0.0.1 is that cluster and
nothing else answers. Of the host it sees no socket, and it writes nowhere: no mail is queued, no task is sent.
"""

from commands import Failed
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

_SHUT_IN = (
    "UMask=0077",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateIPC=yes",
    "ProtectProc=invisible",
    # The sockets of what runs on the host are there.
    "TemporaryFileSystem=/run:ro",
    "RuntimeMaxSec=600",
    "TasksMax=200",
    "MemoryMax=40%",
    "OOMScoreAdjust=900",
    "CPUWeight=10",
    "IOWeight=10",
    "IOSchedulingClass=idle",
    "Nice=19",
    # It ends with the drill, also with one that is killed.
    "BindsTo=berth-backup-drill.service",
)


class Unapplied(Trouble):
    """The restored database lacks migrations that the live release has."""


def check_migrations(plan: Plan, django: Django, served: Served, watch: Watch) -> str | None:
    """Why they were not checked; None where they were, and all are applied."""
    inside = [f"User={plan.application}", f"Group={plan.application}", *django.properties, *_SHUT_IN]
    inside.append(f"NetworkNamespacePath=/proc/{served.process}/ns/net")
    # What looks like a variable in an argument is the argument's own.
    fixed = ["--quiet", "--wait", "--pipe", "--collect", "--expand-environment=no", f"--unit={_UNIT}"]
    command = ["systemd-run", *fixed, *(f"--property={one}" for one in inside), "--", django.program, "-c", _CODE]
    status, said = _run(watch, command)
    if status == 0:
        return None
    if status == _ELSEWHERE:
        return "the application's database is not the one that is backed up"
    last = (said.strip().splitlines() or ["it said nothing"])[-1][:300]
    if status == _UNAPPLIED:
        raise Unapplied(f"the live release has migrations that the restored database has not: {last}")
    raise Trouble(f"the application cannot use the restored database: {last}")


def _run(watch: Watch, command: list[str]) -> tuple[int, str]:
    words = ["sh", "-c", '"$@" 2>&1; printf "\\n%s" "$?"', "status", *command]
    said, _, status = watch.run(words).rpartition("\n")
    if not status.isdigit():
        raise Failed("the application's check did not end")
    return int(status), said
