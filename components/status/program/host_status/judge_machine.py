"""Judges the machine and its system."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from host_status import limits
from host_status.finding import Finding, Judged
from host_status.words import counted, long, percent, size


def of_claim(judged: Judged) -> Iterable[Finding]:
    claim, expected = judged.facts["claim"], judged.told.claim
    if "claim" in judged.facts["unknown"] or expected is None:
        return
    if claim is None:
        what = "the machine does not know that it is this stack's: /var/lib/berth/claim is gone"
        yield Finding("fault", "claim", what)
    elif claim["id"] != expected:
        yield Finding("fault", "claim", f"the machine belongs to {claim['text']}")


def of_disks(judged: Judged) -> Iterable[Finding]:
    for disk in judged.facts["disks"] or ():
        place = disk["place"]
        what = f"the disk {place} is {percent(disk['used'])} full, {size(disk['free'])} are free"
        following = "see 'A full disk' in docs/troubleshooting.md"
        kind = disk_kind(disk)
        if kind is not None:
            yield Finding(kind, "disk-full" if kind == "fault" else "disk", what, following, about=place)
        elif disk["inodesUsed"] >= limits.INODES:
            share = percent(disk["inodesUsed"])
            what = f"the disk {place} has {share} of its inodes in use: very many small files"
            yield Finding("warning", "inodes", what, about=place)


def disk_kind(disk: Mapping[str, Any]) -> Literal["fault", "warning"] | None:
    used = disk["used"]
    return "fault" if used >= limits.DISK_FAULT else "warning" if used >= limits.DISK_WARNING else None


def of_memory(judged: Judged) -> Iterable[Finding]:
    memory = judged.facts["memory"]
    if memory is None:
        return
    available, total, pressure = memory["available"], memory["total"], memory["pressure"]
    if available < total * limits.MEMORY_AVAILABLE:
        what = f"memory is short: {size(available)} of {size(total)} are available"
        yield Finding("warning", "memory", what)
    elif pressure is not None and pressure >= limits.MEMORY_PRESSURE:
        what = f"memory is short: in the last 5 minutes everything waited for it {pressure:g} % of the time"
        yield Finding("warning", "memory", what)
    killed, last = memory["killed"], memory["lastKilled"]
    if killed and (last is None or judged.now - last < limits.KILLED):
        ago = "" if last is None else f", the last {long(judged.now - last)} ago"
        count = counted(killed, "process", "processes")
        what = f"memory ran out: the kernel has killed {count} since the boot{ago}"
        yield Finding("warning", "memory-killed", what)


def of_load(judged: Judged) -> Iterable[Finding]:
    load, system = judged.facts["load"], judged.facts["system"]
    # A container has that of its computer, whoever makes it there.
    if load is None or (system or {}).get("container"):
        return
    if load["averages"][-1] >= load["processors"] * limits.LOAD:
        what = f"the load was {load['averages'][-1]:g} on {counted(load['processors'], 'processor')}"
        yield Finding("warning", "load", f"{what} for the last 15 minutes")


def of_clock(judged: Judged) -> Iterable[Finding]:
    """Whether it is right is known by who asks."""
    clock = judged.facts["clock"]
    if clock is not None and clock["synchronised"] is False:
        following = judged.told.typed("ssh", "sudo timedatectl set-ntp true")
        yield Finding("warning", "clock", "the host's clock is not synchronised", following)


def of_upgrades(judged: Judged) -> Iterable[Finding]:
    upgrades, system, now = judged.facts["upgrades"], judged.facts["system"], judged.now
    if upgrades is None:
        return
    security, looked, installed = upgrades["security"], upgrades["looked"], upgrades["installed"]

    def late(at: float | None) -> bool:
        # What has not happened yet on a host that is new is not late.
        return now - max(at or 0, (system or {}).get("up") or 0) > limits.UPGRADES

    def ago(at: float | None) -> str:
        return "never" if at is None else f"last {long(now - at)} ago"

    waiting = f"{counted(len(security), 'security upgrade')} {'waits' if len(security) == 1 else 'wait'}"
    following = judged.told.typed("ssh", "sudo unattended-upgrade")
    if late(looked):
        what = f"the host has not looked for upgrades for long: {ago(looked)}"
        yield Finding("warning", "upgrades-unknown", what)
    if security and late(installed):
        what = f"{waiting}, and none were installed for long: {ago(installed)}"
        yield Finding("warning", "upgrades", what, following)
    elif security and installed is not None and looked is not None and installed > looked:
        what = f"{waiting}, which the nightly upgrade has skipped: {', '.join(security)}"
        yield Finding("warning", "upgrades", what, following)
    if upgrades["rebootSince"] is not None:
        packages = f" ({', '.join(upgrades['rebootFor'])})" if upgrades["rebootFor"] else ""
        what = f"a reboot has been needed for {long(now - upgrades['rebootSince'])}{packages}"
        yield Finding("warning", "reboot", what, judged.told.typed("ssh", "sudo systemctl reboot"))


def of_notices(judged: Judged) -> Iterable[Finding]:
    notices, now = judged.facts["notices"], judged.now
    if notices is None:
        return
    looked = notices["looked"]
    if now - max(looked or 0, notices["since"] or 0) > limits.NOTICES:
        ago = "it never has" if looked is None else f"last {long(now - looked)} ago"
        what = f"the host has not looked whether anybody is to be told something: {ago}"
        following = judged.told.typed("ssh", "sudo systemctl status berth-notices.timer berth-notices.service")
        yield Finding("fault", "notices-late", what, following)
    again = judged.told.typed("notify")
    for name, why in notices["refused"].items():
        what = f"{name} of notify.targets has not taken its last message: {why}"
        yield Finding("warning", "notices-unsent", what, again, about=name)
    for name, box in notices["targets"].items():
        if name not in notices["refused"] and box["since"] is not None and now - box["since"] > limits.NOTICES:
            what = f"{name} of notify.targets has taken no message for {long(now - box['since'])}: {box['why']}"
            waits = f"; {counted(box['waiting'], 'message')} {'waits' if box['waiting'] == 1 else 'wait'}"
            yield Finding("warning", "notices-unsent", what + (waits if box["waiting"] else ""), again, about=name)
