"""Puts collected static files among those that a release has: merge.py NEW RELEASE'S [KEPT]

Runs as the account that owns the files. What is served meanwhile is the old file or the new one, and nothing goes:
pages that are open may ask for it. What is replaced is kept, so that the same command with KEPT as NEW puts it back.
"""

import errno
import filecmp
import os
import shutil
import sys
from collections.abc import Iterator

# nginx sends one of these in a file's place, however old it is.
_FORMS = (".gz", ".br")


def main() -> int:
    new, served, *kept = sys.argv[1:]
    os.umask(0o022)
    # All of them before any is moved: whether a file has another form here is asked of what was there.
    there = {*paths(new)}
    for path in sorted(there):
        if unfit := in_the_way(served, path):
            print(unfit)
            return 3
    for path in sorted(there):
        source, target = os.path.join(new, path), os.path.join(served, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        stale = [] if path.endswith(_FORMS) else [form for form in _FORMS if path + form not in there]
        is_same = os.path.exists(target) and filecmp.cmp(source, target, shallow=False)
        for old in [*([] if is_same else [target]), *(target + form for form in stale)]:
            if kept and os.path.exists(old):
                place = os.path.join(kept[0], os.path.relpath(old, served))
                os.makedirs(os.path.dirname(place), exist_ok=True)
                keep(old, place)
        if not is_same:
            put(source, target)
        for form in stale:
            if os.path.exists(target + form):
                os.unlink(target + form)
    return 0


def put(source: str, target: str) -> None:
    try:
        os.replace(source, target)
    except OSError as fault:
        if fault.errno != errno.ESTALE:
            raise
        # A lower layer of a file system of several (overlayfs) has it, by several names.
        os.unlink(target)
        os.replace(source, target)


def keep(old: str, place: str) -> None:
    try:
        os.link(old, place)
    except OSError:
        # Not every file system takes a further name for a file.
        shutil.copy2(old, place)


def paths(top: str) -> Iterator[str]:
    for folder, _, names in os.walk(top):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), top)


def in_the_way(served: str, path: str) -> str | None:
    """A directory where a file is to be, or a file where a directory is."""
    if os.path.isdir(os.path.join(served, path)):
        return path
    above = os.path.dirname(path)
    while above:
        if os.path.lexists(os.path.join(served, above)) and not os.path.isdir(os.path.join(served, above)):
            return above
        above = os.path.dirname(above)
    return None


if __name__ == "__main__":
    sys.exit(main())
