"""What root knows of releases and instances: one JSON record each, and one line for each release that was tried.

A record changes by a step of the table in states.py. No secret is in one.
"""

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any, TypeVar

from . import states
from .facts import Asked
from .files import Files, link_target
from .place import Place, release_of
from .world import World


@dataclasses.dataclass(frozen=True)
class Plan:
    """How many migrations there were to apply, with these settings, at this time."""

    settings: str
    count: int
    at: float
    # Django's names of the databases that have any to apply.
    databases: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Release:
    id: str
    state: str = states.NONE
    # When it came into that state, in seconds since 1970, and in which boot.
    since: float = 0
    boot: str = ""
    commit: str = ""
    server: str = ""
    # As it is told to the application: UTC.
    released_at: str = ""
    procfile: str = ""
    # Files beside its code that it looks for.
    files: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()
    # Some of its static files with their SHA-256 checksums.
    samples: tuple[tuple[str, str], ...] = ()
    plan: Plan | None = None
    # Whether a check of its own reads tables that its migrations make or change, and so comes after them.
    check_waits: bool = False
    # How it was made, for when it is asked again with other settings; and a digest of those it was asked with last,
    # empty until it goes live for the first time.
    asked: Asked | None = None
    asked_with: str = ""
    # With which settings it was healthy.
    proven_with: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit of an instance next to its web server."""

    name: str
    process: str
    alone: bool


@dataclasses.dataclass(frozen=True)
class Instance:
    name: str
    state: str = states.NONE
    since: float = 0
    boot: str = ""
    units: tuple[Unit, ...] = ()
    # A digest of what else decided whether it was healthy: see live.py.
    tried_with: str = ""
    # Why it failed, and its last words, without the secrets in them.
    reason: str = ""
    words: str = ""

    @property
    def release(self) -> str:
        return release_of(self.name)


Record = TypeVar("Record", Release, Instance)


def _plan(told: dict[str, Any]) -> Plan:
    return Plan(**{**told, "databases": tuple(told["databases"])})


def _asked(told: dict[str, Any]) -> Asked:
    check = None if told["check"] is None else tuple(told["check"])
    return Asked(**{**told, "check": check, "after_collectstatic": tuple(told["after_collectstatic"])})


class Ledger:
    """The records of an application. What cannot be read counts as not there, and is made again."""

    def __init__(self, world: World, place: Place, files: Files) -> None:
        self._world = world
        self._place = place
        self._files = files

    def open(self) -> None:
        place = self._place
        for folder in (place.ledger, place.release_records, place.instance_records, place.environment_records):
            self._files.directory(folder)

    def live(self) -> str:
        """The instance that boots."""
        return link_target(self._place.live)

    def release(self, release: str) -> Release:
        """A release, in the state 'none' where there is no such."""
        told = _load(self._place.release_records / f"{release}.json")
        try:
            lists = {name: tuple(told[name]) for name in ("files", "migrations", "proven_with")}
            plan = None if told["plan"] is None else _plan(told["plan"])
            asked = None if told["asked"] is None else _asked(told["asked"])
            samples = tuple((path, sha256) for path, sha256 in told["samples"])
            return Release(**{**told, **lists, "samples": samples, "plan": plan, "asked": asked})
        except (KeyError, TypeError, ValueError):
            return Release(release)

    def instance(self, instance: str) -> Instance:
        told = _load(self._place.instance_records / f"{instance}.json")
        try:
            return Instance(**{**told, "units": tuple(Unit(**one) for one in told["units"])})
        except (KeyError, TypeError):
            return Instance(instance)

    def releases(self) -> list[Release]:
        """All that there are, those that came into their state last first."""
        found = [self.release(name) for name in _names(self._place.release_records)]
        return sorted(found, key=lambda one: one.since, reverse=True)

    def instances(self) -> list[Instance]:
        found = [self.instance(name) for name in _names(self._place.instance_records)]
        return sorted(found, key=lambda one: one.since, reverse=True)

    def is_there(self, release: Release) -> bool:
        """Whether it is prepared, and its directory, which somebody may have removed, is there."""
        return release.state in (states.PREPARED, states.PROVEN) and self._place.release(release.id).is_dir()

    def move_release(self, release: Release, event: str, **changes: Any) -> Release:
        state = states.next_of_release(release.state, event)
        return self._moved(release, event, state, self._release_path(release.id), changes)

    def move_instance(self, instance: Instance, event: str, **changes: Any) -> Instance:
        state = states.next_of_instance(instance.state, event)
        return self._moved(instance, event, state, self._instance_path(instance.name), changes)

    def save_release(self, release: Release) -> None:
        """Keeps what was found out about a release, whose state stays."""
        self._save(self._release_path(release.id), release)

    def _moved(self, record: Record, event: str, state: str, path: Path, changes: dict[str, Any]) -> Record:
        since = record.since if event in ("interrupted", "rebooted") else self._world.time()
        moved = dataclasses.replace(record, state=state, since=since, boot=self._world.boot, **changes)
        if state == states.NONE:
            self._files.remove(path)
        else:
            self._save(path, moved)
        return moved

    def _save(self, path: Path, record: Release | Instance) -> None:
        self._files.put(path, json.dumps(dataclasses.asdict(record), indent=1) + "\n", lasting=True)

    def _release_path(self, release: str) -> Path:
        return self._place.release_records / f"{release}.json"

    def _instance_path(self, instance: str) -> Path:
        return self._place.instance_records / f"{instance}.json"

    def has_environment(self, digest: str) -> bool:
        """Whether an environment of dependencies is whole."""
        return (self._place.environment_records / f"{digest}.json").exists()

    def keep_environment(self, digest: str) -> None:
        told = {"id": digest, "since": self._world.time()}
        self._files.put(self._place.environment_records / f"{digest}.json", json.dumps(told) + "\n")

    def forget_environment(self, digest: str) -> None:
        self._files.remove(self._place.environment_records / f"{digest}.json")

    def done(self, once: str) -> str | None:
        """The command that was run once under this name, where it is done."""
        told = _load(self._place.once_records / f"{once}.json")
        return f"{told['command']}" if "command" in told else None

    def keep_done(self, once: str, told: dict[str, object]) -> None:
        self._files.directory(self._place.once_records)
        text = json.dumps({**told, "since": self._world.time()}) + "\n"
        self._files.put(self._place.once_records / f"{once}.json", text, lasting=True)

    def note(self, told: dict[str, object]) -> dict[str, object]:
        """A line of the history (docs/releases.md). It is told, and nothing depends on it."""
        at = datetime.datetime.fromtimestamp(self._world.time(), datetime.UTC)
        line = {"at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), **told}
        text = json.dumps(line)
        try:
            lines = self._place.history.read_text().splitlines() if self._place.history.exists() else []
            self._files.put(self._place.history, "".join(f"{one}\n" for one in [*lines, text][-500:]))
        except OSError:
            return line
        return line

    def history(self) -> list[str]:
        try:
            return self._place.history.read_text().splitlines()
        except OSError:
            return []


def _load(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _names(folder: Path) -> list[str]:
    try:
        return [path.stem for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith(".")]
    except OSError:
        return []
