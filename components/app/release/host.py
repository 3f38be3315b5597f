"""The real world of the program: this host. See world.py."""

import fcntl
import grp
import os
import pwd
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from . import asking
from .faults import LostLock, Stop
from .world import Command, Listener

_LOCK = "/run/berth.lock"
_SPACE = "/usr/local/lib/berth/space"
# The file that a step of Berth has its lock in.
_LOCK_FD = 9
# What runs as another account leaves nothing running: in a process namespace of its own (pid_namespaces(7)) the kernel
# kills what is left when it ends, or when this program is killed.
_ALONE = "setpriv --pdeathsig KILL -- unshare --pid --fork --kill-child -- setpriv".split()
_LONGEST_LINE = 1 << 20
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Host:
    def __init__(self, in_step: bool) -> None:
        self.boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self._lock: int | None = None
        # Directories above which, and in which, root alone puts anything.
        self._closed: set[Path] = set()
        if in_step:
            # The lock lasts until both the step and this program have ended; no program that this one runs has it.
            os.set_inheritable(_LOCK_FD, False)
            self._lock = _LOCK_FD

    def path(self, path: str) -> Path:
        return Path(path)

    def checkpoint(self) -> None:
        if self._lock is None:
            return
        try:
            held, there = os.fstat(self._lock), os.stat(_LOCK)
            if (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino):
                return
        except OSError:
            pass
        raise LostLock(
            f"{_LOCK} is another file than this step has locked, so another run may be at work on this host.",
            "Nothing more was touched. Let nobody remove the file, and run 'pulumi up' again.",
        )

    def take_lock(self, *, wait: bool = True) -> bool:
        lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(lock)
            return False
        # Whoever was killed while holding it may have left what it was at.
        os.ftruncate(lock, 0)
        self._lock = lock
        return True

    def drop_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def now(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def refuse_open(self, path: Path) -> None:
        for above in path.parents:
            # What was root's alone stays so: nobody else could change that.
            if above in self._closed:
                return
            try:
                found = above.lstat()
            except FileNotFoundError:
                # Root makes it.
                continue
            by_group = found.st_mode & stat.S_IWGRP and found.st_gid != 0 and _has_members(found.st_gid)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & stat.S_IWOTH or by_group:
                raise Stop(
                    f"{above}, above {path}, was expected to be a directory that root alone can change; "
                    f"it belongs to {self.owner(above)}, with the mode {stat.S_IMODE(found.st_mode):o}.",
                    f"Give it back to root with 'chown root:root {above} && chmod go-w {above}' on the host.",
                )
        self._closed.update(path.parents)

    def chown(self, path: Path, owner: str) -> None:
        user, group = owner.split(":")
        os.chown(path, pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid, follow_symlinks=False)

    def owner(self, path: Path) -> str:
        found = path.lstat()
        try:
            return f"{pwd.getpwuid(found.st_uid).pw_name}:{grp.getgrgid(found.st_gid).gr_name}"
        except KeyError:
            return f"{found.st_uid}:{found.st_gid}"

    def user_id(self, account: str) -> int:
        return pwd.getpwnam(account).pw_uid

    def home(self, account: str) -> str:
        return pwd.getpwnam(account).pw_dir

    def free(self) -> Sequence[tuple[str, int]]:
        found: dict[int, tuple[str, int]] = {}
        for place in ("/", "/var", "/srv", "/tmp", "/var/lib/postgresql"):  # noqa: S108
            if os.path.isdir(place):
                room = os.statvfs(place)
                found.setdefault(os.stat(place).st_dev, (place, room.f_bavail * room.f_frsize // 1024))
        return list(found.values())

    def give_space_back(self) -> Sequence[str]:
        if not os.access(_SPACE, os.X_OK):
            return []
        done = subprocess.run(
            [_SPACE, "give-back"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return done.stdout.splitlines()

    def sync(self, path: Path) -> None:
        subprocess.run(["sync", "-f", str(path)], check=True, stdin=subprocess.DEVNULL)

    def run(
        self,
        command: Command,
        listen: Listener,
        *,
        stdin: Path | None = None,
        stdout: Path | None = None,
        apart: bool = False,
    ) -> int:
        self.checkpoint()
        with open(stdin or os.devnull, "rb") as given:
            out = os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if stdout else None
            try:
                child = _start(
                    command,
                    stdin=given,
                    stdout=subprocess.PIPE if out is None else out,
                    stderr=subprocess.PIPE if apart or out is not None else subprocess.STDOUT,
                )
            finally:
                if out is not None:
                    os.close(out)
        return _listen(child, listen)

    def pipe(self, one: Command, other: Command, listen: Listener) -> int:
        self.checkpoint()
        first = _start(one, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        second = _start(other, stdin=first.stdout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if first.stdout is not None:
            # The second one alone reads it, so that the first one is told when that has ended.
            first.stdout.close()
            first.stdout = None
        statuses = [0, 0]
        reader = threading.Thread(target=lambda: statuses.__setitem__(0, _listen(first, listen)))
        reader.start()
        statuses[1] = _listen(second, listen)
        reader.join()
        # One that is told by a signal that nobody reads any more has not failed by itself.
        if statuses[0] == -signal.SIGPIPE and statuses[1] != 0:
            return statuses[1]
        return next((status for status in statuses if status != 0), 0)

    def systemctl(self, *arguments: str) -> tuple[int, str]:
        if arguments[0] not in ("show", "is-active", "list-units"):
            self.checkpoint()
        done = subprocess.run(
            ["systemctl", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def ask(self, socket: Path, domain: str, scheme: str, path: str, seconds: float) -> int:
        try:
            with asking.connected(str(socket), seconds) as connection:
                return asking.status(connection, domain, path, seconds, f"X-Forwarded-Proto: {scheme}\r\n")
        except OSError:
            return 0

    def ask_front(self, domain: str, scheme: str, path: str) -> int:
        try:
            with asking.at_front(domain, scheme, 10) as connection:
                return asking.status(connection, domain, path, 10)
        except OSError:
            return 0

    def page(self, socket: Path | None, domain: str, scheme: str, path: str, seconds: float) -> asking.Answer:
        return asking.page(socket, domain, scheme, path, seconds)

    def waiting(self, socket: Path) -> int:
        # For a listening Unix socket ss(8) shows them as Recv-Q.
        done = subprocess.run(["ss", "-Hxl"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        rows = (line.split() for line in done.stdout.splitlines())
        return sum(int(row[2]) for row in rows if len(row) > 4 and row[4] == str(socket))

    def exchange(self, host: str, port: int, tls: bool, words: bytes) -> bytes:
        with socket.create_connection((host, port), timeout=3) as connection:
            wrapped = asking.wrapped(connection, host) if tls else connection
            wrapped.settimeout(3)
            wrapped.sendall(words)
            return wrapped.recv(4096)


def _has_members(group: int) -> bool:
    """An account is in this group. Debian's own 'staff', which may write /usr/local on older hosts, has none."""
    try:
        named = grp.getgrgid(group).gr_mem
    except KeyError:
        named = []
    return bool(named) or any(account.pw_gid == group and account.pw_uid != 0 for account in pwd.getpwall())


def _start(command: Command, **streams: Any) -> subprocess.Popen[bytes]:
    argv = list(command.argv)
    environment = {"PATH": _PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **command.environment}
    if command.account is not None:
        account = pwd.getpwnam(command.account)
        argv = [*_ALONE, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups", "--", *argv]
        environment = {"HOME": account.pw_dir, "USER": command.account, "LANG": "C.UTF-8", **command.environment}
    # A session of its own: no terminal of root's, and no signal to root's own processes reaches it.
    return subprocess.Popen(
        argv,
        env=environment,
        cwd=command.directory or "/",
        umask=command.umask if command.account is not None else 0o022,
        start_new_session=True,
        close_fds=True,
        **streams,
    )


def _listen(child: subprocess.Popen[bytes], listen: Listener) -> int:
    def read(stream: IO[bytes], is_error: bool) -> None:
        for line in _lines(stream):
            listen(line.decode(errors="surrogateescape").rstrip("\n"), is_error)

    readers = [
        threading.Thread(target=read, args=(stream, stream is child.stderr))
        for stream in (child.stdout, child.stderr)
        if stream is not None
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return child.wait()


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Line by line, and of one without an end only so much."""
    while line := stream.readline(_LONGEST_LINE):
        yield line
        while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(_LONGEST_LINE)


def quiet_signals() -> None:
    """A step goes on to its end; what it runs must still know how to end by a signal."""
    signal.signal(signal.SIGTERM, lambda *_: None)
