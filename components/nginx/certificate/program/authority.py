"""Certificates of an authority, by Debian's certbot, which orders, keeps and renews, and touches nothing of nginx's."""

import dataclasses
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from accounts import Account, Accounts
from caa import Ask, check_caa, records_of
from challenge import Look, Proof
from door import Pair, Told, fits, told_by
from machine import Answer, Fault, Machine, write
from record import Acme

ROOT = "etc/letsencrypt"
# The authorities that Debian knows, and the stack's own.
BUNDLE = "run/berth-acme-ca.pem"
DEBIANS_CAS, OWN_CA = "etc/ssl/certs/ca-certificates.crt", "etc/berth/acme-ca.pem"
HOOK = "/usr/bin/python3 -IB /usr/local/lib/berth/certificate renewed"
DAY = 86_400
# What certbot and its plugins say of every failure.
_USELESS = (
    "Ask for help",
    "See the logfile",
    "Saving debug log",
    "- - -",
    "Some challenges have failed",
    "To use certbot-dns-route53",
)


class Refused(Fault):
    """What the authority has answered to an order: it may be asked again only a few times an hour."""


@dataclasses.dataclass(frozen=True)
class Lineage:
    """What certbot keeps of a certificate."""

    pair: Pair
    told: Told
    directory: str
    profile: str


class Authority:
    def __init__(
        self,
        machine: Machine,
        site: str,
        acme: Acme,
        ask: Callable[[str, str], Sequence[str]] | None = None,
        caa: Ask | None = None,
        look: Look | None = None,
    ) -> None:
        self._machine = machine
        self._acme = acme
        self._ask = ask or ask_directory
        self._caa = caa or records_of
        self.name = f"berth-{site}"
        self._accounts = Accounts(machine, acme.directory, bound=acme.eab)
        self._proof = Proof(machine, self.name, acme.challenge, look)
        # What certbot keeps of it, and the same where it does not renew it: see order-removal.sh.
        self._settings = f"{ROOT}/renewal/{self.name}.conf"
        self._parked = f"{self._settings}.parked"

    def lineage(self) -> Lineage | None:
        """The certificate that is there; none where it is not whole, as when certbot was killed."""
        folder = self._machine.path(f"{ROOT}/live/{self.name}")
        try:
            pair = Pair((folder / "fullchain.pem").read_text(), (folder / "privkey.pem").read_text())
            told = told_by(self._machine, folder / "fullchain.pem")
        except (OSError, Fault):
            return None
        settings = self._machine.text(self._settings) or self._machine.text(self._parked)
        return (
            Lineage(pair, told, _setting(settings, "server"), _setting(settings, "required_profile"))
            if (fits(pair))
            else None
        )

    def wanted(self) -> Lineage | None:
        """The certificate, where nothing is to be ordered."""
        return self.issued() if self.is_as_asked() else None

    def issued(self) -> Lineage | None:
        """The certificate, where it is for what the stack asks and has not expired."""
        found, acme = self.lineage(), self._acme
        if found is None or found.told.until <= self._machine.now():
            return None
        asked = (frozenset(acme.names), acme.directory, acme.profile or "")
        return found if (found.told.names, found.directory, found.profile) == asked else None

    def order(self) -> None:
        """Orders a certificate for all names. Raises Fault where nothing was ordered, and Refused where it was."""
        self.unpark()
        try:
            identities = self._ask(self._acme.directory, f"{self.bundle()}")
        except OSError as fault:
            reason = getattr(fault, "reason", None) or fault
            raise Fault(f"{self._acme.directory} cannot be reached: {_words(reason)}.") from fault
        self._proof.look(self._acme.names)
        check_caa(self._caa, self._acme.names, identities, self._proof.method)
        with self._accounts.made(self._acme.email):
            done = self._certbot()
        if "Another instance of Certbot is already running" in done.said:
            raise Fault("certbot is at work already.")
        if done.status != 0:
            raise Refused(reason_of(done.said))
        self._proof.note()

    def _certbot(self) -> Answer:
        acme = self._acme
        account = ["--email", acme.email, "--no-eff-email"] if acme.email else ["--register-unsafely-without-email"]
        return self._machine.run(
            *("certbot", "certonly", "--non-interactive", "--agree-tos", *account),
            *self._accounts.arguments(),
            *("--server", acme.directory, "--cert-name", self.name, "--key-type", "ecdsa"),
            *self._proof.arguments(),
            *("--deploy-hook", HOOK),
            # What is to be ordered is decided here.
            *("--force-renewal", "--renew-with-new-domains"),
            *(["--required-profile", acme.profile] if acme.profile else []),
            *(word for name in acme.names for word in ("-d", name)),
            # As certbot.conf has it.
            environment={"REQUESTS_CA_BUNDLE": f"/{BUNDLE}"},
            seconds=300 + self._proof.seconds,
        )

    def is_as_asked(self) -> bool:
        """Whether the account, and the way by which names are proven, are those that the stack asks for."""
        return self._accounts.is_bound() and self._proof.is_known()

    def tell_email(self) -> str:
        """Tells the authority of another address of the stack's. Answers what is in the way."""
        email = self._acme.email
        own = self._accounts.own() or self._accounts.named(_setting(self._machine.text(self._settings), "account"))
        if email is None or own is None or own.email == email:
            return ""
        done = self._machine.run(
            *("certbot", "update_account", "--non-interactive", "--email", email, "--no-eff-email"),
            *("--server", self._acme.directory, "--account", own.name),
            environment={"REQUESTS_CA_BUNDLE": f"/{BUNDLE}"},
            seconds=120,
        )
        if done.status != 0:
            return reason_of(done.said)
        self._accounts.note(Account(own.name, own.binding, email))
        return ""

    def bundle(self) -> Path:
        """Puts together what an authority's own server is checked with."""
        cas = [self._machine.text(path) for path in (DEBIANS_CAS, *([OWN_CA] if self._acme.ca else []))]
        place = self._machine.path(BUNDLE)
        write(place, "\n".join(cas), 0o644)
        return place

    def unpark(self) -> None:
        """Lets certbot renew it again."""
        parked = self._machine.path(self._parked)
        if parked.exists():
            parked.replace(self._machine.path(self._settings))

    def renew_in_time(self, told: Told) -> None:
        """Writes when it is renewed. Debian's certbot has a fraction of the lifetime and, before it, 30 days: it would
        renew what lives for less at every run."""
        text = self._machine.text(self._settings)
        if not text:
            return
        line = f"renew_before_expiry = {renewed_before(told.until - told.since)} seconds"
        fresh = re.sub(r"\A(?:#?[ \t]*renew_before_expiry[ \t]*=.*\n)?", f"{line}\n", text)
        if fresh != text:
            write(self._machine.path(self._settings), fresh, 0o644)


