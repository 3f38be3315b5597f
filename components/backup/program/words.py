"""How people read what the program counts in."""

from datetime import UTC, datetime


def shown(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
