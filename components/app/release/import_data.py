"""Takes over the data of a site that ran elsewhere: a dump of its PostgreSQL. See docs/moving-in.md.

It is loaded into a database of its own while the site goes on, and proven. Only then does it take the place of the one
that is there, which is kept: in one transaction, so that a run that is cut off leaves the one or the other.

The data of another stack comes the same way, with its uploads: see components/backup/program/copying.py.
"""

import collections
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .arrival import Arrival
from .cluster import Cluster
from .context import Context
from .faults import Stop
from .place import release_of
from .procfile import Procfile
from .services import POSTGRES
from .tracebacks import cause
from .uploads import Uploads
from .voice import Heard, kept_lines

_LOADER = "/program/release/application/database_load.py"
_HEALTH = 120
# How long a secret is, in characters, at least.
_SECRET = 12
_SEEN = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SITE_URL", "STATIC_ROOT", "MEDIA_ROOT", "DATA_ROOT", "PATH")
_NAME = re.compile(r"[a-z0-9_]{1,63}")


def run(context: Context, arrival: Arrival) -> None:
    one = Import(context, arrival.told)
    folder = context.place.arrivals
    context.files.directory(folder)
    dump = folder / "dump"
    try:
        context.files.remove(dump)
        size = arrival.keep(dump)
        if one.has_database:
            context.voice.say(f"{size / 2**20:.1f} MiB have arrived")
        one.take_lock()
        one.load(dump)
    finally:
        context.files.remove(folder)
    one.take_its_place()


def undo(context: Context, arrival: Arrival) -> None:
    one = Import(context, arrival.told)
    one.take_lock()
    one.undo()


def recover(context: Context) -> None:
    """After one that was killed: it is either done or undone, and nothing that had arrived stays."""
    stopped = Stopped.read(context)
    try:
        one = Import(context, {} if stopped is None else stopped.told)
    except Stop:
        # It refused before it changed anything, and would do so again.
        if stopped is None:
            return
        raise
    one.take_lock()
    one.recover()
    context.files.remove(context.place.arrivals)


@dataclass(frozen=True)
class Stopped:
    """What stands still for an import, on the disk until it runs again: a kill forgets the rest."""

    units: list[str]
    # Whether visitors saw the maintenance page before.
    shut: bool
    # What the import was told.
    told: dict[str, Any]
    # What is to become of it, should it be cut off now: it is put back ('back'), kept ('keep'), or undone ('undo').
    then: str = "back"

    @staticmethod
    def read(context: Context) -> "Stopped | None":
        path = context.place.stopped
        return Stopped(**json.loads(path.read_text())) if path.exists() else None

    def write(self, context: Context) -> "Stopped":
        context.files.put(context.place.stopped, json.dumps(asdict(self)), lasting=True)
        return self


