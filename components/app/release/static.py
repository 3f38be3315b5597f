"""What Django has to say of a release, and the static files.

Code of the application runs as its own account, which may write no static file that is served. So it collects into a
place of its own, which stands where STATIC_ROOT leads for that one unit, and the owner gets a copy: what the
account still holds of its place afterwards reaches nothing that is served.
"""

import dataclasses
import json
import posixpath
import threading
from collections.abc import Sequence
from pathlib import Path

from . import project, symptoms
from .context import Context
from .facts import Asked
from .faults import Stop
from .migrate import plan_of
from .place import release_of
from .records import Release
from .settings import Settings
from .source import Code
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
_CHECK_WAITS = "the check waits for the migrations"
# Where further files of a release are, below the static ones: no part of /static/, for its name begins with a dot.
SERVED = ".at"
# Of merge.py: a file is where a directory is to be, or a directory where a file is.
_UNFIT = 3
# What the static files of an instance that is not proven yet have replaced, by its name.
_KEPT = ".kept-"


class Statics:
    def __init__(self, context: Context, release: str, asked: Asked, code: Code, before: str) -> None:
        self._context = context
        self._asked = asked
        self._code = code
        # The release whose compressed files may be used again.
        self._before = before
        # Where the release has them, and where they are made.
        self._served = self._target = context.place.static / release
        self._faults: list[Exception] = []

    def make(self, release: Release, settings: Settings) -> Release:
        """The static files of a release, and what Django says of it."""
        self._open(self._target)
        for there, (source, *needed) in self._asked.served.items():
            self._serve(source, there, needed)
        if self._asked.static is not None:
            self._copy(self._asked.static)
        if self._asked.static is not None or (self._asked.served and self._asked.django is None):
            self._compress()
        if self._asked.django is not None:
            release = self._ask_django(release, settings)
        return dataclasses.replace(release, samples=self._samples())

    def again(self, release: Release, settings: Settings, instance: str) -> Release:
        """The same with other settings: files are collected beside those that are served, and put among them.

        What they replace is kept until the instance with these settings is proven, or has failed: see take_back.
        """
        context = self._context
        self._target = context.place.static / ".again"
        self._open(self._target)
        try:
            release = self._ask_django(release, settings)
            if self._asked.static is None:
                kept = _kept(context, instance)
                self._open(kept)
                _merge(context, self._target, self._served, kept)
            collected = self._samples()
        finally:
            context.files.discard(self._target, context.place.gone)
        kept_samples = tuple(sample for sample in release.samples if sample[0].startswith(f"{SERVED}/"))
        return dataclasses.replace(release, samples=(*collected, *kept_samples))

    def _open(self, target: Path) -> None:
        self._context.files.discard(target, self._context.place.gone)
        self._context.files.directory(target, f"{self._context.place.owner}:www-data", 0o2755)

    def _samples(self) -> tuple[tuple[str, str], ...]:
        """Some of the files, by which a release that goes live shows whether they are served."""
        place = self._context.place
        program = f"{place.library}/program/release/samples.py"
        command = Command(["/usr/bin/python3", "-IS", program, place.told(self._target)], place.owner)
        return tuple((path, sha256) for path, sha256 in json.loads("".join(self._context.runner.lines_of(command))))

    def _copy(self, folder: str) -> None:
        if not self._code.look(there=[f"{folder}/."]).there[f"{folder}/."]:
            raise Stop(f"the release has no directory '{folder}' (app.static).")
        copy = Command(
            ["cp", "-r", "--no-preserve=mode", "--", f"./{folder}/.", f"{self._context.place.told(self._target)}/"],
            self._context.place.owner,
            self._code.directory,
            umask=0o022,
        )
        if self._context.runner.run(copy) != 0:
            raise Stop("the static files cannot be copied.", _ABOVE)

    def _serve(self, source: str, there: str, needed: Sequence[str]) -> None:
        """A directory, or one file, where nginx finds it by the path that is asked for."""
        place = self._context.place
        target = f"{place.told(self._target)}/{SERVED}/{there}"
        is_directory = there.endswith("/")
        wanted = f"{source}/." if is_directory else source
        within = [f"{source}/{path}" for path in needed]
        found = self._code.look(there=[wanted, *within]).there
        for path in (wanted, *within):
            if not found[path]:
                kind = "directory" if path == wanted and is_directory else "file"
                raise Stop(
                    f"the release has no {kind} '{path.removesuffix('/.')}' (site.locations).",
                    "It is looked for once the front end is built and app.build.commands have run.",
                )
        folder = target if is_directory else posixpath.dirname(target)
        # A directory in the place of a file is refused by cp.
        options = ["-r", "--no-preserve=mode"] if is_directory else ["--no-preserve=mode"]
        for words in (["mkdir", "-p", "--", folder], ["cp", *options, "--", f"./{wanted}", target]):
            if self._context.runner.run(Command(words, place.owner, self._code.directory, umask=0o022)) != 0:
                self._context.voice.refuse_full_disk()
                raise Stop(f"'{source}' of the release cannot be copied (site.locations).", _ABOVE)

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
        context, asked = self._context, self._asked
        collecting = [] if asked.static is not None else ["static"]
        questions = ["project", *collecting, *asked.check_questions(), "migrations"]
        migrations: list[str] = []
        found: list[str] = []
        errors: list[str] = []
        told: list[str] = []
        waiting: list[str] = []
        copying = threading.Thread(target=self._take_collected)

        def listen(line: str, is_error: bool) -> None:
            if not is_error and line == _COLLECTED:
                # The application may print it as well, and more than once.
                if copying.ident is None and asked.static is None and not asked.after_collectstatic:
                    copying.start()
            elif not is_error and line == _CHECK_WAITS:
                waiting.append(line)
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
        if asked.static is None:
            self._open_collected()
            more.append(f"BindPaths={context.place.collected}:{context.place.told(self._served)}")
        python = f"{context.place.told_root}/releases/{release.id}/.venv/bin/python"
        argv = [python, f"{context.place.library}/program/release/application/django_release.py", *questions]
        status = context.inside.run(release, argv, listen, more=more)
        if copying.ident is not None:
            copying.join()
        own = [project.read(line, by_stack=asked.static is not None) for line in told]
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
            project.settle(context, self._code, one, context.place.told(self._served))
            project.tell_of_uploads(context, one, asked.media_public)
            project.tell_of_caches(context, one)
        if asked.after_collectstatic:
            self._go_on_collecting(release, more)
        context.files.remove(context.place.collected)
        plan = plan_of(found, settings, context.world.time())
        return dataclasses.replace(release, migrations=tuple(migrations), plan=plan, check_waits=bool(waiting))

    def _go_on_collecting(self, release: Release, more: list[str]) -> None:
        """Runs the stack's own commands on what was collected, and takes it then.

        :param more: the properties of the unit that has collected it
        """
        voice = self._context.voice
        for command in self._asked.after_collectstatic:
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
    return f"What was printed is in {context.voice.log_path} on the host."


