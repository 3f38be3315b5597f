"""Pages that the stack names, and some static files: asked of a release before and after people are led to it.

At its own socket what is wrong is the release's. At the front door it may be the door's: it is configured after a
release has gone live, may be shut for maintenance, and may ask for a password. So there a release is blamed only for
what was right just before, and for an error of a server.
"""

import urllib.parse
from collections.abc import Iterable
from pathlib import Path

from .asking import Answer
from .context import Context
from .facts import Front, Page
from .faults import Stop, Unhealthy
from .named_files import named_files
from .place import release_of
from .records import Release
from .static import SERVED

# How long a page may take, in seconds.
_PATIENCE = 60
# What the front door answers where it asks for a password.
_PASSWORD = 401
# What it answers where 'site.allow' or 'site.limits' is in the way.
_SHUT = (403, 429)
# How many files are asked for that pages name.
_NAMED = 50


# The place of the static files, among the further ones that nginx serves: each is a directory below SERVED.
_STATIC = ""


def _place_of(sample: str) -> str:
    return sample.split("/", 2)[1] if sample.startswith(f"{SERVED}/") else _STATIC


class Pages:
    """:param unit: the unit of the server that is asked"""

    def __init__(self, context: Context, pages: tuple[Page, ...], release: Release, unit: str) -> None:
        self._context = context
        self._pages = pages
        self._release = release
        self._unit = unit
        # What stops nothing and should be known.
        self.notices: list[str] = []
        # What was right at the front door before.
        self._right: set[str] = set()
        self._right_places: set[str] = set()

    def prove(self, socket: Path, domain: str, scheme: str) -> None:
        """Asks the release itself."""
        wrong = self._wrong({page: self._ask(socket, domain, scheme, page.path) for page in self._pages})
        if wrong:
            raise _unhealthy(self._unit, wrong)

    def look_before(self, domain: str, door: str, before: Release) -> None:
        """At the front door, while the release before serves."""
        for page in self._pages:
            if self._ask(None, domain, door, page.path).status == page.status:
                self._right.add(page.path)
        firsts = {_place_of(path): (path, sha256) for path, sha256 in reversed(before.samples)}
        for place, sample in firsts.items():
            if not self._wrong_files(domain, door, [sample]):
                self._right_places.add(place)

    def prove_front(self, domain: str, door: str) -> None:
        """At the front door, now that the release serves."""
        answers = {page: self._ask(None, domain, door, page.path) for page in self._pages}
        if not self._is_shut():
            wrong = self._wrong(answers)
            blamed = {page: one for page, one in wrong.items() if page.path in self._right or one.status >= 500}
            if blamed:
                raise _unhealthy(self._unit, blamed)
        samples = [sample for sample in self._release.samples if _place_of(sample[0]) in self._right_places]
        for told in self._wrong_files(domain, door, samples):
            raise Unhealthy(self._unit, f"its {told}.")
        if _STATIC in self._right_places:
            self._note_missing(domain, door, answers)

    def prove_door(self, domain: str, door: str) -> None:
        """At the front door, once that is configured: then all must be right, unless it asks for a password."""
        log = f"See 'tail /var/log/nginx/{self._context.place.name}.error.log' on the host."
        if not self._is_shut():
            answers = {page: self._ask(None, domain, door, page.path) for page in self._pages}
            wrong = self._wrong({page: answer for page, answer in answers.items() if answer.status != _PASSWORD})
            if wrong:
                raise Stop(
                    f"visitors do not get what the application answers: {_told(wrong)} (app.pages).",
                    f"Something in front of the application is in the way. {log}",
                )
        for told in self._wrong_files(domain, door, self._release.samples):
            raise Stop(f"visitors do not get the application's static files: the {told}.", log)

    def _ask(self, socket: Path | None, domain: str, scheme: str, path: str) -> Answer:
        return self._context.world.page(socket, domain, scheme, path, _PATIENCE)

    def _wrong(self, answers: dict[Page, Answer]) -> dict[Page, Answer]:
        return {page: answer for page, answer in answers.items() if answer.status != page.status}

    def _wrong_files(self, domain: str, door: str, samples: Iterable[tuple[str, str]]) -> list[str]:
        told: list[str] = []
        for path, sha256 in samples:
            place = _place_of(path)
            name = path if place == _STATIC else path.split("/", 2)[2]
            url = f"{'/static/' if place == _STATIC else '/'}{urllib.parse.quote(name)}"
            answer = self._ask(None, domain, door, url)
            # Of a location the stack may have said who sees it, and how often.
            if answer.status == _PASSWORD or (place != _STATIC and answer.status in _SHUT):
                continue
            if answer.status != 200:
                told.append(f"static file {url} {_answers(answer)}, and 200 was expected")
            elif answer.sha256 != sha256:
                told.append(f"static file {url} is served with another content than it has in the release")
        return told

    def _note_missing(self, domain: str, door: str, answers: dict[Page, Answer]) -> None:
        """Notes files that a page names and that are not there. Many a site has one, so it stops nothing."""
        named: dict[str, str] = {}
        for page, answer in answers.items():
            if answer.status == 200:
                for path in named_files(answer.body, page.path, domain):
                    named.setdefault(path, page.path)
        for path, page_path in list(named.items())[:_NAMED]:
            if self._ask(None, domain, door, path).status == 404:
                self.notices.append(f"the page {page_path} names {path}, which answers 404")

    def _is_shut(self) -> bool:
        """Whether people see the maintenance page."""
        return self._context.place.maintenance.exists()


def prove_door(context: Context, facts: Front) -> None:
    """Of the release that is live: what its first visitors get."""
    live = context.ledger.live()
    if live:
        release = context.ledger.release(release_of(live))
        Pages(context, facts.pages, release, context.place.web_unit(live)).prove_door(facts.domain, facts.door)


def _unhealthy(unit: str, wrong: dict[Page, Answer]) -> Unhealthy:
    broken = [page.path for page, answer in wrong.items() if answer.status >= 500]
    return Unhealthy(unit, f"{_told(wrong)} (app.pages).", path=broken[0] if broken else "")


def _told(wrong: dict[Page, Answer]) -> str:
    parts = [
        f"the page {page.path} {_answers(answer)}, and {page.status} was expected" for page, answer in wrong.items()
    ]
    return "; ".join(parts)


def _answers(answer: Answer) -> str:
    if not answer.status:
        return "does not answer"
    return f"answers {answer.status}" + (f", which leads to {answer.location}" if answer.location else "")
