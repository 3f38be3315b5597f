"""All that is read and run on the host; tests have another root and other answers."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# How long a command or a connection may take, in seconds.
PATIENCE = 5
Facts = Mapping[str, object]
# What a container has of its computer is not the host's own.
IN_CONTAINER = "run/systemd/container"


class Unknown(Exception):  # It is a fact as well.
    """What could not be found out, and why."""


class Late(Unknown):
    """There was no answer in time."""


class Host:
    """All that is read and run on the host; tests have another root and other answers."""

    def __init__(self, root: Path = Path("/"), run: Callable[[Sequence[str]], str] | None = None) -> None:
        self._root = root
        self.run = run or answer_of

    def path(self, path: str) -> Path:
        return self._root / path

    def text(self, path: str) -> str:
        """A file; nothing where there is none."""
        try:
            return self.path(path).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def since(self, path: str) -> float | None:
        """When a file was last written, in seconds since 1970."""
        try:
            return self.path(path).stat().st_mtime
        except OSError:
            return None

    def names(self, pattern: str) -> list[str]:
        return sorted(path.name for path in self._root.glob(pattern))


def answer_of(command: Sequence[str]) -> str:
    """What a command prints; it must not fail."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "3"}
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
        raise Late(f"{Path(command[0]).name} did not answer in {PATIENCE} s") from fault
    except OSError as fault:
        raise Unknown(f"{Path(command[0]).name}: {fault.strerror}") from fault
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise Unknown(f"{Path(command[0]).name} ended with {done.returncode}: {said}")
    return done.stdout
