"""The certificate of a site: what is served, ordered and renewed, on a host that is a directory."""

import contextlib
import itertools
import os
import subprocess
import tempfile
import time
import unittest
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

import machine
from authority import DAY, Authority, reason_of, renewed_before
from caa import Record
from challenge import records_of, settings_in
from door import Door, Pair, fits, pair_of
from keeper import ELSEWHERE, WAITS, Keeper
from machine import Answer, Fault, Machine, alone
from names import check_names
from record import Acme, Challenge, Settings, waits_of

DIRECTORY = "https://ca.example.org/dir"
NAMES = ("shop.example.org", "www.shop.example.org")
SETTINGS = f"# renew_before_expiry = 30 days\nversion = 4.0.0\n[renewalparams]\nserver = {DIRECTORY}\n"


def make(*names: str) -> Pair:
    """A pair that OpenSSL makes, valid for thirty days."""
    with tempfile.TemporaryDirectory() as folder:
        key, chain = Path(folder, "key"), Path(folder, "chain")
        wanted = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=x"]
        alternatives = "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)
        files = ["-keyout", f"{key}", "-out", f"{chain}"]
        command = ["openssl", "req", "-x509", *wanted, "-addext", alternatives, *files]
        subprocess.run(command, check=True, capture_output=True)
        return Pair(chain.read_text(), key.read_text())


# They cost a moment each.
SELF, OTHER, ISSUED, RENEWED = (make(*NAMES) for _ in range(4))


# What the authority is called in CAA records.
OWN = ["ca.example.org"]


