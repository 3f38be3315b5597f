"""The host as this program needs it: files, commands, locks, the clock. Tests have another root and other answers."""

import contextlib
import dataclasses
import fcntl
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path


class Fault(Exception):
    """What is wrong, and what to do, for a person."""


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    said: str


Run = Callable[[Sequence[str], Mapping[str, str], float], Answer]


class Machine:
    def __init__(self, root: Path = Path("/"), run: Run | None = None, now: Callable[[], float] = time.time) -> None:
        self.root = root
        self.now = now
        self._run = run or answer_of

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """A file; nothing where there is none."""
        try:
            return self.path(path).read_text()
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def run(self, *command: str, environment: Mapping[str, str] | None = None, seconds: float = 60) -> Answer:
        return self._run(command, environment or {}, seconds)


def answer_of(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> Answer:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **environment},
        )
    except subprocess.TimeoutExpired:
        return Answer(-1, f"{command[0]} did not end in {seconds:g} s")
    except OSError as fault:
        return Answer(-1, f"{command[0]}: {fault.strerror}")
    return Answer(done.returncode, done.stdout)


@contextlib.contextmanager
def alone(path: Path, seconds: float = 120) -> Iterator[None]:
    """One at a time. No other account can open the file, or it could hold the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(handle, 0o600)
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as fault:
                if time.monotonic() > end:
                    raise Fault(f"another run holds {path}. Try again when it has ended.") from fault
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """In one rename, and only after it is on the disk."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".berth-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def link(path: Path, target: str) -> None:
    """Makes a link, or makes it lead elsewhere, in one rename."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    os.symlink(target, new)
    os.replace(new, path)
