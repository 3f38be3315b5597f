"""What a Django project says of its own files: what Berth can settle is settled, and the rest is refused or told."""

import dataclasses
import json
import posixpath
import re
from collections.abc import Mapping, Sequence

from . import shared
from .context import Context
from .faults import Stop
from .source import Code

# What directories of collected files and of uploads are called.
_OF_FILES = r"static|media|upload|asset|public|collected|files"
_FROM_ENVIRONMENT = "docs/deploying-your-application.md shows the lines."
_COLLECT_THEM = (
    "If pages need these files, collect them: write STATICFILES_DIRS = [STATIC_ROOT] (next to what it has), and below "
    'it STATIC_ROOT = os.environ["STATIC_ROOT"]. To leave the project unchanged, write both below '
    "'from shop.settings import *' in a settings module of app.files, and name that as app.settings. If collectstatic "
    "has made them all, take the directory out of the source."
)


@dataclasses.dataclass(frozen=True)
class Project:
    """Paths in the release are relative to it. A root that is the one of the environment is None."""

    static_root: str | None
    # Whether it has none, and pages that need one.
    static_root_missing: bool
    static_url: str | None
    # Whether the application itself answers for static files as well.
    static_by_itself: bool
    media_root: str | None
    media_url: str | None
    # Whether it has a directory for uploads, and its storage puts them there.
    keeps_uploads: bool
    # The files of databases that are SQLite's, by their aliases.
    sqlite: Mapping[str, str]
    # The aliases of caches that lie where the queue is.
    caches_in_queue: Sequence[str]
    # The settings module that makes up another SECRET_KEY in each process.
    random_key_of: str | None


def read(line: str, *, by_stack: bool) -> Project:
    """As own_settings.py tells it, in a process of the application's, which may print what it likes.

    :param by_stack: whether the stack itself names the directory of static files (app.static)
    """
    try:
        project = Project(**json.loads(line))
        texts = (
            *(project.static_root, project.static_url, project.media_root, project.media_url),
            project.random_key_of,
        )
        is_right = all(text is None or isinstance(text, str) for text in texts) and all(
            isinstance(text, str) for text in (*project.sqlite.values(), *project.caches_in_queue)
        )
    except (ValueError, TypeError, AttributeError):
        is_right = False
    if not is_right:
        raise Stop(
            "what the project's settings say of its files cannot be read.", "A module of it prints in their place."
        )
    if by_stack:
        project = dataclasses.replace(project, static_root=None, static_root_missing=False, static_url=None)
    return project


def refuse(project: Project) -> None:
    """What would go live healthy and broken."""
    for alias, file in project.sqlite.items():
        if posixpath.isabs(file):
            continue
        raise Stop(
            f"the project's database '{alias}' is SQLite at {file} in the release, where nothing can be "
            "written, and which the next release would not have.",
            f"Take DATABASES from DATABASE_URL, which names PostgreSQL; {_FROM_ENVIRONMENT} "
            "A file of SQLite may lie below DATA_ROOT, which outlives releases. "
            "A project without a database has DATABASES = {}.",
        )
    if project.random_key_of is not None:
        raise Stop(
            f"the settings {project.random_key_of} make up another SECRET_KEY in each process: one worker would "
            "reject what another one has signed, and log people out.",
            'Write SECRET_KEY = os.environ["SECRET_KEY"]: Berth hands over a key that stays. To leave the project '
            f"unchanged, write it below 'from {project.random_key_of} import *' in a settings module of app.files, "
            "and name that as app.settings.",
        )
    if project.static_root_missing:
        raise Stop(
            "the project sets no STATIC_ROOT, and its storage of static files reads their names there.",
            f"Take STATIC_ROOT from the environment; {_FROM_ENVIRONMENT}",
        )
    root, url = project.static_root, project.static_url or ""
    if root is not None and posixpath.isabs(root):
        raise Stop(
            f"the project's STATIC_ROOT is {root}, which is neither in the release nor what Berth gave it.",
            f'Write STATIC_ROOT = os.environ["STATIC_ROOT"]; {_FROM_ENVIRONMENT} To leave the project unchanged, '
            "write it below 'from MODULE import *' in a settings module of app.files, and name that as app.settings.",
        )
    if url and not project.static_by_itself and "//" not in url and url.strip("/") != "static":
        raise Stop(
            f"the project's STATIC_URL is {url}, and static files are served under /static/.",
            f"Take STATIC_URL from the environment; {_FROM_ENVIRONMENT}",
        )


def settle(context: Context, source: Code, project: Project, static: str) -> None:
    """Leads the project's own directories in the release to where the files are.

    :param static: where this release's static files are
    """
    _lead(context, source, "STATIC_ROOT", project.static_root, static)
    top = context.place.told_root
    root, media = project.media_root, context.place.told_media
    if root is None:
        return
    if not posixpath.isabs(root):
        _lead(context, source, "MEDIA_ROOT", root, media)
    elif not f"{root}/".startswith((f"{media}/", f"{top}/data/", f"{top}/logs/")):
        raise Stop(
            f"the project's MEDIA_ROOT is {root}, where the application may not write: every upload would fail.",
            f"Take MEDIA_ROOT from the environment; {_FROM_ENVIRONMENT}",
        )


def tell_of_uploads(context: Context, project: Project, public: bool | None) -> None:
    """What visitors see of them, where that may be another thing than was meant.

    :param public: whether the stack has nginx serve them (media.public); None where it does not say
    """
    if not project.keeps_uploads:
        return
    if public is None:
        context.voice.say(
            f"nobody sees uploads in {context.place.told_media} unless the application shows them; "
            "'media.public: true' serves them to everyone, 'media.public: false' ends this line"
        )
    url = project.media_url or ""
    if public and "//" not in url and url.strip("/") != "media":
        context.voice.say(f"the project's MEDIA_URL is {url}, and nginx serves uploads only under /media/")


def tell_of_caches(context: Context, project: Project) -> None:
    """What takes tasks away without a word."""
    if project.caches_in_queue:
        context.voice.say(
            f"CACHES of the project puts {', '.join(project.caches_in_queue)} where the queue is (REDIS_URL): "
            "cache.clear() empties the queue. Let CACHES read CACHE_URL, another Redis"
        )


def _lead(context: Context, source: Code, setting: str, path: str | None, target: str) -> None:
    """Puts a link at the path.

    It is the word of the application's account, and the owner makes the link. So it is not in the environment, which
    releases share, and is nothing that a program would import.
    """
    if path is None:
        return
    parts = path.split("/")
    is_plain = not any(part in ("", ".", "..", ".venv", "node_modules") for part in parts)
    if not is_plain or not re.search(_OF_FILES, parts[-1], re.IGNORECASE):
        raise Stop(
            f"the project's {setting} is {path}, which Berth does not take for a directory of files.",
            f"Take {setting} from the environment; {_FROM_ENVIRONMENT}",
        )
    if shared.lead(context, source, path, target):
        return
    raise Stop(
        f"the project's {setting}, {path}, holds files already, of the source or of app.build.commands, and "
        "nothing can be written there.",
        _COLLECT_THEM
        if setting == "STATIC_ROOT"
        else f"Take {setting} from the environment, or take the directory out of the source; {_FROM_ENVIRONMENT}",
    )
