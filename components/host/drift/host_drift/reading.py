"""All that is read and run on the host; tests have another root and other answers.

Another account may have put anything in the place of a file since it was made, so no link is followed on the way to it,
and what is not root's alone is not shown.
"""

import contextlib
import dataclasses
import os
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# How long a command may take, in seconds.
PATIENCE = 5
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


class Unlooked(Exception):  # It is an answer as well.
    """What could not be looked at, and why."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where something is: the directory it lies in, opened, and its name there."""

    directory: int
    name: str
    # Nobody but root can put anything else there.
    closed: bool

    def stat(self) -> os.stat_result:
        return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)

    def link(self) -> str:
        return os.readlink(self.name, dir_fd=self.directory)

    def open(self) -> int:
        # A pipe in its place would be waited for.
        return os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.directory)


class Root:
    def __init__(self, path: str = "/", run: Callable[[Sequence[str]], str] | None = None) -> None:
        self._path = path
        self._owner = os.stat(path).st_uid
        self.run = run or answer_of

    @contextlib.contextmanager
    def place(self, path: str) -> Iterator[Place]:
        """Raises NotADirectoryError where a link, or anything else, stands in the place of a directory above it."""
        *above, name = path.strip("/").split("/")
        directory = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        closed = True
        try:
            for part in above:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(part, flags, dir_fd=directory)
                os.close(directory)
                directory = below
                closed = closed and self._is_closed(os.fstat(directory))
            yield Place(directory, name, closed)
        finally:
            os.close(directory)

    def _is_closed(self, found: os.stat_result) -> bool:
        group_is_root = found.st_gid == 0 and not found.st_mode & stat.S_IWOTH
        return found.st_uid == self._owner and (not found.st_mode & _WRITABLE or group_is_root)

    def own(self, path: str) -> str | None:
        """A file below a directory that is root's alone."""
        try:
            return Path(self._path, path.lstrip("/")).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def names(self, path: str) -> list[str]:
        """What lies in a directory; nothing where there is none, or a link to one."""
        try:
            with self.place(f"{path}/.") as place:
                return sorted(os.listdir(place.directory))
        except OSError:
            return []


def answer_of(command: Sequence[str]) -> str:
    """What a command prints; it must not fail."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as fault:
        raise Unlooked(f"{name} did not answer in {PATIENCE} s") from fault
    except OSError as fault:
        raise Unlooked(f"{name}: {fault.strerror}") from fault
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise Unlooked(f"{name} ended with {done.returncode}: {said}")
    return done.stdout