class OfCertificates(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.clock = 0.0
        self.dns = dict.fromkeys(NAMES, "192.0.2.7")
        # What port 443 shows; nginx reads its files when it is told to.
        self.shown: bytes | None = None
        self.reloads = 0
        self.ran: list[Sequence[str]] = []
        # What certbot does when it is run.
        self.certbot: Answer | Pair = Answer(1, "An unexpected error occurred:\nno\n")
        self.updated = Answer(0, "")
        self.reachable = True
        # What the authority is called, and the CAA records of names.
        self.identities: Sequence[str] = OWN
        self.zones: dict[str, Sequence[Record] | None] = {}
        # What a name server is asked, and what is wrong with it.
        self.looked: list[tuple[str, Sequence[str]]] = []
        self.refused_key = ""
        self.refuses = ""
        self.said: list[str] = []
        self.acme: Acme | None = Acme(DIRECTORY, NAMES, None, None, ca=False, eab=False, addresses=())
        self.put("etc/ssl/certs/ca-certificates.crt", "")
        self.put("etc/nginx/sites-enabled/shop.conf", "    ssl_certificate /etc/ssl/berth/site.crt;\n")
        (self.root / "run").mkdir()

    def put(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def run_command(self, command: Sequence[str], _: Mapping[str, str], seconds: float) -> Answer:
        self.ran.append(command)
        match command[0]:
            case "openssl":
                return machine.answer_of(command, {}, seconds)
            case "nginx":
                return Answer(1, f"nginx: [emerg] {self.refuses}") if self.refuses else Answer(0, "")
            case "systemctl" if command[1] == "reload":
                self.reloads += 1
                self.shown = self.live().first
            case "getent":
                address = self.dns.get(command[-1])
                return Answer(0, f"{address} STREAM {command[-1]}\n{address} DGRAM\n") if address else Answer(2, "")
            case "ip":
                return Answer(0, '[{"addr_info":[{"local":"192.0.2.7"}]},{"addr_info":[{"local":"2001:db8::7"}]}]')
            case "certbot" if command[1] == "update_account":
                return self.updated
            case "certbot":
                self.account(command)
                if isinstance(self.certbot, Answer):
                    return self.certbot
                self.keep(self.certbot)
        return Answer(0, "")

    def account(self, command: Sequence[str]) -> None:
        """As certbot: it makes one only where it has none of the authority's, and with several it asks which."""
        place = self.root / "etc/letsencrypt/accounts/ca.example.org/dir"
        there = list(place.iterdir()) if place.is_dir() else []
        self.assertTrue(len(there) < 2 or "--account" in command, "it would ask a person")
        if not there:
            made = len(list((self.root / "etc/letsencrypt").rglob("account-*")))
            self.put(f"etc/letsencrypt/accounts/ca.example.org/dir/account-{made}/regr.json", "{}")

    def keep(self, pair: Pair, settings: str = SETTINGS) -> None:
        """As certbot keeps a certificate."""
        self.put("etc/letsencrypt/live/berth-shop/fullchain.pem", pair.chain)
        self.put("etc/letsencrypt/live/berth-shop/privkey.pem", pair.key)
        self.put("etc/letsencrypt/renewal/berth-shop.conf", settings)

    def ask(self, _: str, __: str) -> Sequence[str]:
        if not self.reachable:
            raise ConnectionRefusedError(111, "Connection refused")
        return self.identities

    def look(self, told: Mapping[str, str], records: Sequence[str]) -> None:
        self.looked.append((told["server"], records))
        if self.refused_key:
            raise Fault(self.refused_key)

    def caa(self, name: str) -> Sequence[Record] | None:
        return self.zones.get(name, [])

    @property
    def machine(self) -> Machine:
        return Machine(self.root, self.run_command, lambda: self.now)

    @property
    def now(self) -> float:
        return time.time() + self.clock

    def door(self) -> Door:
        return Door(self.machine, "shop", NAMES[0], lambda _: self.shown)

    def keeper(self, kind: str = "acme") -> Keeper:
        acme = self.acme if kind == "acme" else None
        authority = Authority(self.machine, "shop", acme, self.ask, self.caa, self.look) if acme else None
        settings = Settings("shop", NAMES[0], kind, acme)
        return Keeper(self.machine, settings, self.door(), authority, self.said.append)

    def live(self) -> Pair:
        """What nginx would read now, by the paths of its site."""
        place = self.root / "etc/ssl/berth"
        return Pair((place / "site.crt").read_text(), (place / "site.key").read_text())

    def orders(self) -> int:
        return sum(1 for command in self.ran if command[0] == "certbot")

    def begin(self) -> None:
        """A site that has begun with what the stack has made."""
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual(self.live(), SELF)


class OfTheDoor(OfCertificates):
    def test_a_pair_is_served_and_asked_at_the_door(self) -> None:
        self.assertTrue(self.door().serve("own", SELF))
        self.assertEqual((self.live(), self.shown, self.reloads), (SELF, SELF.first, 1))
        self.assertFalse(self.door().serve("own", SELF), "the same again is nothing to do")
        self.assertTrue(self.door().serve("own", OTHER))
        self.assertEqual((self.live(), self.reloads), (OTHER, 2))
        kept = [path for path in (self.root / "etc/ssl/berth").iterdir() if path.is_dir() and not path.is_symlink()]
        self.assertEqual(len(kept), 1, "no other key stays")
        self.assertEqual({path.stat().st_mode & 0o777 for path in [*kept, *kept[0].iterdir()]}, {0o700, 0o600})

    def test_a_key_that_is_another_certificates_changes_nothing(self) -> None:
        self.door().serve("own", SELF)
        with self.assertRaisesRegex(Fault, "the key is not that of the certificate"):
            self.door().serve("own", Pair(OTHER.chain, ISSUED.key))
        self.assertEqual(self.live(), SELF)
        with self.assertRaisesRegex(Fault, "there is no key"):
            pair_of(SELF.chain)

    def test_what_nginx_refuses_is_taken_back(self) -> None:
        self.door().serve("own", SELF)
        self.refuses = "no such file"
        with self.assertRaisesRegex(Fault, "nginx refuses its configuration: nginx: .emerg. no such file"):
            self.door().serve("own", OTHER)
        self.assertEqual((self.live(), self.reloads), (SELF, 1))

    def test_what_earlier_versions_have_put_there_becomes_links_and_never_half_of_them(self) -> None:
        self.put("etc/ssl/berth/site.crt", SELF.chain)
        self.put("etc/ssl/berth/site.key", SELF.key)
        self.door().serve("self-signed", SELF)
        self.assertTrue((self.root / "etc/ssl/berth/site.key").is_symlink())
        self.assertEqual(self.live(), SELF)

    def test_killed_at_any_moment_there_is_a_key_with_its_certificate_and_the_next_run_finishes(self) -> None:
        self.door().serve("own", SELF)

        class Killed(BaseException):
            pass

        calls = ("mkdir", "rename", "replace", "symlink", "fsync", "unlink")
        for last in range(40):
            left = [last]

            def dying(real: object, left: list[int] = left) -> object:
                def call(*args: object, **kwargs: object) -> object:
                    if left[0] == 0:
                        raise Killed
                    left[0] -= 1
                    return real(*args, **kwargs)  # type: ignore[operator]

                return call

            pair = OTHER if last % 2 else ISSUED
            with self.subTest(last=last), contextlib.ExitStack() as patches:
                for name in calls:
                    patches.enter_context(mock.patch.object(os, name, dying(getattr(os, name))))
                try:
                    self.door().serve("own", pair)
                    done = True
                except Killed:
                    done = False
            with self.subTest(last=last):
                self.assertTrue(fits(self.live()))
                self.door().serve("own", pair)
                self.assertEqual((self.live(), self.shown), (pair, pair.first))
            if done:
                self.assertGreater(last, 6, "it was killed at each of its steps before")
                return
        self.fail("it never came to its end")

    def test_no_other_account_can_hold_the_lock(self) -> None:
        path = self.root / "run/lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o644)
        with alone(path):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            with self.assertRaisesRegex(Fault, "another run holds"), alone(path, 0.2):
                pass

    def test_nginx_is_told_again_where_it_was_not(self) -> None:
        self.door().serve("own", SELF)
        self.shown = OTHER.first
        self.assertTrue(self.door().serve("own", SELF))
        self.assertEqual(self.shown, SELF.first)

    def test_a_site_that_nginx_does_not_have_yet_is_not_asked(self) -> None:
        self.put("etc/nginx/sites-enabled/shop.conf", "listen 80;")
        self.door().serve("own", SELF)
        self.assertEqual((self.live(), self.reloads), (SELF, 0))


class OfOrders(OfCertificates):
    def test_a_site_begins_with_the_stacks_certificate_and_gets_the_authoritys(self) -> None:
        self.begin()
        self.certbot = ISSUED
        self.assertEqual(self.keeper().order(), 0)
        self.assertEqual((self.live(), self.shown, self.orders()), (ISSUED, ISSUED.first, 1))
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual((self.keeper().order(), self.orders(), self.live()), (0, 1, ISSUED), "and keeps it")

    def test_a_further_name_and_another_authority_are_ordered_once(self) -> None:
        self.begin()
        self.certbot = ISSUED
        self.keeper().order()
        self.acme = Acme(DIRECTORY, (*NAMES, "shop.example.net"), None, None, ca=False, eab=False, addresses=None)
        self.certbot = wider = make(*NAMES, "shop.example.net")
        for _ in range(2):
            self.assertEqual(self.keeper().order(), 0)
        self.assertEqual((self.live(), self.orders()), (wider, 2))
        self.acme = Acme(
            "https://other.example.org/dir", self.acme.names, None, None, ca=False, eab=False, addresses=None
        )
        self.keeper().order()
        self.assertEqual(self.orders(), 3)

    def test_a_name_that_points_elsewhere_is_refused_before_anything_is_ordered(self) -> None:
        self.begin()
        self.dns[NAMES[1]] = "203.0.113.9"
        self.assertEqual((self.keeper().order(), self.orders()), (ELSEWHERE, 0))
        self.assertRegex(self.said[-1], "^www.shop.example.org points at 203.0.113.9, and this host is 192.0.2.7, 2001")
        self.assertEqual(self.live(), SELF)
        self.acme = Acme(DIRECTORY, NAMES, None, None, ca=False, eab=False, addresses=None)
        self.certbot = ISSUED
        self.assertEqual(self.keeper().order(), 0, "behind a proxy names are not looked up")

    def test_what_the_zone_forbids_is_told_before_anything_is_ordered(self) -> None:
        self.certbot = ISSUED
        issue = [Record("issue", "other.example"), Record("issuewild", "ca.example.org")]
        forbids: list[tuple[str, Sequence[Record], Sequence[str], str]] = [
            (
                "www.shop.example.org",
                issue,
                OWN,
                'name "other.example", and this authority is ca.example.org',
            ),
            ("example.org", [Record("issue", ";")], [], 'the CAA records of example.org name ";", by HTTP'),
            (
                "example.org",
                [Record("issue", "ca.example.org; validationmethods=dns-01")],
                OWN,
                "by HTTP",
            ),
        ]
        for zone, records, identities, told in forbids:
            self.begin()
            self.zones, self.identities = {zone: records}, identities
            self.assertEqual(self.keeper().order(), WAITS)
            self.assertIn(told, self.said[-1])
            self.assertIn(f"Add to that zone: {zone}. CAA 0 issue", self.said[-1])
            self.assertEqual(self.orders(), 0)

    def test_what_the_zone_allows_or_does_not_say_is_ordered(self) -> None:
        allows: list[tuple[Mapping[str, Sequence[Record] | None], Sequence[str]]] = [
            (
                {"example.org": [Record("issue", "CA.example.org; validationmethods=dns-01,http-01")]},
                OWN,
            ),
            ({"example.org": [Record("issuewild", ";"), Record("iodef", "mailto:a@example.org")]}, OWN),
            # The nearest ones count.
            (
                {"shop.example.org": [Record("issue", "ca.example.org")], "example.org": [Record("issue", ";")]},
                OWN,
            ),
            ({"shop.example.org": None, "www.shop.example.org": None, "example.org": [Record("issue", ";")]}, []),
            ({"example.org": [Record("issue", "other.example")]}, []),
        ]
        self.certbot = ISSUED
        for count, (zones, identities) in enumerate(allows, 1):
            self.zones, self.identities = dict(zones), identities
            self.put("etc/letsencrypt/live/berth-shop/fullchain.pem", "")
            self.assertEqual(self.keeper().order(), 0, zones)
            self.assertEqual(self.orders(), count)

    def test_further_addresses_are_the_hosts_own_and_each_family_counts(self) -> None:
        check_names(self.machine, NAMES, ())
        self.dns[NAMES[0]] = "203.0.113.9"
        check_names(self.machine, NAMES, ("203.0.113.9",))
        self.dns["web.example.org"] = "203.0.113.9"
        check_names(self.machine, NAMES, ("web.example.org",))
        self.dns[NAMES[0]] = "2001:DB8:0::7"
        check_names(self.machine, NAMES, ())

    def test_with_names_or_authority_away_the_site_waits_says_why_and_the_timer_gets_it_later(self) -> None:
        self.begin()
        self.certbot = ISSUED
        self.dns.pop(NAMES[0])
        self.assertEqual(self.keeper().order(), WAITS)
        self.assertEqual(self.said, [f"no name server knows {NAMES[0]}. Make it point at 192.0.2.7, 2001:db8::7."])
        self.dns[NAMES[0]] = "192.0.2.7"
        self.reachable = False
        for _ in range(2):
            self.keeper().tend()
        self.assertEqual(self.said[1:], [f"<4>{DIRECTORY} cannot be reached: Connection refused."], "said once")
        waits = waits_of(self.machine)
        self.assertEqual((waits.orders, self.orders(), self.live()) if waits else None, (0, 0, SELF))
        self.reachable = True
        self.keeper().tend()
        self.assertEqual((self.live(), self.orders(), waits_of(self.machine)), (ISSUED, 1, None))

    def test_an_authority_that_refuses_is_asked_ever_less_often(self) -> None:
        self.begin()
        self.keeper().order()
        asked = []
        for minute in range(24 * 60):
            self.clock = minute * 60.0
            before = self.orders()
            self.keeper().tend()
            if self.orders() > before:
                asked.append(minute)
        self.assertEqual(len(asked), 7, asked)
        self.assertGreaterEqual(min(b - a for a, b in itertools.pairwise(asked)), 30)

    def test_an_authority_that_gives_another_certificate_than_was_asked_for_is_not_asked_again_at_once(self) -> None:
        self.begin()
        self.certbot = make(NAMES[0])
        self.assertEqual(self.keeper().order(), WAITS)
        for _ in range(3):
            self.keeper().tend()
        self.assertEqual((self.orders(), self.live()), (1, SELF))

    def test_a_renewal_is_served_by_the_hook_and_by_the_timer_where_the_hook_could_not(self) -> None:
        self.begin()
        self.certbot = ISSUED
        self.keeper().order()
        self.keep(RENEWED)
        self.keeper().renewed("/etc/letsencrypt/live/another")
        self.assertEqual(self.live(), ISSUED)
        self.keeper().renewed("/etc/letsencrypt/live/berth-shop")
        self.assertEqual((self.live(), self.shown), (RENEWED, RENEWED.first))
        self.keep(OTHER)
        self.keeper().tend()
        self.assertEqual((self.live(), self.orders()), (OTHER, 1))

    def test_what_certbot_left_half_done_is_ordered_again(self) -> None:
        self.begin()
        self.keep(Pair(ISSUED.chain, OTHER.key))
        self.certbot = RENEWED
        self.keeper().order()
        self.assertEqual((self.live(), self.orders()), (RENEWED, 1))

    def test_a_new_machine_with_what_the_old_one_kept_orders_nothing(self) -> None:
        self.keep(ISSUED)
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual((self.live(), self.keeper().order(), self.orders()), (ISSUED, 0, 0))

    def test_to_a_certificate_of_ones_own_and_back_orders_nothing_and_is_never_self_signed(self) -> None:
        self.begin()
        self.certbot = ISSUED
        self.keeper().order()
        settings = self.root / "etc/letsencrypt/renewal/berth-shop.conf"
        settings.rename(f"{settings}.parked")
        self.keeper("own").put(OTHER.chain + OTHER.key)
        self.assertEqual(self.live(), OTHER)
        self.keeper("own").renewed("/etc/letsencrypt/live/berth-shop")
        self.assertEqual(self.live(), OTHER, "what certbot renews is not asked for")
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual(self.live(), ISSUED)
        self.keeper().order()
        self.assertEqual((self.orders(), settings.exists()), (1, True))

    def test_a_certificate_of_ones_own_stays_until_the_authoritys_is_there(self) -> None:
        self.keeper("own").put(OTHER.chain + OTHER.key)
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual(self.live(), OTHER)
        self.clock = 40.0 * DAY
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual(self.live(), SELF, "one that has expired does not")

    def test_each_lifetime_is_renewed_in_time_which_certbot_is_told_in_its_own_file(self) -> None:
        days = {lifetime: renewed_before(lifetime * DAY) / DAY for lifetime in (6, 45, 64, 90)}
        self.assertEqual([round(days[lifetime], 1) for lifetime in (6, 45, 64, 90)], [3, 15, 21.3, 30])
        self.begin()
        self.certbot = ISSUED
        self.keeper().order()
        text = (self.root / "etc/letsencrypt/renewal/berth-shop.conf").read_text()
        self.assertEqual(
            text, SETTINGS.replace("# renew_before_expiry = 30 days", "renew_before_expiry = 864000 seconds")
        )

    def by_name_server(self, secret: str) -> str:
        self.put(
            "etc/berth/acme-dns.ini",
            "dns_rfc2136_server = 192.0.2.53\ndns_rfc2136_port = 53\ndns_rfc2136_name = berth\n"
            f"dns_rfc2136_secret = {secret}\ndns_rfc2136_algorithm = HMAC-SHA256\n",
        )
        return secret

    def test_a_wildcard_is_ordered_by_records_once_and_anew_where_the_key_or_the_way_changes(self) -> None:
        names, challenge = (NAMES[0], "*.shop.example.org"), Challenge("rfc2136", 30)
        self.acme = Acme(DIRECTORY, names, None, None, ca=False, eab=False, addresses=None, challenge=challenge)
        self.begin()
        self.assertEqual((self.keeper().order(), self.orders()), (WAITS, 0))
        self.assertIn("/etc/berth/acme-dns.ini is not there yet", self.said[-1])
        self.by_name_server("c2VjcmV0")
        self.refused_key = "the name server 192.0.2.53 rejects the key berth"
        for _ in range(2):
            self.keeper().tend()
        self.assertEqual((self.orders(), self.live()), (0, SELF), "the authority is not asked")
        self.refused_key = ""
        self.certbot = wild = make(*names)
        self.keeper().tend()
        self.assertEqual((self.live(), self.looked[-1]), (wild, ("192.0.2.53", ["_acme-challenge.shop.example.org"])))
        (command,) = [command for command in self.ran if command[0] == "certbot"]
        self.assertEqual(command[command.index("--dns-rfc2136-credentials") + 1], "/etc/berth/acme-dns.ini")
        self.assertEqual(command[command.index("--dns-rfc2136-propagation-seconds") + 1], "30")
        self.assertNotIn("--webroot", command)
        self.assertEqual((self.keeper().order(), self.orders()), (0, 1), "and no more")
        another = self.by_name_server("YW5vdGhlcg")
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual(self.live(), wild, "it is served until there is another")
        self.certbot = again = make(*names)
        self.keeper().tend()
        self.assertEqual((self.live(), self.orders()), (again, 2))
        self.assertFalse(any(another in word or "c2VjcmV0" in word for command in self.ran for word in command))
        for count, kind in enumerate(("route53", "http"), 3):
            way = Challenge(kind)
            self.acme = Acme(DIRECTORY, names, None, None, ca=False, eab=False, addresses=None, challenge=way)
            self.certbot = make(*names)
            for _ in range(2):
                self.assertEqual(self.keeper().order(), 0)
            self.assertEqual(self.orders(), count)
            words = [word for command in self.ran if command[0] == "certbot" for word in command]
            self.assertIn("dns-route53" if kind == "route53" else "--webroot", words)

    def test_a_wildcard_asks_for_the_record_of_its_name_and_for_caa_of_its_own(self) -> None:
        names = ("shop.example.org", "*.shop.example.org", "*.example.net")
        self.assertEqual(records_of(names), ["_acme-challenge.shop.example.org", "_acme-challenge.example.net"])
        self.by_name_server("c2Vj=")
        told = settings_in((self.root / "etc/berth/acme-dns.ini").read_text())
        self.assertEqual((told["secret"], told["port"]), ("c2Vj=", "53"))
        wild = (NAMES[0], "*.shop.example.org")
        way = Challenge("route53")
        self.acme = Acme(DIRECTORY, wild, None, None, ca=False, eab=False, addresses=None, challenge=way)
        self.certbot = make(*wild)
        allows = Record("issue", "ca.example.org")
        for records, tag in (([allows, Record("issuewild", ";")], "issuewild"), ([Record("issue", ";")], "issue")):
            self.begin()
            self.zones = {"example.org": records}
            self.assertEqual(self.keeper().order(), WAITS)
            self.assertRegex(self.said[-1], rf'by DNS \(dns-01\)\. .*: example\.org\. CAA 0 {tag} "ca\.example\.org"')
        self.zones = {"example.org": [Record("issue", "ca.example.org; validationmethods=http-01")]}
        self.assertEqual(self.keeper().order(), WAITS)
        only = [Record("issue", "ca.example.org; validationmethods=dns-01"), Record("issuewild", "ca.example.org")]
        self.zones = {"example.org": only}
        self.assertEqual(self.keeper().order(), 0)

    def test_an_account_with_a_binding_is_made_once_and_anew_where_the_binding_changes(self) -> None:
        self.acme = Acme(DIRECTORY, NAMES, None, None, ca=False, eab=True, addresses=None)
        # Another certificate's, which the host's administrator has.
        self.put("etc/letsencrypt/accounts/ca.example.org/dir/theirs/regr.json", "{}")
        self.begin()
        self.assertEqual((self.keeper().order(), self.orders()), (WAITS, 0))
        self.assertIn("/etc/berth/acme-eab.ini is not there yet", self.said[-1])
        self.put("etc/berth/acme-eab.ini", "eab-kid = one\neab-hmac-key = c2VjcmV0\n")
        self.assertEqual((self.keeper().order(), self.orders()), (WAITS, 1), "the authority refuses this order")
        place = self.root / "etc/letsencrypt/accounts/ca.example.org/dir"
        self.assertEqual({one.name for one in place.iterdir()}, {"theirs", "account-0"})
        self.assertIn("--config", self.ran[-1])
        self.certbot = ISSUED
        for _ in range(2):
            self.assertEqual(self.keeper().order(), 0)
        certbot = [command for command in self.ran if command[0] == "certbot"]
        self.assertEqual((len(certbot), "--config" in certbot[1]), (2, False), "the account is there already")
        self.assertEqual(certbot[1][certbot[1].index("--account") + 1], "account-0")
        self.put("etc/berth/acme-eab.ini", "eab-kid = one\neab-hmac-key = YW5vdGhlcg\n")
        # What the site has stays, and the timer orders another as well.
        self.keeper().put(SELF.chain + SELF.key)
        self.assertEqual(self.live(), ISSUED)
        self.certbot = RENEWED
        self.keeper().tend()
        self.assertEqual((self.keeper().order(), self.orders(), self.live()), (0, 3, RENEWED))
        self.assertEqual({one.name for one in place.iterdir()}, {"theirs", "account-0", "account-1"})
        self.assertFalse(any("YW5vdGhlcg" in word or "c2VjcmV0" in word for command in self.ran for word in command))

    def test_accounts_that_a_killed_run_put_aside_are_put_back(self) -> None:
        self.acme = Acme(DIRECTORY, NAMES, None, None, ca=False, eab=True, addresses=None)
        self.put("etc/berth/acme-eab.ini", "eab-kid = one\n")
        self.put("etc/letsencrypt/accounts/ca.example.org/dir.berth-aside/theirs/regr.json", "{}")
        self.begin()
        self.certbot = ISSUED
        self.assertEqual(self.keeper().order(), 0)
        accounts = self.root / "etc/letsencrypt/accounts/ca.example.org"
        self.assertEqual({one.name for one in (accounts / "dir").iterdir()}, {"theirs", "account-0"})
        self.assertEqual([one.name for one in accounts.iterdir()], ["dir"])

    def test_another_address_reaches_the_account_and_orders_nothing(self) -> None:
        def asked(email: str) -> list[Sequence[str]]:
            self.acme = Acme(DIRECTORY, NAMES, email, None, ca=False, eab=False, addresses=None)
            before = len(self.ran)
            self.assertEqual(self.keeper().order(), 0)
            return [command for command in self.ran[before:] if command[0] == "certbot"]

        self.begin()
        self.certbot = ISSUED
        self.assertEqual([command[1] for command in asked("a@example.org")], ["certonly"])
        self.assertEqual(asked("a@example.org"), [])
        self.updated = Answer(1, "An unexpected error occurred:\ninvalid contact\n")
        asked("b@example.org")
        self.assertRegex(self.said[-1], "WARNING: .*site.tls.acme.email, and keeps the old one: invalid contact")
        self.updated = Answer(0, "")
        (command,) = asked("b@example.org")
        self.assertEqual(command[command.index("--email") + 1], "b@example.org")
        self.assertEqual(command[command.index("--account") + 1], "account-0")
        self.assertEqual(asked("b@example.org"), [])
        # An account from before any was noted.
        (self.root / "etc/letsencrypt/berth-accounts.json").unlink()
        self.keep(ISSUED, f"{SETTINGS}account = account-0\n")
        self.assertEqual([command[1] for command in asked("b@example.org")], ["update_account"])
        self.assertEqual(asked("b@example.org"), [])

    def test_what_certbot_says_is_a_line(self) -> None:
        failed = (
            "Saving debug log\nCertbot failed to authenticate some domains (authenticator: webroot). The Certificate "
            "Authority reported these problems:\n  Domain: a.example.org\n  Type:   connection\n"
            "  Detail: 192.0.2.7: Timeout during connect (likely firewall problem)\n\nHint: x\n\n"
            "Some challenges have failed.\nAsk for help at https://x. See the logfile /var/log\n"
        )
        self.assertEqual(
            reason_of(failed), "a.example.org: 192.0.2.7: Timeout during connect (likely firewall problem)"
        )
        limited = "An unexpected error occurred:\ntoo many certificates already issued\nAsk for help or search"
        self.assertEqual(reason_of(limited), "too many certificates already issued")
        self.assertEqual(reason_of("Account at x does not exist\n"), "Account at x does not exist")
