"""Where the names of a site point: an order for a name that points elsewhere fails, and authorities count failures."""

import ipaddress
import json
from collections.abc import Iterable

from machine import Fault, Machine


class Unresolved(Fault):
    """A name that no name server knows, or that none can be asked for."""


class Elsewhere(Fault):
    """A name that points at another host than this."""


def check_names(machine: Machine, names: Iterable[str], addresses: Iterable[str]) -> None:
    """Raises for the first name that does not point here, with all its addresses, as an authority may take any."""
    own = own_addresses(machine, addresses)
    for name in names:
        found = addresses_of(machine, name)
        if not found:
            raise Unresolved(f"no name server knows {name}. Make it point at {shown(own)}.")
        others = found - own
        if others:
            raise Elsewhere(
                f"{name} points at {shown(others)}, and this host is {shown(own)}. Nothing was ordered, because the "
                "authority would ask there. Make the name point at this host or take it out of site. Where the "
                "host is behind a proxy or NAT, set site.tls.acme.checkDns to false."
            )


def addresses_of(machine: Machine, name: str) -> set[str]:
    """What name servers answer; this host's own /etc/hosts knows the site as 127.0.1.1."""
    said = machine.run("getent", "-s", "dns", "ahosts", name, seconds=30)
    return {_plain(line.split()[0]) for line in said.said.splitlines() if line.strip()} if said.status == 0 else set()


def own_addresses(machine: Machine, further: Iterable[str]) -> set[str]:
    """Those of its interfaces, and what else leads to it."""
    interfaces = json.loads(machine.run("ip", "-j", "address", "show", "scope", "global").said or "[]")
    found = {
        _plain(one["local"]) for interface in interfaces for one in interface.get("addr_info", []) if "local" in one
    }
    for address in further:
        found |= {_plain(address)} if _is_address(address) else addresses_of(machine, address)
    return found


def shown(addresses: Iterable[str]) -> str:
    return ", ".join(sorted(addresses)) or "nothing"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _plain(address: str) -> str:
    return str(ipaddress.ip_address(address)) if _is_address(address) else address
