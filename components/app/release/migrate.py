"""Migrates the database while the release before serves: Django's own command, or the release's in its place."""

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from . import symptoms
from .context import Context
from .facts import Live
from .faults import HeldUp, Stop
from .procfile import Procfile
from .records import Plan, Release
from .services import away
from .settings import Settings
from .tracebacks import cause
from .voice import Heard

_ABOVE = "Its last lines are above. The site still runs the previous release."
# For how long what app-release has found holds, in seconds.
_PLAN_HOLDS = 600
_POSTGRES_URLS = ("postgres:", "postgresql:")
# Django's name for the first database.
_DEFAULT = "default"
# The release prints it, and a name becomes part of a path.
_TO_DO = re.compile(r"to migrate(?: in ([A-Za-z0-9_-]{1,40}))?: ")


def plan_of(lines: Iterable[str], settings: Settings, now: float) -> Plan:
    """What django_release.py has told of migrations to apply."""
    found = [match[1] or _DEFAULT for match in map(_TO_DO.match, lines) if match is not None]
    return Plan(settings.digest, len(found), now, tuple(dict.fromkeys(found)))


class MigrationFailed(Exception):
    """The reason, and the lines that show the cause."""

    def __init__(self, reason: str, words: list[str]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.words = words


class Migration:
    def __init__(self, context: Context, facts: Live, settings: Settings, release: Release) -> None:
        self._context = context
        self._facts = facts
        self._settings = settings
        self._release = release
        self._python = f"{context.place.told_root}/releases/{release.id}/.venv/bin/python"

    def run(self) -> None:
        if not self._context.place.web or self._facts.kept:
            return
        self._apply()
        if self._release.check_waits:
            self._check()

    def _apply(self) -> None:
        facts = self._facts
        line = facts.release_command or Procfile(self._release.procfile, facts.kinds).lines.get("release", "")
        if not line and facts.django is None:
            return
        databases = self._databases() if facts.django is not None else (_DEFAULT,)
        # All of them first: what is in one may belong to what is in another.
        for alias in databases:
            self._dump(alias)
        if line:
            self._migrate(f"the release's command '{line}'", ["/bin/bash", "-c", line])
            return
        for alias in databases:
            argv = [self._python, "-m", "django", "migrate", "--noinput", "--verbosity", "1"]
            if alias == _DEFAULT:
                self._migrate("Django's migrate", argv)
            else:
                self._migrate(f"Django's migrate of the database '{alias}'", [*argv, f"--database={alias}"])

    def _databases(self) -> tuple[str, ...]:
        """Those that have migrations to apply: as app-release has just found, or asked anew."""
        plan = self._release.plan
        now = self._context.world.time()
        if plan is not None and plan.settings == self._settings.digest and now - plan.at < _PLAN_HOLDS:
            return plan.databases
        lines: list[str] = []
        errors: list[str] = []
        if self._ask(["django_release.py", "migrations"], lines, errors=errors) != 0:
            raise Stop("Django's migrations cannot be listed.", f"{_ABOVE} {symptoms.told([*lines, *errors])}".rstrip())
        return plan_of(lines, self._settings, now).databases

    def _check(self) -> None:
        """What app-release could not ask yet: a check of the application's own that reads what was just migrated."""
        asked = self._release.asked
        questions = [] if asked is None else asked.check_questions()
        errors: list[str] = []
        lines: list[str] = []
        if questions and self._ask(["django_release.py", *questions], lines, errors=errors) != 0:
            raise Stop(
                "Django's check --deploy failed, which had waited for the migrations.",
                f"{_ABOVE} Its database is migrated. app.check says which checks run. "
                f"{symptoms.told([*lines, *errors])}".rstrip(),
            )
        self._context.voice.show(lines)

    def _ask(
        self,
        program: list[str],
        lines: list[str],
        stdout: Path | None = None,
        errors: list[str] | None = None,
    ) -> int:
        """Runs a program of Berth's own in the release; its errors are shown."""
        voice = self._context.voice

        def listen(line: str, is_error: bool) -> None:
            if is_error:
                voice.log(line)
                voice.show([line])
                if errors is not None:
                    errors.append(voice.mask(line))
            else:
                lines.append(line)

        argv = [self._python, f"{self._context.place.library}/program/release/application/{program[0]}", *program[1:]]
        return self._context.inside.run(self._release, argv, listen, stdout=stdout)

    def _dump(self, alias: str) -> None:
        """A dump that is there is of before the first try, and stays."""
        place, files, facts = self._context.place, self._context.files, self._facts
        path = place.dump(self._release.id, None if alias == _DEFAULT else alias)
        if not facts.dump or path.exists():
            return
        if facts.django is not None:
            program = ["django_release.py", "dump" if alias == _DEFAULT else f"dump:{alias}"]
        elif self._settings.values.get("DATABASE_URL", "").startswith(_POSTGRES_URLS):
            program = ["database_dump.py"]
        else:
            return
        files.directory(place.dumps.parent)
        files.directory(place.dumps)
        new = path.with_name(f".{path.name}")
        try:
            if self._ask(program, [], new) != 0:
                self._context.voice.refuse_full_disk()
                which = "" if alias == _DEFAULT else f" '{alias}'"
                raise Stop(
                    f"the database{which} could not be dumped, and so nothing was migrated.",
                    "Its last lines are above. app.dumpBeforeMigrate: false goes on without.",
                )
            new.rename(path)
        finally:
            new.unlink(missing_ok=True)

    def _migrate(self, what: str, argv: list[str]) -> None:
        voice = self._context.voice
        heard = Heard(voice)
        # A migration that would wait for a table holds up everyone who comes after it: it gives up instead.
        more = ['Environment="PGOPTIONS=-c lock_timeout=5s"']
        status = self._context.inside.run(self._release, argv, heard, more=more)
        self._forget_plan()
        if status == 0:
            return
        lines = heard.lines
        words = cause(lines)
        voice.show(words)
        voice.refuse_full_disk()
        if any("canceling statement due to lock timeout" in line for line in lines):
            raise HeldUp(
                f"{what} waited 5 s for a table that another transaction holds, and gave up.",
                "The site still runs the previous release. Run 'pulumi up' again when the table is free: "
                "'SELECT * FROM pg_locks' shows who holds it.",
            )
        missing = away(self._context.world, self._settings)
        if missing:
            raise HeldUp(f"{what} failed, and {'; '.join(missing)}.", f"{_ABOVE} The next 'pulumi up' tries again.")
        raise MigrationFailed(f"{what} failed.", words)

    def _forget_plan(self) -> None:
        ledger = self._context.ledger
        self._release = dataclasses.replace(self._release, plan=Plan("", 0, 0))
        # What else is known of it counts once it is proven.
        ledger.save_release(dataclasses.replace(ledger.release(self._release.id), plan=self._release.plan))
