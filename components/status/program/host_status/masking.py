"""Lines of logs that may be shown."""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable

from host_status.reading import Host

# A setting as components/app/settings/settings.ts writes it; see components/app/release/settings.py.
_SETTING = re.compile(r"""^(\w+)=(?:'([^']*)'|"((?:[^"\\]|\\.)*)")$""", re.MULTILINE | re.DOTALL)
# A shorter value would blot out ordinary words.
_SHORTEST = 6
_LONGEST_LINE = 300


def masking(host: Host, name: str) -> Callable[[str], str | None]:
    """What makes of a line of a log one that may be shown: each value of the application's settings, which of them is
    secret is not known here, is replaced by its name. Where they cannot be read, no line is shown."""
    try:
        root = json.loads(host.text(f"usr/local/lib/berth/{name}/application.json") or "{}").get("root", "")
        texts = [host.text(f"{root.lstrip('/')}/config/env")] if root else []
        texts += [path.read_text() for path in host.path(root.lstrip("/")).glob("config/web/*/env")] if root else []
    except (OSError, ValueError):
        return lambda _: None
    needles: dict[str, str] = {}
    try:
        of_files = json.loads(host.text(f"etc/berth/{name}/files-secrets") or "[]")
    except ValueError:
        return lambda _: None
    for text in of_files:
        needles.update(
            (form, "app.files") for line in text.splitlines() for form in _forms(line) if len(form) >= _SHORTEST
        )
    for key, plain, escaped in (found for text in texts for found in _SETTING.findall(text)):
        value = plain or re.sub(r"\\(.)", r"\1", escaped, flags=re.DOTALL)
        for one in (value, _password_of(value)):
            for line in one.splitlines():
                needles.update((form, key) for form in _forms(line) if len(form) >= _SHORTEST)

    def mask(line: str) -> str:
        for needle in sorted(needles, key=len, reverse=True):
            line = line.replace(needle, f"[{needles[needle]}]")
        return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"

    return mask


def _password_of(url: str) -> str:
    try:
        return urllib.parse.unquote(urllib.parse.urlsplit(url).password or "")
    except ValueError:
        return ""


def _forms(line: str) -> list[str]:
    """A value as it is, and as JSON, Python, URLs and base64 have it."""
    escaped = line.replace("\\", "\\\\")
    quoted = urllib.parse.quote(line, safe="")
    in_base64 = base64.b64encode(line.encode()).decode()
    return [line, escaped, escaped.replace('"', '\\"'), escaped.replace("'", "\\'"), quoted, in_base64]
