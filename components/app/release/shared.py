"""Directories in a release that outlive it: each is a link to one of the application's own below ROOT/data."""

from .context import Context
from .facts import Prepare
from .faults import Stop
from .source import Code
from .world import Command

# The path is the owner's, and so is the link. It lies in the release by its real name.
_LINK = (
    '[ "$(readlink -- "$1")" != "$2" ] || exit 0; '
    '[ "$(realpath -m -- "$1")" = "$(pwd -P)/$1" ] || exit 1; '
    'if [ -d "$1" ]; then '
    'find "$1" -type f \\( -name .gitkeep -o -name .keep -o -name .gitignore \\) -size -2 -delete && '
    'find "$1" -depth -type d -empty -delete; fi; '
    # The caller says that something is there, and what to do.
    'if [ -e "$1" ] || [ -L "$1" ]; then exit 1; fi; mkdir -p "$(dirname "$1")" && ln -sT "$2" "$1"'
)


def lead(context: Context, source: Code, path: str, target: str) -> bool:
    """Puts a link at a path of the release; false where something is there already.

    A directory goes for it that holds nothing, or what only keeps it in git.
    """
    return context.runner.run(source.as_owner("sh", "-c", _LINK, "sh", path, target)) == 0


def make(context: Context, facts: Prepare, source: Code) -> None:
    """The links of app.shared, and the directories that they lead to."""
    place = context.place
    for path, name in facts.shared.items():
        target = f"{place.told_root}/data/{name}"
        # The application may put a link there, so it is the one to follow it.
        if context.runner.run(Command(["mkdir", "-p", "--", target], place.name)) != 0:
            raise Stop(f"{target} (app.shared) cannot be made.", "What mkdir said of it is above.")
        if not lead(context, source, path, target):
            raise Stop(
                f"the release has files at {path} (app.shared), of the source or of app.build.commands, "
                f"where a link to {target} must be.",
                "Take them out of the source, and put what is needed of them into that directory on the host.",
            )
