"""Judges the release, processes, timers, services and other units of a host."""

import datetime
import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from host_status.finding import Finding, Judged
from host_status.limits import CONNECTIONS, HOOK, LOOP_RESTARTS, LOOP_SECONDS, SERVICE_MEMORY, STARTING
from host_status.words import counted, long, size

Unit = Mapping[str, Any]
# What is wrong with them is told by what they remember.
_OF_BACKUPS = ("berth-backup.service", "berth-backup-files.service", "berth-backup-drill.service")


def of_release(judged: Judged) -> Iterable[Finding]:
    application = judged.facts["application"]
    if application is None:
        return
    last, following = application["lastTried"], judged.told.typed("releases")
    if application["release"] is None:
        yield Finding("fault", "no-release", "no release is live", following)
    elif last is not None and last["result"] == "failed":
        ago = long(judged.now - datetime.datetime.fromisoformat(last["at"]).timestamp())
        why = "" if last["reason"] is None else f": {last['reason']}"
        what = f"release {last['to']}, tried {ago} ago, failed{why}"
        yield Finding("warning", "release-failed", what, following, about=f"{last['to']} {last['at']}")


def of_hooks(judged: Judged) -> Iterable[Finding]:
    """A later release takes the place of what is known of an earlier one."""
    following = judged.told.typed("logs", "hooks")
    for hook in (judged.facts["application"] or {}).get("hooks", ()):
        event, release = hook["event"], hook["release"]
        is_cut_off = hook["state"] == "waiting" and judged.now - hook["at"] > HOOK
        if hook["state"] == "failed" or is_cut_off:
            why = "it was cut off" if is_cut_off else hook["why"]
            what = f"app.hooks.{event} was not told of release {release}: {why}"
            yield Finding("warning", "hook-failed", what, following, about=f"{event} {release} {hook['at']}")


def of_processes(judged: Judged) -> Iterable[Finding]:
    live = [one for one in (judged.facts["application"] or {}).get("processes", ()) if one["live"]]
    for process, found in itertools.groupby(sorted(live, key=_process), key=_process):
        units = list(found)
        bad = [unit for unit in units if wrong_with(unit, judged.now)]
        if bad:
            which = process if len(units) == 1 else f"{process}: {len(bad)} of {len(units)}"
            following = judged.told.typed("logs", process)
            yield _of_unit(judged, bad[0], f"{which} {'are' if len(bad) > 1 else 'is'}", following, process)
            continue
        for unit in units:
            # One that has just started may still be on its way there.
            if unit["silentPorts"] and judged.now - (unit["since"] or 0) > STARTING:
                ports = unit["silentPorts"]
                which = f"port{'s' if len(ports) > 1 else ''} {' and '.join(map(str, ports))}"
                what = f"{process} runs, and nothing listens at its {which} (app.processes.{process}.ports)"
                yield Finding("fault", "silent-port", what, judged.told.typed("logs", process), about=process)


def _process(unit: Unit) -> str:
    return str(unit["process"])


def of_timers(judged: Judged) -> Iterable[Finding]:
    for unit in judged.facts["timers"] or ():
        if wrong_with(unit, judged.now):
            name = unit["timer"]
            yield _of_unit(judged, unit, f"the timer {name} is", judged.told.typed("logs", name), unit["unit"])


def of_services(judged: Judged) -> Iterable[Finding]:
    for service in judged.facts["services"] or ():
        name, following = service["name"], judged.told.typed("logs", "system")
        bad = next((unit for unit in service["units"] if wrong_with(unit, judged.now)), None)
        if bad:
            yield _of_unit(judged, bad, f"{name} is", following, bad["unit"])
        elif service["problem"] is not None:
            what = f"{name} does not answer: {service['problem']}"
            yield Finding("fault", "service", what, following, about=name)
        else:
            yield from _full(name, service["figures"])


def _full(name: str, figures: Iterable[Mapping[str, Any]]) -> Iterable[Finding]:
    for figure in figures:
        what, used, limit = figure["what"], figure["used"], figure["limit"]
        # A cache lets go of what it has when it is full.
        if limit is None or what == "cache" or used < limit * (SERVICE_MEMORY if what == "memory" else CONNECTIONS):
            continue
        words = f"{size(used)} of its {size(limit)} of {what}" if figure["bytes"] else f"{used} of its {limit} {what}"
        yield Finding("warning", "service-full", f"{name} uses {words}", about=f"{name} {what}")


def of_other_units(judged: Judged) -> Iterable[Finding]:
    """What is in no part above: a unit of the system, or one that somebody else has put there."""
    facts = judged.facts
    known = {
        *_OF_BACKUPS,
        *(one["unit"] for one in (facts["application"] or {}).get("processes", ())),
        *(one["unit"] for one in facts["timers"] or ()),
        *(unit["unit"] for one in facts["services"] or () for unit in one["units"]),
    }
    # Which of them are the application's is not known then; they are told where they belong.
    own = f"{judged.told.name}-" if {"application", "timers"} & set(facts["unknown"]) else None
    for unit in facts["failedUnits"] or ():
        name = unit["unit"]
        if name not in known and not (own and name.startswith(own)):
            following = judged.told.typed("ssh", f"sudo systemctl status {name}")
            yield _of_unit(judged, unit, f"{name} is", following, name)


def _of_unit(judged: Judged, unit: Unit, subject: str, following: str, about: str) -> Finding:
    code, what = wrong_with(unit, judged.now) or ("unit", unit["state"])
    return Finding("fault", code, f"{subject} {what}", following, unit["line"], about)


def wrong_with(unit: Unit, now: float) -> tuple[str, str] | None:
    """The code and the words of what is wrong with a unit that should run; nothing where it does."""
    state, sub, since, restarts = unit["state"], unit["sub"], unit["since"], unit["restarts"]
    lasted = math.inf if since is None else now - since
    again = sub.startswith("auto-restart")
    if restarts >= LOOP_RESTARTS and (again or lasted < LOOP_SECONDS):
        return "unit-loop", f"restarting in a loop: {counted(restarts, 'time')} so far"
    if state in ("active", "reloading"):
        return None
    if again:
        return "unit-loop" if restarts else "unit", f"being restarted after a failure ({unit['result']})"
    if state == "failed":
        return "unit", f"down after a failure ({unit['result']})"
    if state != "activating":
        return "unit", "being stopped" if state == "deactivating" else "stopped"
    return ("unit", f"still starting after {long(lasted)}") if lasted >= STARTING else None
