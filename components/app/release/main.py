"""The program's commands.

Steps use prepare, live, front and give-up; systemd uses start, tidy and hook; people use status, import and
import-undo; what was cut off of those is ended by import-recover.
"""

import json
import os
import sys
from pathlib import Path

from . import arrival, boot, facts, hooks, import_data, live, pages, status, tidy
from . import prepare as preparing
from .context import Context
from .faults import Stop
from .host import Host, quiet_signals

_OF_STEPS = ("prepare", "live", "front", "give-up")
_OTHERS = ("start", "tidy", "hook", "status", "import", "import-undo", "import-recover")
_USAGE = f"expected {' STEP, '.join(_OF_STEPS)} STEP PROCESS…, {', '.join(_OTHERS)}"


def main(home: Path) -> int:
    """Runs the command that the arguments name; what is told of the application lies next to the program."""
    application = facts.application(json.loads((home / "application.json").read_text()))
    command, step, *rest = [*sys.argv[1:], "", ""][: max(2, len(sys.argv) - 1)]
    in_step = command in _OF_STEPS
    if not in_step and command not in _OTHERS:
        print(f"berth-release: {_USAGE}; found '{' '.join(sys.argv[1:])}'", file=sys.stderr)
        return 64
    quiet_signals()
    os.umask(0o077)
    name = step if in_step else f"{application.name}-{command}"
    context = Context(Host(in_step), application, name, os.environ.get("SUDO_USER", "root"), _address())
    try:
        return _run(context, command, rest if in_step else [step, *rest])
    except Exception as fault:  # noqa: BLE001  # Whatever it is, the step says it in one line.
        context.voice.fail(context.as_stop(fault))
        return 1


def _run(context: Context, command: str, rest: list[str]) -> int:
    if command == "prepare":
        preparing.prepare(context, facts.prepare(json.load(sys.stdin)))
    elif command == "live":
        live.go_live(context, facts.live(json.load(sys.stdin)))
    elif command == "front":
        pages.prove_door(context, facts.front(json.load(sys.stdin)))
    elif command == "give-up":
        unit = boot.give_up(context, rest)
        if unit:
            raise Stop(
                f"{unit} runs on another host from now on, and cannot be stopped here.",
                f"See 'systemctl status {unit}' on the host, then run 'pulumi up' again.",
            )
    elif command == "start":
        boot.start(context)
    elif command == "tidy":
        tidy.tidy(context)
    elif command == "hook":
        hooks.run(context, rest[0])
    elif command == "import":
        import_data.run(context, arrival.Arrival(sys.stdin.buffer))
    elif command == "import-undo":
        import_data.undo(context, arrival.Arrival(sys.stdin.buffer))
    elif command == "import-recover":
        import_data.recover(context)
    else:
        print(status.status(context))
    return 0


def _address() -> str:
    """Whose connection it is: that of the login above sudo."""
    process = os.getppid()
    for _ in range(6):
        try:
            environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
            parent = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            return ""
        for variable in environment:
            if variable.startswith(b"SSH_CLIENT="):
                return variable.partition(b"=")[2].split(b" ")[0].decode(errors="replace")
        process = int(parent)
        if process <= 1:
            return ""
    return ""
