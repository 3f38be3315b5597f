"""What of all that a host tells needs attention. Pure: facts in, findings out."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from host_status.finding import Finding, Judged
from host_status.judge_backups import of_backups
from host_status.judge_door import of_answers, of_certificate, of_maintenance, of_site
from host_status.judge_machine import of_claim, of_clock, of_disks, of_load, of_memory, of_notices, of_upgrades
from host_status.judge_units import of_hooks, of_other_units, of_processes, of_release, of_services, of_timers
from host_status.told import Told

# What is looked at, in the order in which it is told, each by the part of the facts that it is about.
RULES: tuple[tuple[str, Callable[[Judged], Iterable[Finding]]], ...] = (
    ("site", of_site),
    ("answers", of_answers),
    ("claim", of_claim),
    ("maintenance", of_maintenance),
    ("application", of_release),
    ("application", of_hooks),
    ("application", of_processes),
    ("timers", of_timers),
    ("services", of_services),
    ("failedUnits", of_other_units),
    ("backups", of_backups),
    ("certificate", of_certificate),
    ("disks", of_disks),
    ("memory", of_memory),
    ("load", of_load),
    ("clock", of_clock),
    ("upgrades", of_upgrades),
    ("notices", of_notices),
)


def judge(facts: Mapping[str, Any], told: Told, now: float) -> list[Finding]:
    judged = Judged(facts, told, now)
    found = [dataclasses.replace(one, part=part) for part, rule in RULES for one in rule(judged)]
    return [*_unknown(judged), *found]


def _unknown(judged: Judged) -> Iterable[Finding]:
    for part, why in judged.facts["unknown"].items():
        # A host that is slow is not broken.
        what = f"its {_in_words(part)} could not be read: {why}"
        yield Finding("warning" if is_slow(why) else "fault", "unknown", what, about=part, part=part)


def is_slow(why: str) -> bool:
    """Whether a part could not be read for want of time: see gather()."""
    return why.startswith("it was not answered in ")


def _in_words(part: str) -> str:
    """'failedUnits' as 'failed units'."""
    return re.sub(r"[A-Z]", lambda letter: f" {letter[0].lower()}", part)
