"""Who may give a name its certificate, as its zone says: CAA records (RFC 8659). Authorities count what they refuse."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from machine import Fault


@dataclasses.dataclass(frozen=True)
class Record:
    tag: str
    value: str


# The records of a name, without those of the names above it; None: no name server tells.
Ask = Callable[[str], Sequence[Record] | None]


def check_caa(ask: Ask, names: Iterable[str], identities: Sequence[str], method: str = "http-01") -> None:
    """Raises for the first name that this authority may not give a certificate.

    :param identities: what the authority is called in such records, as its directory says; none where it does not
    """
    for name in names:
        zone, records = _found(ask, name.removeprefix("*."))
        tag, issuers = _about(records, is_wildcard=name.startswith("*."))
        if issuers and not any(_allows(value, identities, method) for value in issuers):
            told = ", ".join(f'"{value}"' for value in issuers)
            own = identities[0] if identities else "the authority's name"
            raise Fault(
                f"{name} may have no certificate of this authority: the CAA records of {zone} name {told}"
                + (f", and this authority is {' or '.join(identities)}" if identities else "")
                + f", by {method[:-3].upper()} ({method}). Nothing was ordered. "
                + f'Add to that zone: {zone}. CAA 0 {tag} "{own}"'
            )


def _found(ask: Ask, name: str) -> tuple[str, Sequence[Record]]:
    """The nearest records: of the name, or of one above it."""
    labels = name.split(".")
    for index in range(len(labels)):
        zone = ".".join(labels[index:])
        records = ask(zone)
        if records is None:
            break
        if records:
            return zone, records
    return name, []


def _about(records: Sequence[Record], *, is_wildcard: bool) -> tuple[str, list[str]]:
    """What there is of such a name: `issuewild` counts for wildcards alone, and before `issue`."""
    found = {tag: [one.value for one in records if one.tag.lower() == tag] for tag in ("issuewild", "issue")}
    tag = "issuewild" if is_wildcard and found["issuewild"] else "issue"
    return tag, found[tag]


def _allows(value: str, identities: Sequence[str], method: str) -> bool:
    issuer, *parameters = (part.strip() for part in value.split(";"))
    for parameter in parameters:
        # RFC 8657, 4
        key, _, methods = parameter.partition("=")
        if key.strip().lower() == "validationmethods" and method not in methods.strip().split(","):
            return False
    return issuer.lower() in identities if identities else issuer != ""


def records_of(name: str) -> Sequence[Record] | None:
    """What the host's name servers say."""
    # Of Debian's python3-dnspython, which hosts have that order certificates.
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(name, "CAA", search=False, lifetime=10)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return [Record(one.tag.decode(errors="replace"), one.value.decode(errors="replace")) for one in answer]
