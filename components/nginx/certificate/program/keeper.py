"""Keeps the certificate of this host's site as its stack asks."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from authority import Authority, Refused
from door import Door, pair_of
from machine import Fault, Machine, alone
from names import Elsewhere, check_names
from record import Settings, Waits, note, settings_of, waits_of

USAGE = """certificate put       the pair of chain and key on standard input becomes what nginx serves
certificate order     gets the authority's: from a step. Status 4: the site waits for it; 5: a name points elsewhere
certificate tend      the same, from a timer, where the site waits
certificate renewed   serves what certbot has ordered or renewed: its hook
certificate bundle    puts together the authorities that certbot trusts
"""
# After an authority has refused an order: how long until the next, in seconds, doubled each time.
FIRST_WAIT, LONGEST_WAIT = 900, 6 * 3600
WAITS, ELSEWHERE = 4, 5


class Keeper:
    """Keeps the site's certificate as its settings ask."""

    def __init__(
        self,
        machine: Machine,
        settings: Settings,
        door: Door | None = None,
        authority: Authority | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self._machine = machine
        self._settings = settings
        self._say = say
        self._door = door or Door(machine, settings.site, settings.domain)
        self._authority = authority or (Authority(machine, settings.site, settings.acme) if settings.acme else None)

    def put(self, text: str) -> int:
        """Serves the pair that the stack brings. Where an authority's is wanted, that is the last resort."""
        kind = self._settings.kind
        if self._authority is None:
            self._door.serve(kind, pair_of(text))
            note(self._machine, None)
            return 0
        wanted = self._authority.issued()
        if wanted:
            self._door.serve("acme", wanted.pair)
        elif not self._door.is_usable() or (self._door.live() or "").startswith("self-signed-"):
            self._door.serve("self-signed", pair_of(text))
        return 0

    def order(self) -> int:
        """Gets what is wanted, and serves it. Says what is in the way."""
        status = self._order()
        waits = waits_of(self._machine)
        if status and waits:
            self._say(waits.reason)
        elif not status and self._authority is not None:
            self._authority.bundle()
            fault = self._authority.tell_email()
            if fault:
                self._say(f"WARNING: the authority does not know site.tls.acme.email, and keeps the old one: {fault}")
        return status

    def _order(self) -> int:
        acme, authority = self._settings.acme, self._authority
        if acme is None or authority is None:
            return 0
        try:
            if authority.wanted() is None:
                if acme.addresses is not None:
                    check_names(self._machine, acme.names, acme.addresses)
                authority.order()
            self._serve(authority)
        except Fault as fault:
            self._wait(f"{fault}", asked=isinstance(fault, Refused))
            return ELSEWHERE if isinstance(fault, Elsewhere) else WAITS
        return 0

    def tend(self) -> int:
        """What a timer does each minute: tries again, and mends what a hook could not."""
        if self._authority is None:
            return 0
        before = waits_of(self._machine)
        if before.next <= self._machine.now() if before else self._has_changed() or not self._authority.is_as_asked():
            self._order()
        after = waits_of(self._machine)
        if after and (before is None or before.reason != after.reason):
            self._say(f"<4>{after.reason}")
        return 0

    def renewed(self, lineage: str) -> int:
        """certbot calls for each certificate that it has ordered or renewed."""
        if self._authority is not None and Path(lineage).name == self._authority.name:
            self._serve(self._authority)
        return 0

    def bundle(self) -> int:
        if self._authority is not None:
            self._authority.bundle()
        return 0

    def _serve(self, authority: Authority) -> None:
        # Within certbot's hook the account may be too new to be known.
        wanted = authority.issued()
        if wanted is None:
            # Counted as an order, or another would follow at once.
            raise Refused(
                f"the authority has given a certificate, {authority.name}, for other names than were asked for."
            )
        authority.unpark()
        authority.renew_in_time(wanted.told)
        if self._door.serve("acme", wanted.pair):
            self._say(f"<5>the site has a new certificate, for {', '.join(sorted(wanted.told.names))}")
        note(self._machine, None)

    def _has_changed(self) -> bool:
        """Whether certbot has another certificate than is served, or none."""
        assert self._authority
        folder = self._machine.path(f"etc/letsencrypt/live/{self._authority.name}")
        live = self._machine.path("etc/ssl/berth/live/chain.pem")
        try:
            return (folder / "fullchain.pem").read_bytes() != live.read_bytes()
        except OSError:
            return True

    def _wait(self, reason: str, *, asked: bool) -> None:
        now, before = self._machine.now(), waits_of(self._machine)
        orders = (before.orders if before else 0) + asked
        # What was found before anything was ordered costs the authority nothing.
        pause = min(FIRST_WAIT * 2 ** (orders - 1), LONGEST_WAIT) if asked else 0
        since = before.since if before else now
        note(self._machine, Waits(reason, since, now, now + pause, orders))


def main(arguments: Sequence[str]) -> int:
    machine = Machine()
    try:
        keeper = Keeper(machine, settings_of(machine))
        if arguments == ["put"]:
            return keeper.put(sys.stdin.read())
        if arguments == ["renewed"]:
            return keeper.renewed(os.environ.get("RENEWED_LINEAGE", ""))
        if arguments == ["bundle"]:
            return keeper.bundle()
        if arguments in (["order"], ["tend"]):
            # One order at a time. certbot's hook comes within one.
            with alone(machine.path("run/berth-certificate.lock"), 900):
                return keeper.order() if arguments == ["order"] else keeper.tend()
    except Fault as fault:
        print(f"{fault}")
        return 1
    print(USAGE, file=sys.stderr)
    return 64