def take_back(context: Context, instance: str) -> None:
    """Puts back what the static files of an instance that has failed had replaced."""
    kept = _kept(context, instance)
    served = context.place.static / release_of(instance)
    if kept.exists() and served.is_dir():
        _merge(context, kept, served)
    forget_kept(context, instance)


def forget_kept(context: Context, instance: str) -> None:
    """The instance is proven: nothing that its static files have replaced is wanted any more."""
    context.files.discard(_kept(context, instance), context.place.gone)


def recover(context: Context) -> None:
    """After an interruption: the instance that boots decides whether it was proven."""
    for kept in context.place.static.glob(f"{_KEPT}*"):
        instance = kept.name.removeprefix(_KEPT)
        (forget_kept if instance == context.ledger.live() else take_back)(context, instance)


def _kept(context: Context, instance: str) -> Path:
    return context.place.static / f"{_KEPT}{instance}"


def _merge(context: Context, new: Path, served: Path, kept: Path | None = None) -> None:
    place = context.place
    folders = [place.told(one) for one in (new, served, kept) if one is not None]
    program = f"{place.library}/program/release/merge.py"
    said: list[str] = []

    def listen(line: str, _: bool) -> None:
        context.voice.log(line)
        said.append(line)

    command = Command(["/usr/bin/python3", "-IS", program, *folders], place.owner, umask=0o022)
    status = context.world.run(command, listen)
    if status == _UNFIT:
        raise Stop(
            f"the static files of these settings do not fit among those of the release: {said[-1]} is a directory in "
            "one and a file in the other.",
            "Change anything in the source: a new release has static files of its own.",
        )
    if status != 0:
        context.voice.refuse_full_disk()
        why = f": {said[-1]}" if said else ""
        raise Stop(f"the static files cannot be put among those that are served{why}.", _log(context))
