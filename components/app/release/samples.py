"""Chooses some of a release's static files, by which it is seen whether they are served: samples.py FOLDER

Runs as the account that owns the files, and prints their paths and SHA-256 checksums as JSON.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator

# Of each kind the largest: that is one that pages need.
_KINDS = ((".css",), (".js", ".mjs"), (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".woff2", ".woff"))
_LARGEST = 1 << 20


# Where the files are that nginx serves elsewhere than below /static/: see static.py.
_SERVED = ".at"


def chosen(top: str) -> list[tuple[str, str]]:
    """Of the static files, and one of those of each further location."""
    found = _chosen(top, "", _KINDS)
    served = os.path.join(top, _SERVED)
    for name in sorted(os.listdir(served)) if os.path.isdir(served) else []:
        found += _chosen(top, f"{_SERVED}/{name}", (*_KINDS, (".html",), (".txt",)))[:1]
    return found


def _chosen(top: str, below: str, kinds: tuple[tuple[str, ...], ...]) -> list[tuple[str, str]]:
    files = sorted(os.path.join(below, path) for path in _files(os.path.join(top, below)))
    found: list[tuple[str, str]] = []
    for kind in kinds:
        sizes = {path: os.path.getsize(os.path.join(top, path)) for path in files if path.lower().endswith(kind)}
        small = [path for path, size in sizes.items() if 0 < size <= _LARGEST]
        if small:
            path = max(small, key=lambda one: sizes[one])
            with open(os.path.join(top, path), "rb") as file:
                found.append((path, hashlib.sha256(file.read()).hexdigest()))
    return found


def _files(top: str) -> Iterator[str]:
    """Without what begins with a dot, which nginx does not serve."""
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(folder, name)
            is_name = not name.startswith(".") and path.isprintable()
            if is_name and os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, top)


if __name__ == "__main__":
    print(json.dumps(chosen(sys.argv[1])))
