"""All that the program knows of the world outside. host.py is the real one; the tests have another."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .asking import Answer


@dataclasses.dataclass(frozen=True)
class Command:
    """A program to run: as root, or as an account, with a clean environment and a session of its own."""

    argv: Sequence[str]
    account: str | None = None
    # Where it runs; nobody but root may be able to change what lies above it.
    directory: Path | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    umask: int = 0o027


# Each line that a program prints; whether it came by standard error, where the two are asked for apart.
Listener = Callable[[str, bool], None]


class World(Protocol):
    # Which boot this is (random(4), boot_id).
    boot: str

    def path(self, path: str) -> Path:
        """Where an absolute path of the host lies."""

    def checkpoint(self) -> None:
        """Comes before every change. Raises where this run has lost the lock."""

    def take_lock(self, *, wait: bool = True) -> bool:
        """Takes the lock of the steps. Without waiting it may not be had."""

    def drop_lock(self) -> None: ...

    def now(self) -> float:
        """Seconds, of a clock that only goes forward."""

    def time(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float) -> None: ...

    def refuse_open(self, path: Path) -> None:
        """Ends the program where another account can put anything else in the place of a directory above the path."""

    def chown(self, path: Path, owner: str) -> None:
        """Makes the file, which is no link, belong to `USER:GROUP`."""

    def owner(self, path: Path) -> str:
        """`USER:GROUP`."""

    def user_id(self, account: str) -> int: ...

    def home(self, account: str) -> str:
        """The home directory of an account."""

    def free(self) -> Sequence[tuple[str, int]]:
        """The file systems that the program writes to, and how many KiB each has left."""

    def give_space_back(self) -> Sequence[str]:
        """What is set aside on disks that are full is given back (components/system/space.py); what that was."""

    def sync(self, path: Path) -> None:
        """Everything on this file system reaches the disk (syncfs(2))."""

    def run(
        self,
        command: Command,
        listen: Listener,
        *,
        stdin: Path | None = None,
        stdout: Path | None = None,
        apart: bool = False,
    ) -> int:
        """Runs a program to its end; its status."""

    def pipe(self, one: Command, other: Command, listen: Listener) -> int:
        """Runs two programs, the output of the one being the input of the other; the status of what failed first."""

    def systemctl(self, *arguments: str) -> tuple[int, str]:
        """Its status and what it printed on standard output."""

    def ask(self, socket: Path, domain: str, scheme: str, path: str, seconds: float) -> int:
        """The status with which an application answers at its socket; 0 where it does not."""

    def ask_front(self, domain: str, scheme: str, path: str) -> int:
        """The status that visitors get from this host; 0 where they get none."""

    def page(self, socket: Path | None, domain: str, scheme: str, path: str, seconds: float) -> Answer:
        """What an application answers at its socket, or without one what visitors get from this host."""

    def waiting(self, socket: Path) -> int:
        """How many connections wait at a listening socket to be taken."""

    def exchange(self, host: str, port: int, tls: bool, words: bytes) -> bytes:
        """What a service at an address answers first. Raises OSError where it does not."""
