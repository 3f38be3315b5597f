"""How people read what the program counts in."""

from datetime import UTC, datetime


def printable(text: str) -> str:
    """A terminal shows it, and some of it is what the application or a service elsewhere says."""
    return "".join(one if one.isprintable() else " " for one in text)


def shown(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
