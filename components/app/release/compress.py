"""Compresses static files once, here, and not at every request: compress.py BEFORE NOW

Runs as the account that owns the files. A file that is the same in the release before has its compressed forms already,
and gets them by a further name.
"""

import concurrent.futures
import filecmp
import gzip
import os
import subprocess
import sys
from collections.abc import Iterator

_KINDS = (".css", ".js", ".mjs", ".svg", ".json", ".txt", ".xml", ".map", ".html")
_FORMS = (".gz", ".br")
_SMALLEST = 1024


def main() -> None:
    before, now = sys.argv[1:]
    os.umask(0o022)
    left = [path for path in worthwhile(now) if not has_forms_of(f"{before}/{os.path.relpath(path, now)}", path)]
    # Each takes as long as the other, and half of the work is in another program.
    count = os.cpu_count() or 1
    parts = [left[index::count] for index in range(count) if left[index::count]]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [pool.submit(as_brotli, part) for part in parts]
        jobs += [pool.submit(as_gzip, part) for part in parts]
        for job in jobs:
            job.result()


def worthwhile(top: str) -> Iterator[str]:
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(_KINDS) and not os.path.islink(path) and os.path.getsize(path) > _SMALLEST:
                yield path


def has_forms_of(old: str, new: str) -> bool:
    try:
        if not filecmp.cmp(old, new, shallow=False):
            return False
        for form in _FORMS:
            os.link(old + form, new + form)
        return True
    except OSError:
        return False


def as_gzip(paths: list[str]) -> None:
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        with open(f"{path}.gz", "wb") as out:
            # The same content is the same file.
            out.write(gzip.compress(data, 9, mtime=0))


def as_brotli(paths: list[str]) -> None:
    subprocess.run(["xargs", "-0r", "brotli", "-q", "9", "-kf", "--"], input="\0".join(paths).encode(), check=True)


if __name__ == "__main__":
    main()
