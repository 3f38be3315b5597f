"""What this program is told by a step, and what it keeps: whether the site waits for its authority, and why."""

import contextlib
import dataclasses
import json

from machine import Machine, write

SETTINGS = "etc/berth/certificate.json"
RECORD = "var/lib/berth/certificate.json"


@dataclasses.dataclass(frozen=True)
class Challenge:
    """How the authority is shown that the names are the site's own."""

    # http, rfc2136 or route53: see challenge.py.
    kind: str = "http"
    # How long the zone's name servers may take until all know a record, in seconds.
    wait: int = 0


@dataclasses.dataclass(frozen=True)
class Acme:
    """How certificates are ordered (RFC 8555)."""

    # The URL of the authority's directory.
    directory: str
    # All names that the certificate is to have, the site's domain first.
    names: tuple[str, ...]
    email: str | None
    profile: str | None
    # Whether the authority's own certificate is one that Debian does not know: see authority.BUNDLE.
    ca: bool
    # Whether the authority wants its account bound to one elsewhere: see accounts.BINDING.
    eab: bool
    # Further addresses of this host, such as one that a cloud maps to it; None where names may point anywhere.
    addresses: tuple[str, ...] | None
    challenge: Challenge = Challenge()


@dataclasses.dataclass(frozen=True)
class Settings:
    # The site's name, and the name by which it is asked.
    site: str
    domain: str
    # self-signed, own or acme.
    kind: str
    acme: Acme | None


@dataclasses.dataclass(frozen=True)
class Waits:
    """What keeps the site from the certificate that it should have. Times are in seconds since 1970."""

    reason: str
    since: float
    tried: float
    # When it is tried again.
    next: float
    # How often the authority itself has been asked for nothing.
    orders: int


def settings_of(machine: Machine) -> Settings:
    told = json.loads(machine.text(SETTINGS))
    acme = told.get("acme")
    if acme is not None:
        addresses = acme["addresses"]
        lists = {"names": tuple(acme["names"]), "addresses": None if addresses is None else tuple(addresses)}
        acme = Acme(**{**acme, **lists, "challenge": Challenge(**acme["challenge"])})
    return Settings(told["site"], told["domain"], told["kind"], acme)


def waits_of(machine: Machine) -> Waits | None:
    try:
        return Waits(**json.loads(machine.text(RECORD) or "null"))
    except (ValueError, TypeError):
        return None


def note(machine: Machine, waits: Waits | None) -> None:
    path = machine.path(RECORD)
    if waits is None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(dataclasses.asdict(waits)) + "\n")
