#!/usr/bin/python3 -IS
"""Berth: keeps Docker within its share of the disk: space GIB.

Above it, what nothing uses is removed, until it is enough. Images that the stack names stay, and what is in use.
"""

import functools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

GIB = 1 << 30
HOME = Path("/var/lib/docker")
NAMED = Path("/etc/berth/docker/images")
PATIENCE = 600


def docker(*words: str) -> str:
    done = subprocess.run(
        ["/usr/bin/docker", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    # What is in use after all is no fault: it stays.
    return done.stdout if done.returncode == 0 else ""


def used() -> int:
    """How much there is, in bytes; what goes meanwhile does not count."""
    told = subprocess.run(
        ["/usr/bin/du", "--summarize", "--one-file-system", "--block-size=1", str(HOME)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=PATIENCE,
        check=False,
    ).stdout
    return int(told.split()[0]) if told else 0


def named() -> set[str]:
    """The ids of the images that the stack names."""
    references = [line.split()[1] for line in NAMED.read_text().splitlines()] if NAMED.exists() else []
    return {docker("image", "inspect", "--format", "{{.Id}}", one).strip() for one in references}


def unnamed_images() -> Iterator[Callable[[], object]]:
    """How each of the others is removed, the oldest first; one that a container uses stays."""
    kept = named()
    for image in reversed(docker("image", "ls", "--no-trunc", "--format", "{{.ID}}").split()):
        if image not in kept:
            yield functools.partial(remove, image)


def remove(image: str) -> None:
    """First its names, for one that has several is not removed otherwise, unless by force."""
    for name in docker("image", "inspect", "--format", '{{join .RepoTags " "}}', image).split():
        docker("image", "rm", name)
    docker("image", "rm", image)


def ways() -> Iterator[Callable[[], object]]:
    yield lambda: docker("container", "prune", "--force", "--filter", "until=1h")
    yield lambda: docker("builder", "prune", "--force")
    yield lambda: docker("volume", "prune", "--force")
    yield from unnamed_images()


def main() -> str | None:
    most = int(sys.argv[1]) * GIB
    before = now = used()
    for way in ways():
        if now <= most:
            break
        way()
        now = used()
    if now < before:
        print(f"<5>removed {(before - now) / GIB:.1f} GiB that nothing used; Docker has {now / GIB:.1f} GiB now")
    if now > most:
        return (
            f"<3>Docker has {now / GIB:.1f} GiB, and {sys.argv[1]} are its share (docker.disk); all of it is in use. "
            "'docker system df -v' shows what it is."
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
