"""Where people are led: the links that nginx follows."""

from .context import Context
from .place import release_of


def lead_to(context: Context, instance: str) -> None:
    """From the next connection on nginx asks there. One rename."""
    place = context.place
    static = place.static / release_of(instance)
    if static.is_dir():
        context.files.link(place.static / "current", place.told(static))
    context.files.link(place.socket, f"web-{instance}.sock")
