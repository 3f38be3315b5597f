"""What programs print, as it is searched: they wrap their lines at any width, also within what is looked for."""

from collections.abc import Iterable


def folded(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())
