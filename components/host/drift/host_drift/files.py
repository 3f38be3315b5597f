"""Files, links and directories."""

import difflib
import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence

from host_drift.difference import Difference
from host_drift.reading import Place, Root
from host_drift.record import Record, Thing, text_of

# A longer text is not shown.
_LONGEST = 2**20
# Berth makes none of this length. Whoever may write one of its files must not keep a look busy for long.
_FAR_TOO_LONG = 2**24
_MOST_LINES = 200
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a directory",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def files(root: Root, record: Record) -> list[Difference]:
    comparing: Mapping[str, _Compare] = {"file": _file, "link": _link, "directory": _directory}
    return [
        Difference(one.kind, one.name, one.step, what, diff=diff)
        for one in record.things
        if one.kind in comparing
        for what, diff in _of(root, one, comparing[one.kind])
    ]


_Found = Iterable[tuple[str, Sequence[str] | None]]
_Compare = Callable[[Root, Thing, Place, os.stat_result], _Found]


def _of(root: Root, thing: Thing, compare: _Compare) -> _Found:
    try:
        with root.place(thing.name) as place:
            yield from compare(root, thing, place, place.stat())
    except FileNotFoundError:
        yield "was deleted", None
    except NotADirectoryError:
        yield "cannot be reached: something else is in the place of a directory above it", None
    except OSError as fault:
        yield f"cannot be read: {fault.strerror}", None


def _file(root: Root, thing: Thing, place: Place, found: os.stat_result) -> _Found:
    owner, mode, shown, digest, *_ = [*thing.how, "", "", "", ""]
    if not stat.S_ISREG(found.st_mode):
        yield f"is {_kind(found)}; Berth made a file", None
        return
    handle = place.open()
    with os.fdopen(handle, "rb") as file:
        # What was opened counts.
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            yield f"is {_kind(found)}; Berth made a file", None
            return
        if found.st_size > _FAR_TOO_LONG:
            yield f"was changed, and has {found.st_size // 2**20} MiB now", None
            yield from _rights(found, owner, mode)
            return
        content = file.read(_LONGEST + 1)
        hashed = hashlib.sha256(content)
        while more := file.read(_LONGEST):
            hashed.update(more)
    if hashed.hexdigest() != digest:
        # Every account of the host may read it, and it is no other file's text by another name.
        is_public = shown == "text" and found.st_mode & stat.S_IROTH and found.st_nlink == 1 and place.closed
        made = text_of(root, thing.name) if is_public and len(content) <= _LONGEST else None
        diff = None if made is None else _diff(made, content.decode(errors="replace"))
        yield "was changed" if shown == "text" else "was changed; its text is secret and not shown", diff
    yield from _rights(found, owner, mode)


def _link(_: Root, thing: Thing, place: Place, found: os.stat_result) -> _Found:
    if not stat.S_ISLNK(found.st_mode):
        yield f"is {_kind(found)}; Berth made a link to {thing.how[0]}", None
    elif place.link() != thing.how[0]:
        yield f"leads to {place.link()}; Berth made it lead to {thing.how[0]}", None


def _directory(_: Root, thing: Thing, __: Place, found: os.stat_result) -> _Found:
    if not stat.S_ISDIR(found.st_mode):
        yield f"is {_kind(found)}; Berth made a directory", None
    else:
        yield from _rights(found, *thing.how[:2])


def _rights(found: os.stat_result, owner: str, mode: str) -> _Found:
    there = f"{_user(found.st_uid)}:{_group(found.st_gid)}"
    if there != owner:
        yield f"belongs to {there}; Berth gave it to {owner}", None
    if stat.S_IMODE(found.st_mode) != int(mode, 8):
        yield f"has the mode {stat.S_IMODE(found.st_mode):04o}; Berth gave it {int(mode, 8):04o}", None


def _kind(found: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(found.st_mode), "something else")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _diff(made: str, there: str) -> list[str]:
    return lines_of(made, there, "what Berth made", "what is there")


def lines_of(made: str, there: str, before: str, after: str) -> list[str]:
    """A unified diff, cut where it is long."""
    lines = list(difflib.unified_diff(made.splitlines(), there.splitlines(), before, after, n=2, lineterm=""))
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more lines"]
