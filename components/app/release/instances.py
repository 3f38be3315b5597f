"""What an instance consists of: its directory, with code, settings and commands, and units of its own.

systemd takes a unit of an instance's own name before the template. So limits and stop rules are the instance's as well:
a changed template reaches what is started after it, and nothing that runs.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from .facts import Process, entry_key
from .faults import Stop
from .files import Files
from .place import Place, release_of
from .procfile import Procfile
from .records import Ledger, Release, Unit
from .settings import Settings

# The files of each server, which come with its name.
_SETTINGS = {
    "gunicorn": ("gunicorn.py", "wrapper.sh"),
    "uwsgi": ("uwsgi.ini", "uwsgi-application.py", "wrapper.sh"),
    "uvicorn": ("asgi.py", "wrapper.sh"),
}


class Instances:
    def __init__(self, place: Place, files: Files, ledger: Ledger) -> None:
        self._place = place
        self._files = files
        self._ledger = ledger

    def name(self, release: Release, processes: Sequence[Process]) -> str:
        """Of the release with all that decides how it runs now."""
        texts = self._now().texts
        texts += [self._template(process.name, "service") for process in processes]
        texts += [f"{process}" for process in processes]
        if self._place.web:
            texts += [self._template("web", kind) for kind in ("service", "socket")]
            texts += [server.read_text() for server in self._server_settings(release)]
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        return f"{release.id}.{digest[:6]}"

    def units(self, instance: str, processes: Sequence[Process], procfile: Procfile) -> tuple[Unit, ...]:
        """The units of its processes: the second and further of a kind have a number behind."""
        found: list[Unit] = []
        for process in processes:
            if procfile.command(process):
                ends = ["", *(f".{number}" for number in range(2, process.count + 1))]
                names = [f"{self._place.name}-{process.name}@{instance}{end}.service" for end in ends]
                found += [Unit(name, process.name, process.alone) for name in names]
        return tuple(found)

    def put(self, instance: str, release: Release, processes: Sequence[Process], procfile: Procfile) -> None:
        """Puts all of it in place. What runs keeps its own."""
        place, files = self._place, self._files
        group = f"root:{place.name}"
        folder = place.instance(instance)
        files.directory(place.instances, group, 0o750)
        files.directory(folder, group, 0o750)
        files.link(folder / "release", f"{place.told_root}/releases/{release.id}")
        settings = self._now(release.id)
        files.put(folder / "env", settings.text, group, 0o640)
        put_files(files, folder / "files", settings, group)
        files.put(folder / "release.env", release_environment(place, release, settings), group, 0o640)
        if place.web:
            for server in self._server_settings(release):
                files.put(folder / server.name, server.read_text(), group, 0o640)
            for kind in ("socket", "service"):
                self._put_unit("web", instance, f"{place.web_unit(instance)}.{kind}", kind)
        if processes:
            files.directory(folder / "processes", group, 0o750)
        for process in processes:
            command = procfile.command(process)
            if command:
                files.put(folder / "processes" / process.name, command, group, 0o640)
        for unit in self.units(instance, processes, procfile):
            self._put_unit(unit.process, instance, unit.name, "service")

    def take_away(self, instance: str, units: Sequence[Unit]) -> None:
        """Nothing of it runs any more."""
        files, place = self._files, self._place
        names = [unit.name for unit in units]
        names += [f"{place.web_unit(instance)}.{kind}" for kind in ("socket", "service")] if place.web else []
        for name in names:
            files.remove(place.units / name)
        files.remove(place.instance(instance))

    def _put_unit(self, process: str, instance: str, unit: str, kind: str) -> None:
        text = self._template(process, kind)
        # All of one process read the same directory; its name in the log keeps its number.
        text = text.replace("/config/web/%i/", f"/config/web/{instance}/")
        self._files.put(self._place.units / unit, text, mode=0o644)

    def _template(self, process: str, kind: str) -> str:
        return (self._place.units / f"{self._place.name}-{process}@.{kind}").read_text()

    def _server_settings(self, release: Release) -> list[Path]:
        """Those of the server that the release was prepared with."""
        found = [self._place.config / name for name in _SETTINGS.get(release.server, _SETTINGS["gunicorn"])]
        if not all(path.exists() for path in found):
            raise Stop(
                f"release {release.id} was prepared for {release.server}, and the stack names no application for it.",
                f"Write {entry_key(release.server)} next to what the stack names, or take app.release out and "
                "deploy its source.",
            )
        return found

    def runs(self, process: str, instance: str, command: str) -> bool:
        """Whether a process runs this on an instance."""
        try:
            return (self._place.instance(instance) / "processes" / process).read_text() == command
        except OSError:
            return False

    def has_secrets_of_now(self, instance: str, names: Sequence[str]) -> bool:
        """Whether an instance has the same secrets as one that is made now, and the same files beside its code."""
        folder = self._place.instance(instance)
        now, then = self._now(release_of(instance)), Settings(folder / "env", folder / "files")
        return now.files == then.files and all(now.values.get(name) == then.values.get(name) for name in names)

    def _now(self, release: str | None = None) -> Settings:
        """As they are wanted now; with the id of a release, as it has them."""
        return Settings(self._place.settings, self._place.files, release)

    def others(self, instance: str, running: set[str]) -> list[str]:
        """All but this one: by their records, by what runs of them and by what lies on the disk."""
        folder = self._place.instances
        there = (
            {path.name for path in folder.iterdir() if path.is_dir() and not path.is_symlink()}
            if folder.exists()
            else set()
        )
        known = {one.name for one in self._ledger.instances() if one.state != "failed"}
        return sorted((there | known | running) - {instance})


def put_files(files: Files, folder: Path, settings: Settings, group: str) -> None:
    """Those beside the code, for an account of this group."""
    for path, text in settings.files.items():
        for above in reversed(Path(path).parents):
            files.directory(folder / above, group, 0o750)
        files.put(folder / path, text, group, 0o640)


def release_environment(place: Place, release: Release, settings: Settings) -> str:
    """What a release is told of itself, next to these settings."""
    # Sentry's libraries look there, where the code names no release (docs.sentry.io). What the stack says wins.
    sentry = "" if "SENTRY_RELEASE" in settings.values else f"SENTRY_RELEASE={release.id}\n"
    return (
        f"BERTH_RELEASE={release.id}\nBERTH_RELEASED_AT={release.released_at}\n{sentry}"
        f"STATIC_ROOT={place.told_root}/static/{release.id}\n"
    )