class Import:
    """:param told: how the site's health is asked, and what migrates: see scripts/import.ts"""

    def __init__(self, context: Context, told: dict[str, Any]) -> None:
        self._context = context
        self._told = told
        settings = context.settings(())
        # Which of them are secret a step knows; here all are that are as long as one, but for what everybody sees.
        secret = [name for name, value in settings.values.items() if len(value) >= _SECRET and name not in _SEEN]
        context.settings(tuple(secret))
        url = urlsplit(settings.values.get("DATABASE_URL", ""))
        if url.scheme not in POSTGRES or url.hostname != "127.0.0.1":
            raise Stop(
                "the application's DATABASE_URL names no PostgreSQL of this host.",
                "Load the dump with the tools of the database that it has.",
            )
        live = context.ledger.live()
        if not live:
            raise Stop("nothing is live on this host.", "Deploy the application first: npm start")
        self._release = context.ledger.release(release_of(live))
        self._cluster = Cluster(context)
        self._database = unquote(url.path.removeprefix("/"))
        self._new = f"{self._database}_import"
        self._before = f"{self._database}_before_import"
        # What the site had, until the imported data is proven: the one of an earlier import is kept until then.
        self._aside = f"{self._database}_import_aside"
        # Whether a database comes, and for which directories uploads do.
        self.has_database: bool = told.get("database", True)
        self._directories: list[str] = told.get("uploads", [])
        self._uploads = Uploads(context, self._directories)

    def take_lock(self) -> None:
        if not self._context.world.take_lock(wait=False):
            self._context.voice.say("a deployment is under way on this host; waiting for its end")
            self._context.world.take_lock()

    def load(self, dump: Path) -> None:
        """Loads the dump into a database beside the one that is there."""
        cluster, voice = self._cluster, self._context.voice
        if cluster.has(self._aside) or Stopped.read(self._context) is not None:
            raise Stop("an import was cut off before its end.", "Take it back first, with --undo.")
        if not self.has_database:
            return
        usual = cluster.extensions_of_superuser(self._database)
        wanted = self._extensions(dump, usual)
        cluster.drop(self._new)
        try:
            cluster.make(self._new, like=self._database, extensions=wanted)
            voice.say("loading it into a database of its own; the site goes on meanwhile")
            lines = kept_lines()
            if self._loader(["load", self._new], dump, lines) != 0:
                voice.refuse_full_disk()
                raise Stop(
                    "the dump could not be loaded; what is wrong is above.",
                    f"The site and its data are as they were.{_advice(lines)}",
                )
            told = json.loads(lines[-1])
            cluster.gather(self._new, wanted, usual)
        except BaseException:
            cluster.drop(self._new)
            raise
        of_elsewhere = f"; {told['ignored']} statements about accounts of its own server have no effect here"
        voice.say(f"{told['rows']} rows in {told['tables']} tables{of_elsewhere if told['ignored'] else ''}")

    def _extensions(self, dump: Path, usual: dict[str, str]) -> dict[str, str]:
        """The schema of each extension that the dump makes and that only the superuser may make."""
        lines = kept_lines()
        if self._loader(["extensions"], dump, lines) != 0:
            raise Stop("the file is no dump of PostgreSQL that can be read; what is wrong is above.")
        return {
            name: schema if _NAME.fullmatch(schema) and not schema.startswith("pg_") else "extensions"
            for name, schema in json.loads(lines[-1])
            if name in usual
        }

    def _loader(self, words: list[str], dump: Path, lines: collections.deque[str]) -> int:
        voice = self._context.voice

        def listen(line: str, is_error: bool) -> None:
            voice.log(line)
            if is_error:
                voice.show([line])
            lines.append(voice.mask(line))

        argv = ["/usr/bin/python3", "-Es", f"{self._context.place.library}{_LOADER}", *words]
        return self._context.inside.run(self._release, argv, listen, stdin=dump)

    def take_its_place(self) -> None:
        """Puts the loaded one in the place of the one that is there, and proves the site."""
        voice = self._context.voice
        voice.say("visitors see the maintenance page; what runs of the application is stopped")
        stopped = self._stop()
        try:
            if self.has_database:
                self._cluster.swap(self._database, self._aside, self._new)
            self._uploads.take()
            if self.has_database:
                self._migrate()
            self._start(stopped)
            self._prove("with the imported data")
        except BaseException:
            voice.say("putting back what was there before")
            self._stop()
            self._put_back(stopped)
            raise
        kept = self._keep(replace(stopped, then="keep").write(self._context))
        voice.say(f"the site is healthy; what was there before is kept as {' and '.join(kept)}")

    def undo(self) -> None:
        cluster, files, last = self._cluster, self._context.files, self._context.place.kept
        if self._is_cut():
            self.recover()
            return
        # What the last import has brought; an import of a dump alone has not always said it.
        told = json.loads(last.read_text()) if last.exists() else {}
        found = Import(self._context, {**self._told, **told})
        has_before = found.has_database and cluster.has(self._before)
        if not has_before and not found._uploads.are_kept():
            raise Stop("there is no import to take back: no database of before is kept.")
        self._context.voice.say("visitors see the maintenance page; what runs of the application is stopped")
        found._undo(replace(found._stop(), then="undo").write(self._context))
        files.remove(last)
        found._prove("with what was there before")
        self._context.voice.say("what was there before is back, and the site is healthy")

    def _undo(self, stopped: Stopped) -> None:
        """Goes on with it, however much of it is done."""
        self._uploads.undo()
        if self.has_database and self._cluster.has(self._before):
            self._cluster.drop(self._new)
            self._cluster.swap(self._database, self._new, self._before)
        self._start(stopped)
        self._open(stopped)
        self._cluster.drop(self._new)

    def _is_cut(self) -> bool:
        return self._cluster.has(self._aside) or Stopped.read(self._context) is not None

    def recover(self) -> None:
        """An import or an undo that was cut off goes on to its end, or what there was is put back."""
        # Nobody else runs anything there while the lock is held.
        self._context.inside.stop()
        if self._is_cut():
            self._context.voice.say("an import was cut off before its end")
            stopped = self._stop()
            if stopped.then == "keep":
                self._keep(stopped)
            elif stopped.then == "undo":
                self._undo(stopped)
                self._context.files.remove(self._context.place.kept)
            else:
                self._put_back(stopped)
                self._context.voice.say("what was there before it is there again")
        self._cluster.drop(self._new)

    def _put_back(self, stopped: Stopped) -> None:
        self._uploads.back()
        if self._cluster.has(self._aside):
            self._cluster.drop(self._new)
            self._cluster.swap(self._database, self._new, self._aside)
        self._start(stopped)
        self._open(stopped)
        self._cluster.drop(self._new)

    def _keep(self, stopped: Stopped) -> list[str]:
        """What was there before, for an undo: where it is."""
        files, place = self._context.files, self._context.place
        # What an earlier one has left of what this one did not bring: nothing would lead back to it.
        earlier = json.loads(place.kept.read_text()) if place.kept.exists() else {}
        if not self.has_database:
            self._cluster.drop(self._before)
        Uploads(self._context, [one for one in earlier.get("uploads", []) if one not in self._directories]).forget()
        if self._cluster.has(self._aside):
            self._cluster.drop(self._before)
            self._cluster.rename(self._aside, self._before)
        self._uploads.keep()
        brought = {"database": self.has_database, "uploads": self._directories}
        files.put(place.kept, json.dumps(brought), lasting=True)
        self._start(stopped)
        self._open(stopped)
        before = [f"the database '{self._before}'"] if self.has_database else []
        return before + [f"{one}/.berth-copy/before" for one in self._directories]

    # The site

    def _stop(self) -> Stopped:
        """Shows the maintenance page, and stops sockets and timers before what they would start again."""
        place = self._context.place
        patterns = (f"{place.name}-*@*.socket", f"{place.name}-*.timer", f"{place.name}-*@*.service")
        units = [unit for pattern in patterns for unit in self._units("active,activating,reloading", pattern)]
        before = Stopped.read(self._context)
        if before is None:
            stopped = Stopped(units, place.maintenance.exists(), self._told)
            stopped.write(self._context)
        else:
            # Of one that was cut off, or a moment ago.
            stopped = replace(before, units=[*before.units, *(one for one in units if one not in before.units)])
        place.maintenance.touch()
        # What a timer has begun is not begun again before its time comes.
        begun = [unit for unit in self._units("activating", f"{place.name}-*.service") if "@" not in unit]
        self._context.systemd.stop_and_wait([*units, *begun])
        return stopped

    def _units(self, states: str, pattern: str) -> list[str]:
        _, text = self._context.world.systemctl("list-units", "--plain", "--no-legend", f"--state={states}", pattern)
        return [line.split()[0] for line in text.splitlines() if line.strip()]

    def _start(self, stopped: Stopped) -> None:
        self._context.systemd.start_and_wait(stopped.units)

    def _open(self, stopped: Stopped) -> None:
        if not stopped.shut:
            self._context.place.maintenance.unlink(missing_ok=True)
        self._context.files.remove(self._context.place.stopped)

    def _prove(self, what: str) -> None:
        world, told, socket = self._context.world, self._told, self._context.place.socket
        end = world.now() + _HEALTH
        while (status := world.ask(socket, told["domain"], told["scheme"], told["health"], 10)) != 200:
            if world.now() > end:
                found = f"answers {status}" if status else "does not answer"
                raise Stop(
                    f"{what}, {told['health']} {found}, and 200 was expected.",
                    "See 'npm run logs -- web'. What was there before the command is there again.",
                )
            world.sleep(0.5)

    def _migrate(self) -> None:
        """What was written by an older version of the application fits the one that is live."""
        line = self._told.get("releaseCommand") or Procfile(self._release.procfile, ()).lines.get("release", "")
        django = ["python", "-m", "django", "migrate", "--noinput"] if self._told.get("django") else []
        argv = ["/bin/bash", "-c", line] if line else django
        if not argv:
            return
        voice = self._context.voice
        voice.say("migrating it")
        heard = Heard(voice)
        if self._context.inside.run(self._release, ["/usr/bin/env", "--", *argv], heard) != 0:
            voice.show(cause(heard.lines))
            voice.refuse_full_disk()
            raise Stop(
                "the imported data could not be migrated; the last lines are above.",
                "What was there before the import is there again. Deploy the version of the application that the dump "
                "comes from, import it there, and then deploy the new one.",
            )


def _advice(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    refused = re.search(r'permission denied to create extension "([\w-]+)"', text)
    if refused:
        return f" Write 'postgres.extensions: [{refused[1]}]' into the stack's file, deploy it, and import again."
    if re.search(r'extension "[\w-]+" is not available', text):
        return " The extension's Debian package is missing: name it in 'app.packages', deploy, and import again."
    return ""
