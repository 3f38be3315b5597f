"""What units of the application have printed since this run began."""

from collections.abc import Sequence

from .context import Context
from .world import Command

_MOST = 2000


def printed(context: Context, units: Sequence[str], *, at_once: bool = False) -> list[str]:
    """The last lines of their own programs, without secrets, and without tracebacks of what was told to end.

    :param at_once: whether people wait, and the very last ones may be missing
    """
    lines: list[str] = []
    if not at_once:
        # systemd tells that a unit has ended, or runs, before journald has read what it printed.
        context.world.run(Command(["timeout", "10", "journalctl", "--sync"]), lambda *_: None)
    chosen = [word for unit in units for word in ("-u", unit)]
    command = Command([*_ask(context), *chosen])
    context.world.run(command, lambda line, _: lines.append(context.voice.mask(line)), apart=True)
    return without_interrupted(lines)


def of_systemd(context: Context, unit: str) -> list[str]:
    """What systemd has to say of a unit."""
    lines: list[str] = []
    command = Command([*_ask(context), "_PID=1", f"UNIT={unit}"])
    context.world.run(command, lambda line, _: lines.append(line), apart=True)
    return lines


def _ask(context: Context) -> list[str]:
    since = f"@{int(context.began)}"
    return ["journalctl", "--since", since, "-o", "cat", "--no-pager", "-q", "-n", f"{_MOST}"]


def without_interrupted(lines: list[str]) -> list[str]:
    """Without the tracebacks of Python programs that were interrupted.

    A uWSGI whose first worker fails ends the others, and each of them says at length where it was.
    """
    kept: list[str] = []
    held: list[str] | None = None
    for line in lines:
        if line.startswith("Traceback "):
            kept += held or []
            held = [line]
        elif held is None:
            kept.append(line)
        else:
            held.append(line)
            if not line.startswith(" "):
                if not line.startswith("KeyboardInterrupt"):
                    kept += held
                held = None
    return kept + (held or [])
