"""Prints what of this host is not as Berth made it, as one JSON object."""

import concurrent.futures
import dataclasses
import fcntl
import fnmatch
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from host_drift.difference import Difference
from host_drift.files import files
from host_drift.others import accounts, firewall, images, packages
from host_drift.reading import Root, Unlooked
from host_drift.record import STATE, Record
from host_drift.units import units

# In seconds.
_MOMENT = 3.0
_PARTS: Mapping[str, Callable[[Root, Record], list[Difference]]] = {
    "files": files,
    "units": units,
    "packages": packages,
    "accounts": accounts,
    "images": images,
    "firewall": firewall,
}


def tell(text: str) -> None:
    told = json.loads(text)
    # Nobody waits for longer.
    signal.alarm(told["patience"])
    sys.stdout.write(json.dumps(look(Root(), told["claim"], told["ignore"])) + "\n")
    sys.stdout.flush()
    os._exit(0)


def look(root: Root, claim: str | None, ignore: Sequence[str], lock: str = "/run/berth.lock") -> dict[str, object]:
    """`problem` says why nothing could be looked at, `unknown` why some part of it could not."""
    try:
        refuse_other(root, claim)
        refuse_busy(lock)
        record = Record.read(root)
        found, unknown = compare(root, record)
        refuse_busy(lock)
    except Unlooked as fault:
        return {"problem": str(fault), "things": 0, "differences": [], "ignored": 0, "unknown": {}}
    left = [one for one in found if not any(fnmatch.fnmatchcase(one.name, pattern) for pattern in ignore)]
    shown = list(_once(left))
    return {
        "problem": None,
        "things": len(record.things),
        "differences": [dataclasses.asdict(one) for one in shown],
        "ignored": len(found) - len(left),
        "unknown": unknown,
    }


def compare(root: Root, record: Record) -> tuple[list[Difference], dict[str, str]]:
    found = [Difference("step", one, one, "has not come to its end") for one in record.unfinished]
    why = "was taken back, because Berth did not come in again"
    found += [Difference("change", f"by {one}", one, why) for one in record.undone]
    unknown: dict[str, str] = {}
    with concurrent.futures.ThreadPoolExecutor(len(_PARTS)) as pool:
        asked = {name: pool.submit(part, root, record) for name, part in _PARTS.items()}
        for name, future in asked.items():
            try:
                found += future.result()
            except Unlooked as fault:
                unknown[name] = str(fault)
    return found, unknown


def _once(found: Iterable[Difference]) -> Iterable[Difference]:
    """A unit whose file is not as it was made is told by the file alone."""
    told: set[str] = set()
    for one in found:
        if one.kind == "unit" and f"/etc/systemd/system/{one.name}" in told:
            continue
        told.add(one.name)
        yield one


def refuse_other(root: Root, claim: str | None) -> None:
    holder = (root.own(f"{STATE}/claim") or "").split("\n")[0]
    if claim is not None and holder != claim:
        raise Unlooked("this host is not this stack's any more")


def refuse_busy(lock: str) -> None:
    """A step that is at work is in the middle of a change. What tidies up after a release has its lock for a moment."""
    end = time.monotonic() + _MOMENT
    while True:
        try:
            with open(lock) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(0.1)
                continue
            step = Path(lock).read_text(errors="replace").strip() or "unknown"
            raise Unlooked(f"a deployment is at work there (step '{step}'). Look again when it is done") from None
        except FileNotFoundError:
            pass
        return
