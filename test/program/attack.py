# What an account of a host does that would take it: see hostile.ts, which says what is its own and what is root's, and
# adds a last line that calls 'attack'. Until it is told to end.
import glob
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress


def expanded(paths: Sequence[str]) -> Iterator[str]:
    """The paths that patterns stand for, as far as their directories are there; the last part need not be."""
    for path in paths:
        directory, name = os.path.split(path)
        for place in glob.glob(directory) if glob.has_magic(directory) else [directory]:
            yield from glob.glob(f"{place}/{name}") if glob.has_magic(name) else [f"{place}/{name}"]


def attack(root: str, own: str, roots: Sequence[str], swaps: Sequence[str], baits: Sequence[str]) -> None:
    """
    Tries without end to take `roots` from root; swaps directories of its own for something else, for a moment; and puts
    links, FIFOs and hard links at `baits`, all the time.
    """
    kinds: tuple[Callable[[str], None], ...] = (
        lambda path: os.symlink("/etc", path),
        lambda path: os.symlink("/etc/passwd", path),
        lambda path: os.symlink("/etc/made-by-a-link", path),
        os.mkfifo,
        lambda path: os.link(own, path),
    )
    os.chdir(root)
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit())

    def back(path: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.rename(f"{path}.real", path)

    try:
        for turn, bait in enumerate(itertools.cycle(kinds)):
            with suppress(OSError), open(own, "a"):
                os.utime(own)
            for path in expanded(roots):
                with suppress(OSError):
                    os.rename(path, f"{path}.real")
                    print("took the place of", path, flush=True)
                    bait(path)
            for path in swaps:
                with suppress(OSError):
                    os.rename(path, f"{path}.real")
                    with suppress(OSError):
                        bait(path)
                    time.sleep(0.01)
                    back(path)
            laid = []
            for path in expanded(baits):
                # In all releases only now and then: one with a bait in it is refused, and nothing comes after that.
                if path in baits or turn % 16 == 0:
                    with suppress(OSError):
                        bait(path)
                        laid.append(path)
            time.sleep(0.02)
            for path in laid:
                with suppress(OSError):
                    os.unlink(path)
    finally:
        for path in swaps:
            if os.path.isdir(f"{path}.real"):
                back(path)
