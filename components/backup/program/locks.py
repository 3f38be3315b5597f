"""What must not happen at the same time."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from commands import say
from plan import Trouble

# What whoever holds the lock of the steps is at, as it stands in its file.
_RESTORE = "restore\n"


@contextlib.contextmanager
def host_lock() -> Iterator[None]:
    """The lock of the steps: a deployment waits for a restore, and a restore for a deployment."""
    path = Path("/run/berth.lock")
    what = "another restore" if path.exists() and path.read_text() == _RESTORE else "a deployment"
    with _locked(path, 120, f"{what} is under way on this host"):
        path.write_text(_RESTORE)
        try:
            yield
        finally:
            path.write_text("")


@contextlib.contextmanager
def backup_lock() -> Iterator[None]:
    """One at a time works with the place."""
    with _locked(Path("/run/berth-backup.lock"), 3600, "a backup is being made"):
        yield


@contextlib.contextmanager
def drill_lock() -> Iterator[None]:
    """One drill at a time. Backups go on meanwhile, and a restore ends it."""
    with _locked(Path("/run/berth-drill.lock"), 0, "a drill is under way"):
        yield


@contextlib.contextmanager
def _locked(path: Path, seconds: float, held: str) -> Iterator[None]:
    # No other account can open it, or it could hold the lock.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + seconds
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as fault:
                if time.monotonic() > end:
                    raise Trouble(held, "Try again when it has ended.") from fault
            if not told:
                say(f"{held}; waiting for its end")
                told = True
            time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)
