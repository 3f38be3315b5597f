"""Puts what was judged beside the facts that it is about, for those who show them."""

from collections.abc import Mapping
from typing import Any

from host_status.judge_machine import disk_kind
from host_status.judge_units import wrong_with


def marked(facts: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The same facts: each unit has what is wrong with it, and each disk whether that is a fault or a warning."""
    disks = facts["disks"] and [{**disk, "wrong": disk_kind(disk)} for disk in facts["disks"]]
    return {**{part: _units_of(value, now) for part, value in facts.items()}, "disks": disks}


def _units_of(value: Any, now: float) -> Any:
    if isinstance(value, list):
        return [_units_of(one, now) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _units_of(one, now) for key, one in value.items()}
    return {**inner, "wrong": (wrong_with(value, now) or (None, None))[1]} if "restarts" in value else inner
