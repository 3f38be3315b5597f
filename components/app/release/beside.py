"""Files beside an application's code: in the release there is a link to each, and every instance has its own.

The link leads to where the files of now are. In the units of an instance its own files stand in that place
(environment.conf.liquid), so that one release runs with several versions of them, and root, which puts them there, goes
through no directory of the owner's.
"""

from .context import Context
from .facts import Prepare
from .faults import Stop
from .records import Release
from .source import Source

# As the owner, who may do in the release what the account likes. 3: it is there; 4: it is elsewhere; 5: a directory.
_LINK = (
    'above=$(dirname -- "$1"); [ "$(realpath -m -- "$above")" = "$(realpath -ms -- "$above")" ] || exit 4; '
    'if [ -d "$1" ] && [ ! -L "$1" ]; then exit 5; fi; '
    'if [ -e "$1" ] || [ -L "$1" ]; then [ "$3" = replace ] || exit 3; rm -f -- "$1"; fi; '
    'mkdir -p -- "$above" && ln -sT -- "$2" "$1"'
)
_REASONS = {
    3: "is in the release already, of the source or of app.build.commands",
    4: "would lie behind a link of the release",
    5: "is a directory of the release",
}


def link(context: Context, source: Source, facts: Prepare) -> None:
    """Leads from where the application looks for the files to where they are."""
    place = context.place
    for path, replace in facts.files.items():
        target = place.told(place.files / path)
        words = ["sh", "-c", _LINK, "sh", path, target, "replace" if replace else ""]
        status = context.runner.run(source.as_owner(*words))
        if status == 0:
            continue
        key = f"app.files.{path}"
        if status not in _REASONS:
            raise Stop(f"the link to {key} cannot be made.", "Its last lines are above.")
        todo = "Take it out of the source"
        if status == 3:
            todo += f", or write 'replace: true' below {key} to have the stack's in its place"
        raise Stop(f"{path} {_REASONS[status]}, and the stack has it, too ({key}).", f"{todo}.")


def refuse_without(release: Release, facts: Prepare) -> None:
    """One that is rolled back to looks for the files that the stack had when it was made."""
    for path in release.files:
        if path not in facts.files:
            raise Stop(
                f"release {release.id} looks for its file {path}, and the stack has none of that name.",
                f"Write app.files.{path} again, or take app.release out and deploy its source.",
            )
