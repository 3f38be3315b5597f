"""The certificate that nginx serves: each pair of chain and key has a directory of its own, and one link says which one
is served. So no moment has a key without its certificate."""

import calendar
import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from machine import Fault, Machine, alone, link

PLACE = "etc/ssl/berth"
# How long nginx may take until its new workers answer, in seconds.
PATIENCE = 30
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A chain, the site's own certificate first, and its key, both in PEM."""

    chain: str
    key: str

    @property
    def first(self) -> bytes:
        """The site's own certificate in DER."""
        found = _CERTIFICATE.search(self.chain)
        return ssl.PEM_cert_to_DER_cert(found[0]) if found else b""

    def name(self, kind: str) -> str:
        return f"{kind}-{hashlib.sha256((self.chain + self.key).encode()).hexdigest()[:16]}"


@dataclasses.dataclass(frozen=True)
class Told:
    """What a certificate says of itself."""

    names: frozenset[str]
    since: float
    until: float


def pair_of(text: str) -> Pair:
    """A chain and a key that come as one text, in any order."""
    chain, key = "".join(_CERTIFICATE.findall(text)), "".join(_KEY.findall(text))
    if not chain or not key:
        raise Fault(f"expected a certificate and its key in PEM; there is no {'key' if chain else 'certificate'}.")
    return Pair(chain, key)


def fits(pair: Pair) -> bool:
    """Whether the key is that of the chain's first certificate."""
    # OpenSSL reads them from files alone. These have no name, and go with this program however it ends.
    with _in_memory(pair.chain) as chain, _in_memory(pair.key) as key:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
        except (ssl.SSLError, ValueError):
            return False
    return True


@contextlib.contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """The path of a file that lies nowhere; see memfd_create(2)."""
    handle = os.memfd_create("berth-certificate", os.MFD_CLOEXEC)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        yield f"/proc/self/fd/{handle}"


def told_by(machine: Machine, chain: Path) -> Told:
    """What the first certificate of a file says."""
    dates = ["-startdate", "-enddate", "-dateopt", "iso_8601"]
    asked = machine.run("openssl", "x509", "-noout", *dates, "-ext", "subjectAltName", "-in", f"{chain}")
    times = re.findall(r"^not(?:Before|After)=(\d+-\d+-\d+) (\d+:\d+:\d+)Z$", asked.said, re.MULTILINE)
    if asked.status != 0 or len(times) != 2:
        raise Fault(f"{chain} holds no certificate that OpenSSL can read.")
    since, until = (_seconds(f"{day} {clock}") for day, clock in times)
    return Told(frozenset(re.findall(r"DNS:([^\s,]+)", asked.said)), since, until)


def _seconds(text: str) -> float:
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")))


class Door:
    """What nginx serves of a site."""

    def __init__(
        self, machine: Machine, site: str, domain: str, shown: Callable[[str], bytes | None] | None = None
    ) -> None:
        self._machine = machine
        self._site = site
        self._domain = domain
        self._place = machine.path(PLACE)
        self._shown = shown or shown_at

    def live(self) -> str | None:
        """The name of the pair that is served: its kind, a hyphen, a hash."""
        try:
            name = os.readlink(self._place / "live")
        except OSError:
            return None
        return name if (self._place / name).is_dir() else None

    def is_usable(self) -> bool:
        """Whether there is one, whole and not expired."""
        if self.live() is None:
            return False
        chain, key = self._place / "live/chain.pem", self._place / "live/key.pem"
        try:
            return (
                fits(Pair(chain.read_text(), key.read_text()))
                and told_by(self._machine, chain).until > self._machine.now()
            )
        except (OSError, Fault):
            return False

    def serve(self, kind: str, pair: Pair) -> bool:
        """Makes nginx serve a pair, and asks it. Says whether anything was to be done."""
        if not fits(pair):
            raise Fault("the key is not that of the certificate; nothing has been changed.")
        self._place.mkdir(mode=0o755, parents=True, exist_ok=True)
        # A step, the timer and certbot's hook may all come with one.
        with alone(self._machine.path("run/berth-site-certificate.lock")):
            name, before = pair.name(kind), self.live()
            self._keep(name, pair)
            link(self._place / "live", name)
            # What nginx's site names; what was there before is a file.
            for file, target in (("site.crt", "live/chain.pem"), ("site.key", "live/key.pem")):
                if not (self._place / file).is_symlink():
                    link(self._place / file, target)
            done = self._reload(pair, before) or name != before
            self._forget(name)
            return done

    def _keep(self, name: str, pair: Pair) -> None:
        if (self._place / name).is_dir():
            return
        new = Path(tempfile.mkdtemp(dir=self._place, prefix=".new-"))
        for file, text in (("chain.pem", pair.chain), ("key.pem", pair.key)):
            handle = os.open(new / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as written:
                written.write(text)
                written.flush()
                os.fsync(handle)
        os.rename(new, self._place / name)

    def _reload(self, pair: Pair, before: str | None) -> bool:
        if not self._is_served() or self._shown(self._domain) == pair.first:
            return False
        tried = self._machine.run("nginx", "-t")
        if tried.status != 0:
            if before is not None:
                link(self._place / "live", before)
            reason = next((line for line in tried.said.splitlines() if "emerg" in line), tried.said.strip())
            raise Fault(f"nginx refuses its configuration: {reason}. It goes on with the certificate of before.")
        self._machine.run("systemctl", "reload", "nginx.service")
        # The workers of before still answer for a moment.
        end = time.monotonic() + PATIENCE
        while self._shown(self._domain) != pair.first:
            if time.monotonic() > end:
                raise Fault(f"nginx was told to serve a new certificate, and {self._domain} shows another on port 443.")
            time.sleep(0.1)
        return True

    def _is_served(self) -> bool:
        """Whether nginx runs and its site has TLS. On a new host the site comes after its certificate."""
        site = self._machine.text(f"etc/nginx/sites-enabled/{self._site}.conf")
        return "/etc/ssl/berth/site.crt;" in site and (
            self._machine.run("systemctl", "is-active", "--quiet", "nginx.service").status == 0
        )

    def _forget(self, name: str) -> None:
        for path in self._place.iterdir():
            if path.is_dir() and not path.is_symlink() and path.name != name:
                shutil.rmtree(path, ignore_errors=True)


def shown_at(domain: str) -> bytes | None:
    """The certificate that this host's own port 443 shows for a name, in DER."""
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", 443), 5) as plain,
            asking.wrap_socket(plain, server_hostname=domain) as connection,
        ):
            return connection.getpeercert(binary_form=True)
    except OSError:
        return None
