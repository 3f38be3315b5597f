#!/usr/bin/python3 -IS
"""Berth: sets space aside on a host's disks, gives it back where one is full, and says when one fills up.

space watch      what a timer does
space give-back  gives all of it back where there is too little for a step of a deployment; says what
space drop       gives it back for good
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

MIB = 1 << 20
# PostgreSQL stops where it cannot make a further file of its log, of 16 MiB. A disk with less than two is full.
FULL = 32 * MIB
# A step of a deployment needs more: with less it is given all of it.
ENOUGH = 256 * MIB
# Of a disk that much is set aside, within these bounds: for a release, and for PostgreSQL to come up again.
SHARE, LEAST, MOST = 0.05, 256 * MIB, 2048 * MIB
# It is given back in parts, for what has filled the disk may fill it on; then the next waits for twice as long.
PARTS = 8
# The last of them are for a deployment alone.
KEPT = 2
WAIT_LEAST, WAIT_MOST = 30, 600
# It is set aside again where so much stays free beside it.
PLENTY = 0.1
# A disk of which more is used is nearly full; so is one with as few of its inodes left. It is said once an hour.
NEARLY = 0.9
SAID_EVERY = 3600
# Where a host's disks usually grow.
LOOKED_AT = ("/var/log", "/var/lib", "/var/cache", "/var/backups", "/srv", "/home", "/root", "/opt")


@dataclasses.dataclass
class Disk:
    """A file system: where it is mounted, or a directory on it, and how much of it is left to all accounts."""

    place: str
    device: int
    size: int
    free: int
    inodes: int
    free_inodes: int


@dataclasses.dataclass
class Memory:
    """What one look keeps for the next; it is gone with a boot."""

    # When a part may be given back again, and how long is waited after that one; of each disk, by its place.
    next: dict[str, float] = dataclasses.field(default_factory=dict)
    wait: dict[str, float] = dataclasses.field(default_factory=dict)
    said: dict[str, float] = dataclasses.field(default_factory=dict)


class Space:
    def __init__(
        self,
        say: Callable[[int, str], None],
        *,
        root: Path = Path("/"),
        look: Callable[[Path], Disk] | None = None,
        largest: Callable[[int], str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._say = say
        self._root = root
        self._look = look or disk_of
        self._largest = largest or largest_on
        self._now = now

    def reserves(self) -> Iterator[tuple[Path, Disk]]:
        """Where space is set aside: root's own directories, on the disk of the system and on the data volume."""
        devices = set()
        for place in ("var/lib/berth", "var/lib/berth/data"):
            path = self._root / place
            if path.is_dir():
                disk = self._look(path)
                if disk.device not in devices:
                    devices.add(disk.device)
                    yield path / "reserve", disk

    def disks(self) -> list[Disk]:
        found: dict[int, Disk] = {}
        for place in (
            "",
            "var",
            "srv",
            "tmp",
            "var/lib/postgresql",
            "var/lib/redis",
            "var/lib/valkey",
            "var/lib/berth/data",
        ):
            path = self._root / place
            if path.is_dir():
                disk = self._look(path)
                found.setdefault(disk.device, disk)
        return list(found.values())

    def watch(self, memory: Memory) -> None:
        for path, disk in self.reserves():
            self._tend(path, disk, memory)
        for disk in self.disks():
            self._warn(disk, memory)

    def _tend(self, path: Path, disk: Disk, memory: Memory) -> None:
        parts, now, place = parts_of(path), self._now(), disk.place
        if disk.free < FULL:
            if len(parts) > KEPT and now >= memory.next.get(place, 0):
                wait = memory.wait.get(place, WAIT_LEAST)
                given = parts[-1].stat().st_size
                parts[-1].unlink()
                memory.next[place], memory.wait[place] = now + wait, min(2 * wait, WAIT_MOST)
                left = f"{len(parts) - 1} of {PARTS} parts are left"
                self._say(3, f"the disk {place} is full: {given // MIB} MiB that were set aside are given back; {left}")
            return
        memory.wait.pop(place, None)
        whole = min(max(int(disk.size * SHARE), LEAST), MOST)
        missing = PARTS - len(parts)
        if missing and disk.free - whole * missing // PARTS >= disk.size * PLENTY:
            make(path, whole // PARTS)
            self._say(5, f"the disk {place} has space: {whole // MIB} MiB of it are set aside")

    def _warn(self, disk: Disk, memory: Memory) -> None:
        now = self._now()
        used, used_inodes = 1 - disk.free / max(disk.size, 1), 1 - disk.free_inodes / max(disk.inodes, 1)
        last = memory.said.get(disk.place)
        if max(used, used_inodes) < NEARLY or (last is not None and now < last + SAID_EVERY):
            return
        memory.said[disk.place] = now
        what = f"{used:.0%} of the disk {disk.place} are used, {disk.free // MIB} MiB are free"
        if used < NEARLY:
            what = f"{used_inodes:.0%} of the inodes of the disk {disk.place} are used: it has very many small files"
        self._say(4, f"{what}. {self._largest(disk.device)}".rstrip())

    def give_back(self) -> list[str]:
        """All that is set aside on disks that have too little left for a step of a deployment."""
        given = []
        for path, disk in self.reserves():
            parts = parts_of(path)
            if parts and disk.free < ENOUGH:
                size = sum(part.stat().st_size for part in parts)
                for part in parts:
                    part.unlink()
                what = f"{size // MIB} MiB that were set aside are given back"
                given.append(f"{disk.place} had {disk.free // MIB} MiB left: {what}")
        return given

    def drop(self) -> None:
        for path, _ in self.reserves():
            for part in parts_of(path):
                part.unlink()
            with contextlib.suppress(FileNotFoundError):
                path.rmdir()


def parts_of(path: Path) -> list[Path]:
    return sorted(path.glob("part-*"))


def make(path: Path, size: int) -> None:
    """The parts that there are not. Root alone reaches them."""
    path.mkdir(mode=0o700, exist_ok=True)
    for number in range(PARTS):
        part = path / f"part-{number}"
        if part.exists():
            continue
        new = path / "new"
        try:
            with open(new, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
            new.chmod(0o600)
            new.rename(part)
        except OSError:
            new.unlink(missing_ok=True)
            return


def disk_of(path: Path) -> Disk:
    room = os.statvfs(path)
    device = path.stat().st_dev
    place = path
    while not os.path.ismount(place) and place.parent.stat().st_dev == device:
        place = place.parent
    size, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
    return Disk(str(place), device, size, free, room.f_files, room.f_favail)


def largest_on(device: int) -> str:
    """The three largest of the usual places on a disk, as far as that is found within ten seconds."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    others = [f"--exclude={place}" for place in mounts if place != "/" and not is_on(device, place)]
    # What is set aside is not what fills it.
    own = [f"--exclude={base}/reserve" for base in ("/var/lib/berth", "/var/lib/berth/data")]
    places = [place for place in LOOKED_AT if is_on(device, place)]
    command = ["timeout", "10", "nice", "-n", "19", "du", "-a", "-d1", "--block-size=1M", *others, *own, "--", *places]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    rows = [line.split("\t", 1) for line in said.splitlines()] if places else []
    found = sorted(((int(size), place) for size, place in rows if place not in places), reverse=True)[:3]
    return f"The largest: {', '.join(f'{place} {size} MiB' for size, place in found)}." if found else ""


def is_on(device: int, place: str) -> bool:
    try:
        return os.path.isdir(place) and os.stat(place).st_dev == device
    except OSError:
        return False


def watch(space: Space, path: Path) -> None:
    try:
        memory = Memory(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        memory = Memory()
    space.watch(memory)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(dataclasses.asdict(memory)))
    new.rename(path)


def main(arguments: Sequence[str]) -> int:
    # sd-daemon(3): the journal takes the number for the line's priority.
    space = Space(lambda priority, text: print(f"<{priority}>berth: {text}", flush=True))
    if arguments == ["watch"]:
        watch(space, Path("/run/berth-space.json"))
    elif arguments == ["give-back"]:
        for line in space.give_back():
            print(line)
    elif arguments == ["drop"]:
        space.drop()
    else:
        print("expected watch, give-back or drop", file=sys.stderr)
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
