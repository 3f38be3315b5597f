"""Files that root puts in place, each whole and in one rename. Nobody but root may change what lies above one."""

import errno
import os
import shutil
import stat
from pathlib import Path

from .faults import Stop
from .world import World

# What a file is called until it is whole.
_NEW = ".berth-new-"


class Files:
    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, path: Path, text: str, owner: str = "root:root", mode: int = 0o600, *, lasting: bool = False) -> bool:
        """Makes this the content of a file; whether it was another. What is lasting is on the disk by then."""
        self._world.refuse_open(path)
        data = text.encode(errors="surrogateescape")
        if self._is(path, data, owner, mode):
            return False
        self._world.checkpoint()
        new = path.with_name(f"{_NEW}{path.name}")
        new.unlink(missing_ok=True)
        try:
            # Nobody else reads it before it is whole.
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
            self._world.chown(new, owner)
            new.chmod(mode)
            new.rename(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        return True

    def _is(self, path: Path, data: bytes, owner: str, mode: int) -> bool:
        try:
            found = path.lstat()
            return (
                stat.S_ISREG(found.st_mode)
                and stat.S_IMODE(found.st_mode) == mode
                and self._world.owner(path) == owner
                and path.read_bytes() == data
            )
        except FileNotFoundError:
            return False

    def directory(self, path: Path, owner: str = "root:root", mode: int = 0o700) -> None:
        self._world.refuse_open(path)
        if path.is_symlink():
            raise Stop(
                f"{path} is a link, and a directory was expected.",
                "Remove the link, or put what it leads to in its place.",
            )
        if not path.is_dir():
            self._world.checkpoint()
            path.mkdir(mode=0o700, parents=True)
        if self._world.owner(path) != owner:
            self._world.chown(path, owner)
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)

    def sweep(self, folder: Path, name: str = "") -> None:
        """Takes away what a killed run has left of files that it was about to put there."""
        for path in folder.glob(f"{_NEW}{name}*"):
            self.remove(path)

    def link(self, path: Path, target: str) -> None:
        """Leads a link there in one rename, so that it is never missing."""
        self._world.refuse_open(path)
        if link_target(path) == target:
            return
        self._world.checkpoint()
        new = path.with_name(f"{path.name}.berth-new")
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.rename(path)

    def remove(self, path: Path) -> None:
        """A file or a link goes, or a directory that is root's with all that is in it."""
        self._world.refuse_open(path)
        if path.is_dir() and not path.is_symlink():
            self._world.checkpoint()
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            self._world.checkpoint()
            path.unlink()

    def discard(self, path: Path, gone: Path) -> None:
        """A directory of another account goes: first out of its reach, for it could fill it again meanwhile."""
        self._world.refuse_open(path)
        if not path.is_dir() or path.is_symlink():
            return
        self._world.checkpoint()
        place = gone / f"{os.getpid()}-{os.urandom(4).hex()}"
        try:
            path.rename(place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # It lies on another file system, or in a lower layer of this one.
            place = path
            self._world.chown(place, "root:root")
            place.chmod(0o700)
        # It follows no link, whoever puts one there meanwhile (shutil.rmtree.avoids_symlink_attacks).
        shutil.rmtree(place, ignore_errors=True)


def link_target(path: Path) -> str:
    """Where a link leads; nothing where there is none."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
