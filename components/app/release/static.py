"""What Django has to say of a release, and the static files.

Code of the application runs as its own account, which may write no static file that is served. So it collects into a
place of its own, which stands where STATIC_ROOT leads for that one unit, and the owner gets a copy: what the
account still holds of its place afterwards reaches nothing that is served.
"""

import dataclasses
import json
import threading

from . import project, symptoms
from .context import Context
from .facts import Prepare
from .faults import Stop
from .migrate import plan_of
from .records import Release
from .settings import Settings
from .source import Source
from .tracebacks import cause
from .voice import Heard
from .world import Command

_ABOVE = "Its last lines are above; nothing that runs was changed."
_CHECK = 3
_FAULTS = {
    _CHECK: "Django's check --deploy failed.",
    4: "Django's migrations cannot be listed.",
    5: "Django's collectstatic failed.",
    7: "the project's settings cannot be loaded.",
}
# What django-release.py prints.
_HAS = "has the migration: "
_SETTINGS = "the project's settings: "
_COLLECTED = "static files are collected"


class Statics:
    def __init__(self, context: Context, facts: Prepare, source: Source, before: str) -> None:
        self._context = context
        self._facts = facts
        self._source = source
        # The release whose compressed files may be used again.
        self._before = before
        self._target = context.place.static / facts.release
        self._faults: list[Exception] = []

    def make(self, release: Release, settings: Settings) -> Release:
        """The static files of a release, and what Django says of it."""
        context, facts = self._context, self._facts
        context.files.discard(self._target, context.place.gone)
        context.files.directory(self._target, f"{context.place.owner}:www-data", 0o2755)
        if facts.static is not None:
            self._copy(facts.static)
            self._compress()
        if facts.django is not None:
            release = self._ask_django(release, settings)
        return dataclasses.replace(release, samples=self._samples())

    def _samples(self) -> tuple[tuple[str, str], ...]:
        """Some of the files, by which a release that goes live shows whether they are served."""
        place = self._context.place
        program = f"{place.library}/program/release/samples.py"
        command = Command(["/usr/bin/python3", "-IS", program, place.told(self._target)], place.owner)
        return tuple((path, sha256) for path, sha256 in json.loads("".join(self._context.runner.lines_of(command))))

    def _copy(self, folder: str) -> None:
        if not self._source.look(there=[f"{folder}/."]).there[f"{folder}/."]:
            raise Stop(f"the release has no directory '{folder}' (app.static).")
        copy = Command(
            ["cp", "-r", "--no-preserve=mode", "--", f"./{folder}/.", f"{self._context.place.told(self._target)}/"],
            self._context.place.owner,
            self._source.directory,
            umask=0o022,
        )
        if self._context.runner.run(copy) != 0:
            raise Stop("the static files cannot be copied.", _ABOVE)

    def _compress(self) -> None:
        place = self._context.place
        folders = [place.told(place.static / self._before), place.told(self._target)]
        program = f"{place.library}/program/release/compress.py"
        command = Command(["/usr/bin/python3", "-IS", program, *folders], place.owner, umask=0o022)
        if self._context.runner.run(command) != 0:
            raise Stop("the static files cannot be compressed.", _ABOVE)

    def _ask_django(self, release: Release, settings: Settings) -> Release:
        """What 'check --deploy' finds, what is to be migrated, and the static files, in one process.

        The static files are copied and compressed while it goes on.
        """
        context, facts = self._context, self._facts
        checks = [] if facts.check is None else [":".join(["check", *facts.check])]
        questions = ["project", *([] if facts.static is not None else ["static"]), *checks, "migrations"]
        migrations: list[str] = []
        found: list[str] = []
        errors: list[str] = []
        told: list[str] = []
        copying = threading.Thread(target=self._take_collected)

        def listen(line: str, is_error: bool) -> None:
            if not is_error and line == _COLLECTED:
                # The application may print it as well, and more than once.
                if copying.ident is None and facts.static is None and not facts.build.after_collectstatic:
                    copying.start()
            elif not is_error and line.startswith(_SETTINGS):
                told.append(line.removeprefix(_SETTINGS))
            elif not is_error and line.startswith(_HAS):
                migrations.append(line.removeprefix(_HAS))
            else:
                context.voice.log(line)
                (errors if is_error else found).append(context.voice.mask(line))
                if not is_error:
                    context.voice.show([line])

        more = ["UMask=0022"]
        if facts.static is None:
            self._open_collected()
            more.append(f"BindPaths={context.place.collected}:{context.place.told(self._target)}")
        python = f"{context.place.told_root}/releases/{release.id}/.venv/bin/python"
        argv = [python, f"{context.place.library}/program/release/application/django_release.py", *questions]
        status = context.inside.run(release, argv, listen, more=more)
        if copying.ident is not None:
            copying.join()
        own = [project.read(line, by_stack=facts.static is not None) for line in told]
        for one in own:
            project.refuse(one)
        if status != 0:
            context.voice.show(cause(errors))
            context.voice.refuse_full_disk()
            of_check = " app.check says which checks run." if status == _CHECK else ""
            raise Stop(
                _FAULTS.get(status, _FAULTS[5]), f"{_ABOVE}{of_check} {symptoms.told([*found, *errors])}".rstrip()
            )
        for fault in self._faults:
            raise fault
        for one in own:
            project.settle(context, self._source, one, context.place.told(self._target))
            project.tell_of_uploads(context, one, facts.media_public)
        if facts.build.after_collectstatic:
            self._go_on_collecting(release, more)
        context.files.remove(context.place.collected)
        plan = plan_of(found, settings, context.world.time())
        return dataclasses.replace(release, migrations=tuple(migrations), plan=plan)

    def _go_on_collecting(self, release: Release, more: list[str]) -> None:
        """Runs the stack's own commands on what was collected, and takes it then.

        :param more: the properties of the unit that has collected it
        """
        voice = self._context.voice
        for command in self._facts.build.after_collectstatic:
            voice.say(f"running '{command}'")
            heard = Heard(voice)
            if self._context.inside.run(release, ["/bin/bash", "-c", command], heard, more=more) != 0:
                voice.show(cause(heard.lines))
                voice.refuse_full_disk()
                raise Stop(
                    f"'{command}' failed (app.build.afterCollectstatic).",
                    f"{_ABOVE} {symptoms.told(heard.lines)}".rstrip(),
                )
        self._take_collected()
        for fault in self._faults:
            raise fault

    def _open_collected(self) -> None:
        place, files = self._context.place, self._context.files
        files.remove(place.collected)
        files.directory(place.collected, f"{place.name}:{place.name}", 0o755)

    def _take_collected(self) -> None:
        """A copy by two accounts: what the one reads, the other writes. Links become what they lead to."""
        try:
            place, runner = self._context.place, self._context.runner
            # Whatever the application made of their modes, nginx can read them.
            pack = ["tar", "--create", "--dereference", "--mode=u=rwX,go=rX", "--file=-", "."]
            unpack = ["tar", "--extract", "--no-same-owner", "--no-overwrite-dir", "--file=-"]
            status = self._context.world.pipe(
                Command(pack, place.name, place.collected),
                Command(unpack, place.owner, self._target, umask=0o022),
                lambda line, _: self._context.voice.log(line),
            )
            if status != 0:
                self._context.voice.refuse_full_disk()
                raise Stop("the static files that Django collected cannot be taken.", _log(self._context))
            odd = Command(
                ["find", ".", "!", "-type", "f", "!", "-type", "d", "-print", "-quit"], place.owner, self._target
            )
            for path in runner.lines_of(odd):
                raise Stop(f"the release has {path} among its static files, which is neither a file nor a directory.")
            self._compress()
        except Exception as fault:  # noqa: BLE001  # It is raised where the thread is waited for.
            self._faults.append(fault)


def _log(context: Context) -> str:
    return f"What tar printed is in {context.voice.log_path} on the host."