def renewed_before(lifetime: float) -> int:
    """How long before its end a certificate is renewed, in seconds: as certbot's own fraction."""
    return round(lifetime / (2 if lifetime < 10 * DAY else 3))


def ask_directory(url: str, bundle: str) -> Sequence[str]:
    """Whether an authority answers, before it is asked for anything; and its names in CAA records, if it tells them."""
    if not url.startswith("https://"):
        raise OSError("its URL does not begin with https://")
    context = ssl.create_default_context(cafile=bundle)
    try:
        with urllib.request.urlopen(url, timeout=15, context=context) as answer:  # noqa: S310  # It is https.
            found = json.loads(answer.read(1 << 16))
    except urllib.error.HTTPError as fault:
        raise OSError(f"it answers {fault.code}") from fault
    except ValueError as fault:
        raise OSError("it answers with what is no directory (RFC 8555, 7.1.1)") from fault
    meta = found.get("meta") if isinstance(found, dict) else None
    names = meta.get("caaIdentities") if isinstance(meta, dict) else None
    return [name.lower() for name in names if isinstance(name, str)] if isinstance(names, list) else []


def reason_of(said: str) -> str:
    """What certbot has said of a failure, in a line."""
    found = re.findall(r"^\s*Domain:\s*(\S+)\n\s*Type:\s*(\S+)\n\s*Detail:\s*(.+)$", said, re.MULTILINE)
    if found:
        return "; ".join(f"{name}: {detail.strip()}" for name, _, detail in found)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if "An unexpected error occurred:" in lines[:-1]:
        return lines[lines.index("An unexpected error occurred:") + 1]
    useless = re.compile(rf"^({'|'.join(_USELESS)})")
    said_last = [line for line in lines if not useless.match(line)]
    return said_last[-1] if said_last else "certbot said nothing. See /var/log/letsencrypt/letsencrypt.log on the host"


def _setting(text: str, name: str) -> str:
    found = re.search(rf"^{name} = (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _words(reason: object) -> str:
    return getattr(reason, "strerror", None) or f"{reason}"
