"""All that a host knows of itself, asked at once."""

import concurrent.futures
import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from host_status.application import application, timers
from host_status.door import answers, certificate, maintenance, site
from host_status.machine import backups, claim, clock, disks, load, memory, notices, system, upgrades
from host_status.masking import masking
from host_status.reading import Host, Unknown
from host_status.services import services
from host_status.told import Told
from host_status.units import Units

# In seconds, after which what is known is told.
ALTOGETHER = 7


def parts(host: Host, told: Told) -> Mapping[str, Callable[[], object]]:
    units = Units(host, masking(host, told.name))
    return {
        "clock": lambda: clock(host),
        "system": lambda: system(host),
        "claim": lambda: claim(host),
        "application": lambda: application(host, told, units),
        "timers": lambda: timers(host, told, units),
        "services": lambda: services(host, units),
        "failedUnits": units.failed,
        "site": lambda: site(host, told),
        "answers": lambda: answers(host, told),
        "certificate": lambda: certificate(host, told),
        "maintenance": lambda: maintenance(host, told),
        "backups": lambda: backups(host),
        "disks": lambda: disks(host, told.name),
        "memory": lambda: memory(host),
        "load": lambda: load(host),
        "upgrades": lambda: upgrades(host),
        "notices": lambda: notices(host),
    }


def gather(asked: Mapping[str, Callable[[], object]], seconds: float = ALTOGETHER) -> dict[str, Any]:
    """All parts, asked at once. One that cannot be found out is null, and its reason is in 'unknown'."""
    pool = concurrent.futures.ThreadPoolExecutor(len(asked))
    running = {name: pool.submit(ask) for name, ask in asked.items()}
    concurrent.futures.wait(running.values(), seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    facts: dict[str, object] = {}
    unknown: dict[str, str] = {}
    for name, one in running.items():
        facts[name] = None
        if not one.done():
            unknown[name] = f"it was not answered in {seconds:g} s"
            continue
        try:
            facts[name] = one.result()
        except Exception as fault:  # noqa: BLE001  # The other parts are told, whatever it is.
            unknown[name] = f"{fault}" if isinstance(fault, Unknown) else f"{type(fault).__name__}: {fault}"
    # As it is told: nothing but what JSON has.
    plain: dict[str, Any] = json.loads(json.dumps({**facts, "unknown": unknown}, default=dataclasses.asdict))
    return plain
