"""The application's settings as the host has them: which values are secret, and how they look when they are printed."""

import base64
import hashlib
import re
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

# A line as settings.ts writes it: in single quotes a value stands as it is.
_LINE = re.compile(r"""^(\w+)=(?:'([^']*)'|"((?:[^"\\]|\\.)*)")$""", re.MULTILINE | re.DOTALL)
# A shorter one would blot out ordinary words.
_SHORTEST = 6
# What settings/release-references.ts writes where the release's id is to be: no two releases have the same.
_RELEASE = "@@berth:release.id@@"


class Settings:
    """
    :param files: the directory of the files beside the code
    :param release: the id of the release that has them; as they are wanted of any, without
    """

    def __init__(self, path: Path, files: Path, release: str | None = None) -> None:
        def read(one: Path) -> str:
            return one.read_text().replace(_RELEASE, release or _RELEASE)

        self.text = read(path) if path.exists() else ""
        self.files = {f"{one.relative_to(files)}": read(one) for one in files.rglob("*") if one.is_file()}
        self.values = {
            name: plain or re.sub(r"\\(.)", r"\1", escaped, flags=re.DOTALL)
            for name, plain, escaped in _LINE.findall(self.text)
        }
        self.digest = hashlib.sha256("\0".join(self.texts).encode()).hexdigest()[:16]

    @property
    def lines(self) -> list[str]:
        """One for each setting, however many it takes in the file."""
        return [found.group() for found in _LINE.finditer(self.text)]

    @property
    def texts(self) -> list[str]:
        """All that tells these settings from others."""
        return [self.text, *(f"{path}\0{text}" for path, text in sorted(self.files.items()))]

    def needles(self, secret: Iterable[str], more: Iterable[str] = ()) -> list[str]:
        """The texts by which the secret settings would be known in what is printed, the longest first."""
        found: set[str] = set()
        for value in [*(self.values.get(name, "") for name in secret), *more]:
            # Of one that refers to the release, all but its id, which is no secret.
            for one in (*value.split(_RELEASE), password_of(value)):
                for line in one.splitlines():
                    found.update(form for form in _forms(line) if len(form) >= _SHORTEST)
        return sorted(found, key=len, reverse=True)


def password_of(url: str) -> str:
    """The password in a URL, which may be printed without it."""
    try:
        return urllib.parse.unquote(urllib.parse.urlsplit(url).password or "")
    except ValueError:
        return ""


def _forms(line: str) -> list[str]:
    """A line as it is, and as JSON, Python and URLs print it."""
    escaped = line.replace("\\", "\\\\")
    forms = [line, escaped, escaped.replace('"', '\\"'), escaped.replace("'", "\\'"), urllib.parse.quote(line, safe="")]
    # Where a value is handed on in base64, what stands before it decides how it looks; this is a value by itself.
    return [*forms, base64.b64encode(line.encode()).decode()]
