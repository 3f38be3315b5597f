"""Units of systemd: whether they run, start at boot, and are what Berth, or its package, made them."""

import shlex
from collections.abc import Iterable, Mapping

from host_drift.difference import Difference
from host_drift.reading import Root
from host_drift.record import Record, Thing

# Where people put drop-ins (systemd.unit(5)); those of packages are in /usr/lib.
_PLACES = ("/etc/systemd/system", "/etc/systemd/system.control", "/run/systemd/system", "/run/systemd/system.control")
_OWN = "/etc/systemd/system/"
_ENDINGS = (".service", ".timer", ".socket", ".path", ".mount", ".target")
_SHOWN = "LoadState,UnitFileState,ActiveState,FragmentPath"
_NOT_AT_BOOT = {
    "": "has no unit file",
    "disabled": "is disabled; Berth enabled it",
}


def units(root: Root, record: Record) -> list[Difference]:
    made = {one.name for one in record.of("file")}
    return [*_states(root, record.of("unit"), made), *_drop_ins(root, record, made)]


def _states(root: Root, things: list[Thing], made: set[str]) -> Iterable[Difference]:
    if not things:
        return
    told = root.run(["systemctl", "show", f"--property={_SHOWN}", "--", *(one.name for one in things)])
    for thing, text in zip(things, told.strip("\n").split("\n\n"), strict=True):
        found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        for what in _of(thing, found):
            yield Difference("unit", thing.name, thing.step, what)
        fragment = found.get("FragmentPath", "")
        if fragment.startswith(_OWN) and fragment not in made and not _is_masked(found):
            yield _foreign(fragment, thing.step, f"takes the place of the unit file of {thing.name}")


def _is_masked(found: Mapping[str, str]) -> bool:
    return found.get("UnitFileState", "").startswith("masked")


def _of(thing: Thing, found: Mapping[str, str]) -> Iterable[str]:
    state = found.get("UnitFileState", "")
    if _is_masked(found):
        yield "is masked, so nothing can start it"
        return
    if "enabled" in thing.how and state in _NOT_AT_BOOT:
        yield _NOT_AT_BOOT[state]
    active = found.get("ActiveState", "")
    if "active" in thing.how and active not in ("active", "activating", "reloading", "refreshing"):
        yield "has failed; Berth started it" if active == "failed" else "is stopped; Berth started it"


def _drop_ins(root: Root, record: Record, made: set[str]) -> Iterable[Difference]:
    owners = {one.name: one.step for one in record.of("unit")}
    for file in record.of("file"):
        name = file.name.removeprefix(_OWN)
        if "/" not in name and name.endswith(_ENDINGS):
            owners.setdefault(name, file.step)
    for unit, step in sorted(owners.items()):
        for place in _PLACES:
            for name in root.names(f"{place}/{unit}.d"):
                path = f"{place}/{unit}.d/{name}"
                if name.endswith(".conf") and path not in made:
                    yield _foreign(path, step, f"changes {unit}, and Berth has not made it")


def _foreign(path: str, step: str, what: str) -> Difference:
    return Difference(
        "drop-in",
        path,
        step,
        what,
        mended=False,
        next=f"sudo rm {shlex.quote(path)} && sudo systemctl daemon-reload",
    )
