"""The style sheets and scripts that a page names below /static/ of its own site."""

import html.parser
import urllib.parse


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        # It would lead relative addresses elsewhere.
        self.has_base = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        address = None
        if tag == "link" and "stylesheet" in (told.get("rel") or "").lower().split():
            address = told.get("href")
        elif tag == "script":
            address = told.get("src")
        elif tag == "base":
            self.has_base = True
        if address:
            self.found.append(address)


def named_files(page: bytes, path: str, domain: str) -> list[str]:
    """Their paths, each once, in the order of the page.

    :param path: the page's own
    """
    reader = _Reader()
    reader.feed(page.decode(errors="replace"))
    if reader.has_base:
        return []
    found: dict[str, None] = {}
    for address in reader.found:
        try:
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(f"https://{domain}{path}", address.strip()))
        except ValueError:
            continue
        if parts.netloc == domain and parts.path.startswith("/static/") and " " not in parts.path:
            found[parts.path] = None
    return list(found)
