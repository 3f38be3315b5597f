"""Runs what does the work, and tells people what is done."""

import contextlib
import subprocess
import sys
from collections.abc import Mapping, Sequence

from words import printable

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Failed(Exception):
    """A command that failed; the text is what it said."""


def say(text: str) -> None:
    """A line for people. Nobody has to be there to read it: what was begun goes on to its end."""
    with contextlib.suppress(OSError):
        print(f"berth: {printable(text)}", file=sys.stderr, flush=True)


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
        # What it printed of its work may hold names that others chose.
        raise Failed(done.stderr.strip() or done.stdout.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def as_account(account: str, command: Sequence[str], group: str | None = None) -> list[str]:
    """What belongs to an account, that account changes: root would follow its links.

    @param group: the group that what it makes belongs to, in place of its own, for this command
    """
    groups = [] if group is None else ["-g", group, "-G", account]
    return ["runuser", "-u", account, *groups, "--", *command]


def read_as(account: str, command: Sequence[str]) -> str:
    """What a command reads as an account, in whose directories a pipe may lie that nobody writes to."""
    return run(as_account(account, ["timeout", "--kill-after=1", "15", *command]))


# Links in a directory that is given lead nowhere for the command: whoever owns it may put one in the place of a
# directory at any moment, and root would follow it. See 'nosymfollow' of mount(8).
_WITHOUT_LINKS = """
count=$1
shift
while [ "$count" -gt 0 ]; do
  mount --bind "$1" "$1"
  mount --options remount,bind,nosymfollow "$1"
  shift
  count=$((count - 1))
done
exec "$@"
"""


def without_links(directories: Sequence[str], command: Sequence[str]) -> list[str]:
    """The command, by which no link below these directories is followed."""
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", _WITHOUT_LINKS, "without-links"]
    return [*words, f"{len(directories)}", *directories, *command]


def last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
