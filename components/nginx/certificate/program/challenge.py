"""How an authority is shown that the site's names are its own (RFC 8555, 8): by a file on port 80, or by a record in
their zone, which a name server (RFC 2136) or Route 53 is told."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from machine import Fault, Machine, write
from record import Challenge

# What certbot reads of the name server and its key, root's alone.
KEY = "etc/berth/acme-dns.ini"
# Where nginx shows what the authority asks for (components/nginx/site.conf.liquid).
WEBROOT = "/var/lib/berth-acme"
# With certbot's own, so that another machine with these knows it.
_RECORD = "etc/letsencrypt/berth-challenges.json"
_PATIENCE = 10

# Raises Fault where a name server does not do as it is asked. It is given what is in KEY, and names of records.
Look = Callable[[Mapping[str, str], Sequence[str]], None]


class Proof:
    """The way that the stack asks for, and whether the certificate that is there was ordered by it."""

    def __init__(self, machine: Machine, lineage: str, challenge: Challenge, look: Look | None = None) -> None:
        self._machine = machine
        self._lineage = lineage
        self._challenge = challenge
        self._look = look or look_at_zone

    @property
    def method(self) -> str:
        return "http-01" if self._challenge.kind == "http" else "dns-01"

    @property
    def seconds(self) -> int:
        """How long certbot waits until it asks the authority to look."""
        return self._challenge.wait

    def is_known(self) -> bool:
        """Whether the last order went this way, with this key: a renewal will."""
        return self._told().get(self._lineage, "http") == self._way()

    def note(self) -> None:
        if not self.is_known():
            told = {**self._told(), self._lineage: self._way()}
            write(self._machine.path(_RECORD), json.dumps(told) + "\n")

    def arguments(self) -> list[str]:
        """What certbot is told of it, and keeps for renewals."""
        match self._challenge.kind:
            case "rfc2136":
                waits = ["--dns-rfc2136-propagation-seconds", f"{self._challenge.wait}"]
                return ["--authenticator", "dns-rfc2136", "--dns-rfc2136-credentials", f"/{KEY}", *waits]
            case "route53":
                return ["--authenticator", "dns-route53"]
        return ["--webroot", "--webroot-path", WEBROOT]

    def look(self, names: Iterable[str]) -> None:
        """Asks the name server before the authority is asked for anything."""
        if self._challenge.kind != "rfc2136":
            return
        text = self._machine.text(KEY)
        if not text:
            raise Fault(f"/{KEY} is not there yet, which has the key for the name server.")
        self._look(settings_in(text), records_of(names))

    def _way(self) -> str:
        if self._challenge.kind != "rfc2136":
            return self._challenge.kind
        return f"rfc2136 {hashlib.sha256(self._machine.text(KEY).encode()).hexdigest()}"

    def _told(self) -> dict[str, str]:
        try:
            found = json.loads(self._machine.text(_RECORD) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def records_of(names: Iterable[str]) -> list[str]:
    """Where an authority looks for the answer of each name (RFC 8555, 8.4): of *.NAME as of NAME."""
    return list(dict.fromkeys(f"_acme-challenge.{name.removeprefix('*.')}" for name in names))


def settings_in(text: str) -> dict[str, str]:
    """What KEY says, without the beginning that certbot's plugin has before each."""
    pairs = (line.partition(" = ") for line in text.splitlines() if " = " in line)
    return {name.strip().removeprefix("dns_rfc2136_"): value.strip() for name, _, value in pairs}


def look_at_zone(told: Mapping[str, str], records: Sequence[str]) -> None:
    """Whether a name server lets the key change these records. Nothing is changed: what is taken away is not there."""
    # Of Debian's python3-dnspython, which hosts have that order certificates.
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.rcode
    import dns.rdatatype
    import dns.tsig
    import dns.update

    server, port, name = told["server"], int(told["port"]), told["name"]
    called = f"the name server {server}" + ("" if port == 53 else f", port {port},")
    key = dns.tsig.Key(name, told["secret"], told["algorithm"].lower())

    def asked(message: dns.message.Message) -> dns.message.Message:
        try:
            return dns.query.tcp(message, server, timeout=_PATIENCE, port=port)
        except dns.tsig.PeerBadTime as fault:
            raise Fault(f"the clock of {called} differs from this host's, so it rejects the key {name}.") from fault
        except (dns.tsig.PeerError, dns.tsig.BadSignature) as fault:
            raise Fault(
                f"{called} rejects the key {name}: {_told_by(fault)}. Set in site.tls.acme.challenge.rfc2136 the name, "
                "the algorithm and the secret that it has."
            ) from fault
        except (OSError, EOFError, dns.exception.Timeout) as fault:
            reason = getattr(fault, "strerror", None) or "no answer"
            raise Fault(f"{called} cannot be reached: {reason}. Let this host reach its TCP port {port}.") from fault
        except dns.exception.DNSException as fault:
            raise Fault(f"{called} answers what is not understood: {fault}.") from fault

    def has(zone: str) -> bool:
        question = dns.message.make_query(zone, "SOA")
        question.flags &= ~dns.flags.RD
        question.use_tsig(key)
        answer = asked(question)
        return bool(answer.flags & dns.flags.AA) and any(one.rdtype == dns.rdatatype.SOA for one in answer.answer)

    for record in records:
        labels = record.split(".")
        zone = next((zone for zone in (".".join(labels[index:]) for index in range(len(labels))) if has(zone)), None)
        if zone is None:
            raise Fault(
                f"{called} has no zone with {record}. Write in site.tls.acme.challenge.rfc2136 the one that has."
            )
        update = dns.update.UpdateMessage(zone, keyring=key)
        update.delete(f"{record}.", "TXT", '"berth"')
        said = dns.rcode.to_text(asked(update).rcode())
        if said != "NOERROR":
            raise Fault(
                f"{called} does not let the key {name} change {record}: it answers {said}. Allow it in the zone "
                f"{zone}; in BIND's words: update-policy {{ grant {name} name {record}. TXT; }};"
            )


def _told_by(fault: Exception) -> str:
    """What dnspython says of it, as part of a sentence."""
    return f"{fault}".rstrip(".")
