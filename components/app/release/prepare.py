"""Prepares a release next to what runs: nothing that runs is touched, and it counts when its record says so."""

import dataclasses
import datetime
import os
import re
import threading

from . import beside, build, frontend, gunicorns, shared, states
from .context import Context
from .dependencies import Dependencies, files_to_read
from .facts import Prepare, entry_key
from .faults import FullDisk, LostLock, Stop
from .place import release_of
from .procfile import Procfile
from .records import Release
from .settings import Settings
from .source import Source
from .static import Statics
from .uv import Uv
from .world import Command


def prepare(context: Context, facts: Prepare) -> None:
    context.ledger.open()
    context.recover()
    settings = context.settings(facts.secrets)
    release = context.ledger.release(facts.release)
    if release.state in (states.PREPARED, states.PROVEN) and not context.ledger.is_there(release):
        release = context.ledger.move_release(release, "lost")
    is_ready = context.ledger.is_there(release)
    if facts.kept and not is_ready:
        raise Stop(
            f"this host has not kept release {facts.release} (app.release); it has: {_kept(context)}.",
            "Name one of these, or take app.release out and deploy its source.",
        )
    live = release_of(context.ledger.live()) if context.ledger.live() else ""
    if not is_ready:
        try:
            release = _make(context, facts, settings, live)
        except LostLock:
            raise
        except Exception as fault:
            stop = context.as_stop(fault)
            _note_failure(context, facts, live, stop)
            raise stop from fault
    elif not facts.kept and release.asked != facts.asked:
        release = dataclasses.replace(release, asked=facts.asked)
        context.ledger.save_release(release)
    _prove(context, release)
    gunicorns.check_worker_class(context, facts, release, settings.values)
    if facts.kept:
        beside.refuse_without(release, facts)
        check_procfile(context, facts, Procfile(release.procfile, facts.kinds))
    _tell_migrations(context, live, release)


def _make(context: Context, facts: Prepare, settings: Settings, live: str) -> Release:
    context.voice.refuse_full_disk()
    make_room(context, facts.release)
    release = context.ledger.release(facts.release)
    _clear(context, facts.release)
    release = context.ledger.move_release(release, "wanted", **_fresh(context, facts))
    source = Source(context, facts)
    context.files.directory(source.directory, f"{context.place.owner}:{context.place.name}", 0o2750)
    source.fetch()
    module = facts.module.replace(".", "/")
    paths = settings.values.get("PYTHONPATH", "").split(":")
    searched = ["", *(f"{path.strip('/')}/" for path in paths if path and not path.startswith("/"))]
    modules = [f"{folder}{module}{end}" for folder in searched for end in (".py", "/__init__.py")]
    wanted = files_to_read(facts.requirements)
    tree = source.look(
        ["Procfile", gunicorns.PROJECT, *frontend.files(facts.build.front_end), *wanted], modules, whole=True
    )
    release = dataclasses.replace(release, procfile=tree.texts["Procfile"] or "")
    procfile = Procfile(release.procfile, facts.kinds)
    check_procfile(context, facts, procfile)
    if "web" in procfile.lines:
        context.voice.say(
            f"the Procfile's line 'web' is not run: {facts.server} serves the application, as app.server says"
        )
    if facts.server == "gunicorn":
        gunicorns.tell_overruled(context, tree.texts[gunicorns.PROJECT])
    uv = Uv(context, facts, source)
    built = Dependencies(context, facts, source, uv).install(tree)
    if not any(tree.there[one] for one in modules) and set(modules).isdisjoint(facts.files):
        _refuse_without(context, facts, source)
    built = frontend.build(context, source, uv, tree, facts.build.front_end) or built
    built = build.run(context, source, facts.build) or built
    if built:
        source.look(whole=True)
    shared.make(context, facts, source)
    beside.link(context, source, facts)
    release = dataclasses.replace(release, files=tuple(facts.files), asked=facts.asked, asked_with="")
    # Nobody but the owner may write what Python makes of the code; it is made while Django is asked.
    compiling = threading.Thread(target=_compile, args=(context, source))
    compiling.start()
    try:
        release = Statics(context, facts.release, facts.asked, source, live).make(release, settings)
    finally:
        compiling.join()
    context.world.sync(source.directory)
    release = context.ledger.move_release(release, "complete")
    _take_archives_away(source, facts)
    return release


# Where an environment has a module; the first place of all is the directory that this runs in, the source itself.
_FIND = """
import os, sys
name = sys.argv[1].replace(".", "/")
files = (f"{place}/{name}{end}" for place in sys.path[1:] for end in (".py", "/__init__.py"))
sys.exit(not any(map(os.path.isfile, files)))
"""


def _refuse_without(context: Context, facts: Prepare, source: Source) -> None:
    """A dependency may have what the source has not: Django its own callable, or the whole application."""
    may_be = not facts.module.startswith("django.") or re.fullmatch(r"django\.core\.[aw]sgi", facts.module)
    find = source.as_owner(f"{source.directory}/.venv/bin/python", "-c", _FIND, facts.module)
    if may_be and context.runner.run(find) == 0:
        return
    raise Stop(
        f"this source has no module '{facts.module}' ({entry_key(facts.server)}), and none of its dependencies has it.",
        "Where it lies in a directory of its own, such as src, write PYTHONPATH: src below app.env.",
    )


