"""The account that an authority knows the site's certificates by. certbot keeps it, and those of other certificates."""

import contextlib
import dataclasses
import hashlib
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from machine import Fault, Machine, write

# What certbot reads of an external account binding (RFC 8555, 7.3.4), root's alone.
BINDING = "etc/berth/acme-eab.ini"
# With the accounts, so that another machine with these knows it.
_RECORD = "etc/letsencrypt/berth-accounts.json"


@dataclasses.dataclass(frozen=True)
class Account:
    # By certbot's name for it.
    name: str
    # A digest of its binding; "" where it has none.
    binding: str
    email: str | None


class Accounts:
    """Those of one authority, of which one is the site's own."""

    def __init__(self, machine: Machine, server: str, *, bound: bool) -> None:
        self._machine = machine
        self._server = server
        self._bound = bound
        # As certbot: the URL is a path.
        url = urllib.parse.urlsplit(server)
        self._place = machine.path(f"etc/letsencrypt/accounts/{url.netloc}{url.path}".rstrip("/"))
        self._aside = self._place.with_name(f"{self._place.name}.berth-aside")

    def own(self) -> Account | None:
        told = self._told().get(self._server)
        if told is None or told["name"] not in self._names():
            return None
        return Account(**told)

    def named(self, name: str) -> Account | None:
        """One of which certbot alone knows that the site has it: from before Berth noted any."""
        return Account(name, "", None) if name in self._names() else None

    def is_bound(self) -> bool:
        """Whether it is bound as the stack asks. Without a binding any account is as good."""
        if not self._bound:
            return True
        own = self.own()
        return own is not None and own.binding == _digest(self._machine.text(BINDING))

    def arguments(self) -> list[str]:
        """What certbot is told of it."""
        if not self.is_bound():
            return ["--config", f"/{BINDING}"]
        own = self.own()
        return [] if own is None else ["--account", own.name]

    @contextlib.contextmanager
    def made(self, email: str | None) -> Iterator[None]:
        """Around an order. certbot makes an account only where it has none of this authority, so another's are out of
        its sight while it makes one with a binding."""
        self._put_back()
        before = self._names()
        is_new = not self.is_bound()
        binding = self._binding() if is_new else ""
        if is_new and before:
            self._place.rename(self._aside)
        try:
            yield
        finally:
            made = self._names() - (set() if is_new else before)
            self._put_back()
            if len(made) == 1 and (is_new or not before):
                self.note(Account(made.pop(), binding, email))

    def note(self, account: Account) -> None:
        told = {**self._told(), self._server: dataclasses.asdict(account)}
        write(self._machine.path(_RECORD), json.dumps(told) + "\n")

    def _put_back(self) -> None:
        """Also what a run has left that was killed."""
        if not self._aside.is_dir():
            return
        self._place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for one in self._aside.iterdir():
            one.rename(self._place / one.name)
        self._aside.rmdir()

    def _names(self) -> set[str]:
        return {one.name for one in _directories(self._place)}

    def _told(self) -> dict[str, dict[str, str]]:
        try:
            found = json.loads(self._machine.text(_RECORD) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _binding(self) -> str:
        text = self._machine.text(BINDING)
        if not text:
            raise Fault(f"/{BINDING} is not there yet, which has the key for the authority's account.")
        return _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _directories(place: Path) -> list[Path]:
    try:
        return [one for one in place.iterdir() if one.is_dir() and not one.is_symlink()]
    except (FileNotFoundError, NotADirectoryError):
        return []
