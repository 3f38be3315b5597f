"""What bounds a drill: it never takes the last space of the site's disk, and it ends."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from commands import ENVIRONMENT, Failed
from plan import Trouble

MIB = 1 << 20
# In seconds. The next drill is a week later.
LONGEST = 6 * 3600
# What stays free of a disk, whatever a drill needs: with less than 10 % it is nearly full (see components/system).
_SHARE, _LEAST = 0.1, 512 * MIB
# What the log takes that is followed, and what is made on the way.
_LOG = 512 * MIB


class Room:
    """The space of the file system that a drill restores into."""

    """@param what: what it is that restores"""

    def __init__(
        self, place: Path, look: Callable[[Path], os.statvfs_result] = os.statvfs, what: str = "drill"
    ) -> None:
        self._place = place
        self._look = look
        self.what = what

    def _facts(self) -> tuple[int, int]:
        found = self._look(self._place)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def refuse_without(self, size: int) -> None:
        """@param size: of the database, in bytes"""
        free, whole = self._facts()
        need, kept = int(size * 1.1) + _LOG, max(int(whole * _SHARE), _LEAST)
        if free - need < kept:
            raise Trouble(
                f"the disk has {free // MIB} MiB left: a {self.what} needs {need // MIB} MiB, "
                f"and {kept // MIB} MiB stay free for the site",
                "Free some space on the host or give it a larger disk. Nothing was restored.",
            )

    def refuse_full(self) -> None:
        """The site may fill the disk meanwhile."""
        free, whole = self._facts()
        if free < max(int(whole * _SHARE), _LEAST) // 2:
            raise Trouble(
                f"the disk has {free // MIB} MiB left, which the site may need: the {self.what} was given up",
                "Free some space on the host or give it a larger disk.",
            )


class Watch:
    """Runs what a drill is made of. What is under way ends where the disk fills up, or the time is over."""

    def __init__(self, room: Room, seconds: float = LONGEST) -> None:
        self._room = room
        self._end = time.monotonic() + seconds
        self._seconds = seconds

    def look(self) -> None:
        self._room.refuse_full()
        if time.monotonic() > self._end:
            raise Trouble(
                f"the {self._room.what} did not end within {self._seconds / 3600:g} hours",
                "See the host's load and its disk.",
            )

    def run(self, command: Sequence[str], *, stdin: str = "", environment: Mapping[str, str] | None = None) -> str:
        """What a command prints; Failed where it fails."""
        with self.started(command, stdin=subprocess.PIPE, environment=environment) as process:
            text: bytes | None = stdin.encode()
            while True:
                try:
                    told, said = process.communicate(text, timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    text = None
                    self.look()
        if process.returncode != 0:
            words = said.decode(errors="replace").strip() or told.decode(errors="replace").strip()
            raise Failed(words or f"{command[0]} ended with {process.returncode}")
        return told.decode(errors="replace")

    @contextlib.contextmanager
    def started(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        output: int = subprocess.PIPE,
        errors: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process that ends with the block, and what it has begun with it."""
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=output,
            stderr=output if errors is None else errors,
            cwd="/",
            env={**ENVIRONMENT, **(environment or {})},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
