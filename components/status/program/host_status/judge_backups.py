"""Judges what a host remembers of its backups."""

from collections.abc import Iterable, Mapping
from typing import Any

from host_status.finding import Finding, Judged
from host_status.limits import BACKUP, BACKUP_WAITING, DRILL
from host_status.words import long, size


def of_backups(judged: Judged) -> Iterable[Finding]:
    backups, told = judged.facts["backups"], judged.told
    if backups is None:
        return
    if backups["unrestored"] is not None:
        what = (
            f"this host makes no backups: {backups['place']} holds those of another server of this stack,"
            " and they are not restored here"
        )
        yield Finding("fault", "backup-unrestored", what, told.typed("restore", "--latest"))
    if backups["undo"] and not backups["undo"]["finished"]:
        undo = told.typed("restore", "--undo")
        yield Finding("fault", "restore-cut-off", "a restore was cut off before its end", undo)
    again = told.typed("ssh", "sudo systemctl start berth-backup")
    for part, remembered in backups["parts"].items():
        yield from _of_part(judged, part, remembered, again)
    yield from _of_drills(judged)
    yield from _of_key(backups)
    yield from _of_log(judged, again)


def _of_part(judged: Judged, part: str, remembered: Any, again: str) -> Iterable[Finding]:
    now, last, failed = judged.now, remembered["last"], remembered["failed"]
    if failed is not None:
        what = f"the backup of {part} failed {long(now - failed['at'])} ago: {failed['why']}"
        yield Finding("fault", "backup-failed", what, judged.told.typed("logs", "backups"), about=part)
        return
    since = last["at"] if last is not None else judged.facts["backups"]["on"]
    if since is not None and now - since > BACKUP:
        late = "there has never been one" if last is None else f"the last one is {long(now - last['at'])} old"
        yield Finding("fault", "backup-late", f"the backup of {part} is late: {late}", again, about=part)


def _of_drills(judged: Judged) -> Iterable[Finding]:
    drill, now = judged.facts["backups"].get("drill"), judged.now
    if drill is None:
        return
    since, last, failed = drill["since"], drill["last"], drill["failed"]
    again = judged.told.typed("backups", "--drill")
    if failed is not None:
        what = f"the last drill failed {long(now - failed['at'])} ago: {failed['why']}"
        yield Finding("fault", "drill-failed", what, again)
    elif since is not None and now - max(since, last["at"] if last else 0) > DRILL:
        late = "there has never been one" if last is None else f"the last one was {long(now - last['at'])} ago"
        yield Finding("fault", "drill-late", f"the weekly drill of the backups is late: {late}", again)


def _of_key(backups: Mapping[str, Any]) -> Iterable[Finding]:
    """The host has tried it, and put it in words: see components/backup/program/guard.py."""
    warning = (backups.get("guard") or {}).get("warning")
    if warning is not None:
        yield Finding("warning", "backup-key", warning)


def _of_log(judged: Judged, again: str) -> Iterable[Finding]:
    backups, now = judged.facts["backups"], judged.now
    waiting = backups["waiting"]
    if waiting is None:
        return
    last = backups["parts"].get("database", {}).get("last")
    if waiting["lost"] is not None and waiting["lost"] > (last["at"] if last else 0):
        what = (
            f"the database's log was given up {long(now - waiting['lost'])} ago, when more of it waited than may:"
            " the points in time since are lost until the next backup"
        )
        yield Finding("fault", "backup-lost", what, again)
    if waiting["since"] is not None and now - waiting["since"] > BACKUP_WAITING:
        what = (
            f"{size(waiting['bytes'])} of the database's log have waited for {backups['place']}"
            f" for {long(now - waiting['since'])}; beyond {size(waiting['limit'])} it is given up"
        )
        why = "" if waiting["why"] is None else f": {waiting['why']}"
        yield Finding("fault", "backup-waiting", what + why, judged.told.typed("logs", "backups"))
