"""Runs what does the work, and tells people what is done."""

import contextlib
import subprocess
import sys
from collections.abc import Mapping, Sequence

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Failed(Exception):
    """A command that failed; the text is what it said."""


def say(text: str) -> None:
    """A line for people. Nobody has to be there to read it: what was begun goes on to its end."""
    with contextlib.suppress(OSError):
        print(f"berth: {text}", file=sys.stderr, flush=True)


def run(command: Sequence[str], *, stdin: str = "", environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; Failed where it fails."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env={**ENVIRONMENT, **(environment or {})},
    )
    if done.returncode != 0:
        raise Failed(f"{done.stdout}\n{done.stderr}".strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def as_account(account: str, command: Sequence[str]) -> list[str]:
    """What belongs to an account, that account changes: root would follow its links."""
    return ["runuser", "-u", account, "--", *command]


def last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
