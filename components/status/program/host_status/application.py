"""The release that is live, its processes and its timers."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from host_status.ports import silent
from host_status.reading import Facts, Host
from host_status.told import Told
from host_status.units import Units


def application(host: Host, told: Told, units: Units) -> Facts:
    """The release that is live, and the processes of all that run."""
    program = f"usr/local/lib/berth/{told.name}/berth-release"
    if not host.path(program).exists():
        return {"release": None, "lastTried": None, "hooks": [], "processes": []}
    status = json.loads(host.run([f"/{program}", "status"]))
    live = status["live"]
    return {
        "release": release_of(status),
        "lastTried": status["history"][-1] if status["history"] else None,
        # A host whose last deployment was by an earlier version tells of none.
        "hooks": status.get("hooks", []),
        "processes": [
            {
                **dataclasses.asdict(unit),
                "process": process_of(told.name, unit.unit),
                "live": one["instance"] == live,
                "silentPorts": silent(host, f"{unit.unit.split('@', 1)[0]}@.service"),
            }
            for one in status["instances"]
            if one["state"] != "failed"
            for unit in units.of(unit["unit"] for unit in one["units"])
        ],
    }


def release_of(status: Mapping[str, Any]) -> Facts | None:
    """The release that is live, of what 'berth-release status' tells."""
    instance = next((one for one in status["instances"] if one["instance"] == status["live"]), None)
    if instance is None:
        return None
    name = instance["release"]
    commits = [one["commit"] for one in status["releases"] if one["release"] == name]
    made = [one for one in status["history"] if one["to"] == name and one["result"] != "failed"]
    return {
        "id": name,
        "since": instance["since"],
        "commit": commits[0] if commits else None,
        "by": made[-1]["who"] if made else None,
        "from": made[-1]["address"] if made else None,
    }


def process_of(name: str, unit: str) -> str:
    """'worker' of 'shop-worker@INSTANCE.service'."""
    return unit.removeprefix(f"{name}-").split("@", 1)[0]


def timers(host: Host, told: Told, units: Units) -> list[Facts]:
    names = host.names(f"etc/systemd/system/{told.name}-*.timer")
    if not names:
        return []
    rows = json.loads(host.run(["systemctl", "list-timers", "--all", "--output=json", *names]) or "[]")
    times = {row["unit"]: row for row in rows}
    return [
        {
            **dataclasses.asdict(unit),
            "timer": unit.unit.removeprefix(f"{told.name}-").removesuffix(".timer"),
            "next": _of_microseconds(times.get(unit.unit, {}).get("next")),
            "last": _of_microseconds(times.get(unit.unit, {}).get("last")),
        }
        for unit in units.of(names)
    ]


def _of_microseconds(found: int | None) -> float | None:
    return found / 1e6 if found else None