def _fresh(context: Context, facts: Prepare) -> dict[str, object]:
    now = datetime.datetime.fromtimestamp(context.world.time(), datetime.UTC)
    return {
        "commit": facts.git.commit if facts.git else "",
        "server": facts.server,
        "released_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _compile(context: Context, source: Source) -> None:
    compileall = ["-m", "compileall", "-q", "-x", r"/(\.venv|node_modules)/", "."]
    context.world.run(
        source.as_owner(f"{source.directory}/.venv/bin/python", *compileall), lambda line, _: context.voice.log(line)
    )


def check_procfile(context: Context, facts: Prepare, procfile: Procfile) -> None:
    """What the stack names and what the Procfile has fit together. One that is rolled back to runs what it can."""
    for name in procfile.unnamed(facts.all_processes):
        reason = f"its Procfile has a process '{name}', which the stack does not name"
        kind = procfile.kind_of(procfile.lines[name])
        todo = f"Add '{name}: {{kind: {kind}}}' to app.processes, or take the line out."
        _refuse(context, facts, reason, todo)
    for process in facts.processes:
        reason = procfile.unfit(process)
        if reason:
            todo = f"Look at app.processes.{process.name}: 'command' or 'kind' there."
            _refuse(context, facts, reason, todo)


def _refuse(context: Context, facts: Prepare, reason: str, todo: str) -> None:
    if not facts.kept:
        raise Stop(f"release {facts.release} cannot be run: {reason}.", todo)
    context.voice.say(f"release {facts.release}: {reason}; it is not run")


def _note_failure(context: Context, facts: Prepare, live: str, stop: Stop) -> None:
    """What is there is thrown away when it is prepared again; until then it says that it failed."""
    release = context.ledger.release(facts.release)
    try:
        if release.state == states.PREPARING:
            context.ledger.move_release(release, "disk full" if isinstance(stop, FullDisk) else "fault")
        if isinstance(stop, FullDisk):
            # What it filled the disk with is wanted by what runs.
            _clear(context, facts.release)
            _take_unfinished(context)
        context.note(live, facts.release, facts.git.commit if facts.git else "", "failed", stop.what)
    except OSError:
        return


def _prove(context: Context, release: Release) -> None:
    place = context.place
    directory = place.release(release.id)
    server = release.server
    program = directory / ".venv/bin" / server
    if not program.exists():
        raise Stop(
            f"the release has no {server}; its directory {directory} is damaged.",
            "Remove it and run 'pulumi up' again.",
        )
    # Asked as the service account itself: what counts is what the kernel lets it do.
    asked = 'test -w "$1" && exit 3; test -w "$1/.venv/" && exit 4; test -x "$1/" || exit 5'
    command = Command(["sh", "-c", asked, "sh", place.told(directory)], place.name)
    status = context.world.run(command, lambda line, _: context.voice.log(line))
    if status in (3, 4):
        where = directory if status == 3 else f"{directory}/.venv"
        raise Stop(f"the service account '{place.name}' can write the code of the release, {where}.")
    if status != 0:
        raise Stop(f"the service account '{place.name}' cannot read the release.")


def _tell_migrations(context: Context, live: str, release: Release) -> None:
    """Going back does not undo migrations; so it is said which there are that this release does not know."""
    if live == release.id or not live:
        return
    since = sorted(set(context.ledger.release(live).migrations) - set(release.migrations))
    if since and release.migrations:
        context.voice.say(
            f"release {live} has migrations that release {release.id} does not know: {' '.join(since)}. "
            f"They stay applied; undo them with '{context.place.name}-manage migrate' before, "
            f"or be sure that release {release.id} can live with them."
        )


def make_room(context: Context, wanted: str) -> None:
    """What earlier runs left without ever having served goes; so the disk holds no more than what is kept, and one."""
    live = context.ledger.live()
    for name in known_releases(context):
        record = context.ledger.release(name)
        if name in (wanted, release_of(live)) or record.state == states.PROVEN or in_use(context, name):
            continue
        forget(context, record)
    _take_unfinished(context)


def _take_unfinished(context: Context) -> None:
    """Environments that an interruption or a full disk has left half made."""
    for path in context.place.venvs.iterdir():
        if not context.ledger.has_environment(path.name):
            context.files.discard(path, context.place.gone)


def known_releases(context: Context) -> set[str]:
    """By their records and by what lies on the disk."""
    folder = context.place.releases
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    return there | {one.id for one in context.ledger.releases()}


def forget(context: Context, release: Release) -> None:
    """Everything of it goes; its record last."""
    _clear(context, release.id)
    if release.state != states.NONE:
        context.ledger.move_release(release, "surplus")


def _clear(context: Context, release: str) -> None:
    place, files = context.place, context.files
    files.discard(place.release(release), place.gone)
    files.discard(place.static / release, place.gone)


def in_use(context: Context, release: str) -> bool:
    """An instance of it is there, one of its processes still finishes, or what a timer started."""
    place = context.place
    if place.instances.exists():
        for path in place.instances.iterdir():
            if path.is_dir() and not path.is_symlink() and release_of(path.name) == release:
                return True
    code = f"{place.told_root}/releases/{release}"
    for path in context.world.path("/proc").glob("[0-9]*"):
        try:
            directory = os.readlink(path / "cwd")
        except OSError:
            # A process may end while it is looked at.
            continue
        if directory == code or directory.startswith(f"{code}/"):
            return True
    return False


def _kept(context: Context) -> str:
    there = [one for one in context.ledger.releases() if one.state == states.PROVEN and context.ledger.is_there(one)]
    return " ".join(sorted(one.id for one in there))


def _take_archives_away(source: Source, facts: Prepare) -> None:
    """Each release brings an archive of its own; those of older ones are in nobody's way but the disk's."""
    if facts.archive is None:
        return
    own = source.archive_path(facts.archive)
    prefix = own.name.rsplit("-", 2)[0]
    for path in own.parent.glob(f"{prefix}-*.tar"):
        if path != own and path.is_file():
            path.unlink()
