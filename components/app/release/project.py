"""What a Django project says of its own files: what Berth can settle is settled, and the rest is refused or told."""

import dataclasses
import json
import posixpath
from collections.abc import Mapping

from .context import Context
from .faults import Stop
from .source import Source

_FROM_ENVIRONMENT = "docs/deploying-your-application.md shows the lines."


@dataclasses.dataclass(frozen=True)
class Project:
    """Paths in the release are relative to it. A root that is the one of the environment is None."""

    static_root: str | None
    static_url: str | None
    # Whether the application itself answers for static files as well.
    static_by_itself: bool
    media_root: str | None
    media_url: str | None
    # The files of SQLite databases, by their names in DATABASES.
    databases: Mapping[str, str]


def read(line: str) -> Project:
    """As own_settings.py tells it."""
    return Project(**json.loads(line))


def refuse(project: Project) -> None:
    """What would go live healthy and broken."""
    for name, file in project.databases.items():
        if not posixpath.isabs(file):
            raise Stop(
                f"the project's database '{name}' is SQLite at {file} in the release, where nothing can be "
                "written, and which the next release would not have.",
                f"Take DATABASES from DATABASE_URL, which names PostgreSQL; {_FROM_ENVIRONMENT}",
            )
    root, url = project.static_root, project.static_url or ""
    if root is not None and posixpath.isabs(root):
        raise Stop(
            f"the project's STATIC_ROOT is {root}, which is neither in the release nor what Berth gave it.",
            f"Take STATIC_ROOT from the environment; {_FROM_ENVIRONMENT}",
        )
    if url and not project.static_by_itself and "//" not in url and url.strip("/") != "static":
        raise Stop(
            f"the project's STATIC_URL is {url}, and static files are served under /static/.",
            f"Take STATIC_URL from the environment; {_FROM_ENVIRONMENT}",
        )


def settle(context: Context, source: Source, project: Project, static: str) -> None:
    """Leads the project's own directories in the release to where the files are.

    :param static: where this release's static files are
    """
    if project.static_root is not None and not _link(context, source, project.static_root, static):
        raise Stop(
            f"the project's STATIC_ROOT, {project.static_root}, holds files of the source.",
            f"Take STATIC_ROOT from the environment, or take the directory out of the source; {_FROM_ENVIRONMENT}",
        )
    root = project.media_root
    if root is None:
        return
    told = f"the project's MEDIA_ROOT is {root}"
    if posixpath.isabs(root):
        context.voice.say(f"{told}, and uploads are kept and served in {context.place.told_root}/media alone")
    elif not _link(context, source, root, f"{context.place.told_root}/media"):
        context.voice.say(
            f"{told}, which holds files of the source: uploads will fail, for nothing can be written there"
        )
    url = project.media_url or ""
    if "//" not in url and url.strip("/") != "media":
        context.voice.say(f"the project's MEDIA_URL is {url}, and uploads are served under /media/ alone")


def _link(context: Context, source: Source, path: str, target: str) -> bool:
    """Whether it could be made: an empty directory goes for it, and nothing else does."""
    script = '{ [ ! -d "$1" ] || rmdir "$1"; } && mkdir -p "$(dirname "$1")" && ln -sT "$2" "$1"'
    return context.runner.run(source.as_owner("sh", "-c", script, "sh", path, target)) == 0
