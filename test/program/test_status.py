"""What a host tells of itself for 'npm run status', of files and of answers of programs that are none."""

import datetime
import json
import tempfile
import threading
import time
import unittest
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from host_status.application import application, timers
from host_status.door import answers, certificate, maintenance
from host_status.gather import gather
from host_status.judge import is_slow
from host_status.machine import claim, disks, kills, memory, share, upgrades
from host_status.masking import masking
from host_status.ports import silent
from host_status.reading import Host, Late, Unknown, answer_of
from host_status.services import Figure, redis_figures, services
from host_status.told import Told
from host_status.units import Unit, Units

SHOP = Told("shop", "https", "shop.example.org", "/health")
SHOWN = """\
Result=success
NRestarts=0
Id=nginx.service
LoadState=loaded
ActiveState=active
SubState=running
StateChangeTimestamp=@1700000000

Result=exit-code
NRestarts=14
Id=shop-worker@b-1.c.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
StateChangeTimestamp=@1700000100

Id=backup.mount
LoadState=loaded
ActiveState=failed
SubState=failed
StateChangeTimestamp=
Result=timeout

Id=gone.service
LoadState=not-found
ActiveState=inactive
SubState=dead
StateChangeTimestamp=
"""


class OfStatus(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        # What programs print, by a word of their command line; all others fail.
        self.answers: dict[str, str] = {"systemctl show": SHOWN}

    def host(self) -> Host:
        return Host(self.root, self.run_on_host)

    def run_on_host(self, command: Sequence[str]) -> str:
        line = " ".join(command)
        for words, answer in self.answers.items():
            if words in line:
                return answer
        raise Unknown(f"{command[0]} ended with 1: it is not there")

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def units(self) -> Units:
        return Units(self.host(), masking(self.host(), "shop"))


class OfUnits(OfStatus):
    def test_systemd_s_words_are_read_and_a_unit_that_is_not_loaded_is_inactive(self) -> None:
        [nginx, lost] = self.units().of(["nginx.service", "gone.service"])
        self.assertEqual(nginx, Unit("nginx.service", "active", "running", 1_700_000_000))
        self.assertEqual((lost.state, lost.since, lost.restarts), ("inactive", None, 0))

    def test_units_that_have_failed_and_that_are_restarted_again_and_again_are_found(self) -> None:
        found = {unit.unit: (unit.state, unit.result, unit.restarts) for unit in self.units().failed()}
        self.assertEqual(
            found,
            {
                "backup.mount": ("failed", "timeout", 0),
                "shop-worker@b-1.c.service": ("activating", "exit-code", 14),
            },
        )

    def test_a_loop_is_found_while_the_unit_happens_to_run_and_one_that_stays_up_since_is_none(self) -> None:
        for seconds, expected in ((1, ["loop.service"]), (3600, [])):
            self.answers["systemctl show"] = (
                f"Id=loop.service\nLoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=7\n"
                f"StateChangeTimestamp=@{int(time.time()) - seconds}\n"
            )
            self.assertEqual([unit.unit for unit in self.units().failed()], expected)

    def test_the_last_line_of_a_unit_s_own_programs_is_told_before_what_systemd_says_of_it(self) -> None:
        self.answers["--unit=backup.mount"] = "backup.mount: Failed with result 'timeout'.\n"
        self.answers["_SYSTEMD_UNIT=shop-worker@b-1.c.service"] = "starting\nno broker at 127.0.0.1\n"
        lines = {unit.unit: unit.line for unit in self.units().failed()}
        self.assertEqual(lines["shop-worker@b-1.c.service"], "no broker at 127.0.0.1")
        self.assertEqual(lines["backup.mount"], "backup.mount: Failed with result 'timeout'.")

    def test_no_value_of_the_application_s_settings_is_in_a_line_however_it_is_printed(self) -> None:
        self.put("usr/local/lib/berth/shop/application.json", json.dumps({"root": "/srv/shop"}))
        self.put(
            "srv/shop/config/env",
            "DATABASE_URL='postgresql://shop:pass%2Fword@127.0.0.1/shop'\nTOKEN=\"it's \\\"quoted\\\"\"\nSHORT='on'\n",
        )
        self.put("srv/shop/config/web/b-1.c/env", "TOKEN='of-an-earlier-release'\n")
        mask = masking(self.host(), "shop")
        self.assertEqual(mask("to postgresql://shop:pass%2Fword@127.0.0.1/shop"), "to [DATABASE_URL]")
        self.assertEqual(mask("FATAL: pass/word is on"), "FATAL: [DATABASE_URL] is on")
        self.assertEqual(mask('token it\'s "quoted" or of-an-earlier-release'), "token [TOKEN] or [TOKEN]")
        self.assertEqual(mask("Basic b2YtYW4tZWFybGllci1yZWxlYXNl"), "Basic [TOKEN]")
        self.assertEqual(mask('{"token": "it\'s \\"quoted\\""}'), '{"token": "[TOKEN]"}')

    def test_a_line_is_not_told_where_the_settings_cannot_be_read(self) -> None:
        self.put("usr/local/lib/berth/shop/application.json", "{")
        self.assertIsNone(masking(self.host(), "shop")("anything"))


class OfServices(OfStatus):
    def test_only_what_berth_has_set_up_on_the_host_is_told(self) -> None:
        self.assertEqual(services(self.host(), self.units()), [])
        self.put("etc/nginx/conf.d/berth.conf", "")
        self.assertEqual([one["name"] for one in services(self.host(), self.units())], ["nginx"])

    def test_services_of_a_team_are_told_by_their_names(self) -> None:
        for unit in ("service-store.service", "service-cache.service"):
            self.put(f"etc/systemd/system/{unit}", "")
        self.assertEqual([one["name"] for one in services(self.host(), self.units())], ["cache", "store"])

    def test_postgresql_tells_its_connections_and_its_size_or_why_it_does_not(self) -> None:
        self.put("etc/postgresql/17/main/conf.d/berth.conf", "")
        self.answers["/usr/lib/postgresql/17/bin/psql"] = "3|100|16215398\n"
        [told] = services(self.host(), self.units())
        self.assertEqual((told["name"], told["problem"]), ("PostgreSQL", None))
        figures = [Figure("connections", 3, 100), Figure("size", 16215398, None, bytes=True)]
        self.assertEqual(told["figures"], figures)
        del self.answers["/usr/lib/postgresql/17/bin/psql"]
        [told] = services(self.host(), self.units())
        self.assertEqual((told["figures"], told["problem"]), ([], "runuser ended with 1: it is not there"))

    def test_the_queue_and_the_cache_are_told_apart_by_the_server_that_there_is(self) -> None:
        for server, title in (("redis", "Redis"), ("valkey", "Valkey")):
            for file in (server, "cache"):
                self.put(f"etc/berth/{server}/{file}.conf", "")
            told = [one["name"] for one in services(self.host(), self.units())]
            self.assertEqual(told[-2:], [title, f"{title} cache"])

    def test_redis_tells_its_memory_or_why_it_takes_nothing(self) -> None:
        info = "# Memory\r\nused_memory:1000\r\nmaxmemory:4000\r\nconnected_clients:5\r\nmaxclients:10000\r\n"
        figures = redis_figures(f"+OK\r\n+PONG\r\n$99\r\n{info}+OK\r\n")
        expected = [Figure("memory", 1000, 4000, bytes=True), Figure("connections", 4, 10000)]
        self.assertEqual(figures, expected)
        self.assertEqual(redis_figures(f"+OK\r\n+PONG\r\n{info}", "cache")[0], Figure("cache", 1000, 4000, bytes=True))
        self.assertEqual(redis_figures("+OK\r\n+PONG\r\n-NOPERM no permissions\r\n+OK\r\n"), [])
        with self.assertRaisesRegex(Unknown, "aof_last_write_status is err"):
            redis_figures("+OK\r\n+PONG\r\naof_last_write_status:err\r\n")
        with self.assertRaisesRegex(Unknown, "^LOADING Redis is loading"):
            redis_figures("-LOADING Redis is loading\r\n-LOADING Redis is loading\r\n")


class OfTheApplication(OfStatus):
    def test_the_live_release_is_told_with_who_made_it_and_units_with_their_process(self) -> None:
        self.put("usr/local/lib/berth/shop/berth-release", "")
        tried = {"from": None, "commit": None, "seconds": 3, "reason": None, "at": "2026-01-02T03:04:05Z"}
        self.answers["berth-release status"] = json.dumps(
            {
                "application": "shop",
                "live": "b-1.c",
                "instances": [
                    {"instance": "b-1.c", "release": "b-1", "state": "live", "since": 5.5, "units": UNITS},
                    {"instance": "a-1.c", "release": "a-1", "state": "failed", "since": 4, "units": []},
                ],
                "releases": [{"release": "b-1", "commit": "0123456789abcdef"}],
                "history": [
                    {**tried, "who": "ada", "address": "192.0.2.1", "to": "b-1", "result": "release"},
                    {**tried, "who": "bob", "address": None, "to": "b-1", "result": "failed"},
                ],
            }
        )
        told = application(self.host(), SHOP, self.units())
        release = {"id": "b-1", "since": 5.5, "commit": "0123456789abcdef", "by": "ada", "from": "192.0.2.1"}
        self.assertEqual(told["release"], release)
        processes = told["processes"]
        assert isinstance(processes, list)
        self.assertEqual(
            [(one["process"], one["state"], one["restarts"], one["live"]) for one in processes],
            [("worker", "activating", 14, True), ("web", "inactive", 0, True)],
        )

    def test_ports_at_which_nothing_listens_are_told(self) -> None:
        self.put("etc/systemd/system/shop-rpc@.service", "[Service]\nUser=shop\n\n[X-Berth]\nPorts=7000 7001 7002\n")
        head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        line = " 0: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000 0 0\n"
        # One that listens, and a connection from the other.
        self.put("proc/net/tcp", head + line.format("00000000:1B58", "0A") + line.format("0100007F:1B59", "01"))
        self.put("proc/net/tcp6", head + line.format("00000000000000000000000000000000:1B5A", "0A"))
        self.assertEqual(silent(self.host(), "shop-rpc@.service"), [7001])
        self.assertEqual(silent(self.host(), "shop-web@.service"), [])

    def test_a_host_without_an_application_has_no_release(self) -> None:
        told = application(self.host(), SHOP, self.units())
        self.assertEqual(told, {"release": None, "lastTried": None, "hooks": [], "processes": []})

    def test_timers_have_their_next_and_last_time(self) -> None:
        self.put("etc/systemd/system/shop-clean.timer", "")
        self.answers["list-timers"] = '[{"next":1700000000000000,"last":0,"unit":"shop-clean.timer"}]'
        [told] = timers(self.host(), SHOP, self.units())
        self.assertEqual((told["timer"], told["next"], told["last"]), ("clean", 1_700_000_000, None))


UNITS = [{"unit": "shop-worker@b-1.c.service"}, {"unit": "shop-web@b-1.c.service"}]
# What 'openssl x509' prints, with the options of door.py.
CERTIFICATE = """\
notBefore=2026-10-30 06:34:39Z
notAfter=2027-01-28 06:34:39Z
issuer=
    C=US
    O=Let's Encrypt
    CN=R3
subject=
    CN=shop.example.org
sha256 Fingerprint=60:CE:4D
X509v3 Subject Alternative Name:
    DNS:shop.example.org, IP Address:192.0.2.1
"""


class OfTheSystem(OfStatus):
    def test_the_certificate_is_the_one_that_nginx_shows(self) -> None:
        self.assertIsNone(certificate(self.host(), SHOP))
        self.put("etc/nginx/sites-enabled/shop.conf", "server {\n    ssl_certificate /etc/ssl/shop.pem;\n}\n")
        with self.assertRaisesRegex(Unknown, "^/etc/ssl/shop.pem, which nginx's site names, holds none"):
            certificate(self.host(), SHOP)
        self.answers["-in /etc/ssl/shop.pem"] = CERTIFICATE
        told = {
            "kind": "issued",
            "issuer": "Let's Encrypt",
            "names": ["shop.example.org", "192.0.2.1"],
            "from": 1793342079,
            "until": 1801118079,
            "fingerprint": "60:CE:4D",
            "source": None,
            "waits": None,
        }
        self.assertEqual(certificate(self.host(), SHOP), told)

    def test_a_certificate_that_has_signed_itself_says_so_and_openssl_prints_what_is_read(self) -> None:
        chain = self.root / "own.pem"
        request = (
            f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /O=Shop/CN=shop -out {chain}"
        )
        answer_of(["openssl", *request.split(), "-keyout", f"{self.root}/own.key"])
        self.put("etc/nginx/sites-enabled/shop.conf", f"ssl_certificate {chain};\n")
        told = certificate(Host(self.root), SHOP) or {}
        self.assertEqual((told["kind"], told["issuer"], told["names"]), ("self-signed", "Shop", []))
        self.assertRegex(str(told["fingerprint"]), "^([0-9A-F]{2}:){31}[0-9A-F]{2}$")
        self.assertEqual(float(f"{told['until']}") - float(f"{told['from']}"), 9 * 86_400)

    def test_a_certificate_has_its_source_and_what_the_site_waits_for(self) -> None:
        self.put("etc/nginx/sites-enabled/shop.conf", "ssl_certificate /etc/ssl/berth/site.crt;\n")
        self.put("etc/ssl/berth/self-signed-1a2b/chain.pem", "")
        (self.root / "etc/ssl/berth/live").symlink_to("self-signed-1a2b")
        self.answers["openssl"] = CERTIFICATE
        waits = {"reason": "no way", "since": 1.0, "tried": 2.0, "next": 3.0}
        self.put("var/lib/berth/certificate.json", json.dumps({**waits, "orders": 0}))
        told = certificate(self.host(), SHOP) or {}
        self.assertEqual((told["source"], told["waits"]), ("self-signed", waits))

    def test_what_visitors_got_is_read_of_both_forms_of_nginxs_log(self) -> None:
        self.assertIsNone(answers(self.host(), SHOP))
        now = datetime.datetime.now(datetime.UTC)

        def plain(status: int, *, agent: str = "curl", upstream: str = "0.01", ago: int = 5, path: str = "/") -> str:
            at = (now - datetime.timedelta(seconds=ago)).isoformat(timespec="seconds")
            ends = f"host=shop time=0.1 connect=0.0 upstream={upstream}"
            return f'192.0.2.1 - - [{at}] "GET {path} HTTP/2.0" {status} 12 "-" "{agent}" {ends}'

        def in_json(status: int) -> str:
            told = {"time": now.isoformat(timespec="seconds"), "uri": "/", "user_agent": "curl", "upstream": "0.01"}
            return json.dumps({**told, "status": status})

        lines = [plain(200), plain(500), plain(500, path="/a\\x22 500 1"), in_json(502), in_json(404), "no line"]
        # Of another time, of Berth itself, and the maintenance page.
        lines += [plain(500, ago=900), plain(500, agent="berth-status"), plain(503, upstream="-"), '{"half']
        # What nginx itself refuses: another name, a form that it does not know.
        lines += [plain(421, upstream="-"), plain(501, upstream="-"), plain(505, upstream="-")]
        self.put("var/log/nginx/shop.access.log", "\n".join(lines) + "\n")
        told = {"seconds": 300, "requests": 5, "errors": 3}
        self.assertEqual(answers(self.host(), SHOP), told)
        self.put("var/log/nginx/shop.access.log", plain(503) + "\n")
        self.assertEqual((answers(self.host(), SHOP) or {})["errors"], 1, "the application's own")

    def test_that_apt_takes_long_on_a_busy_host_is_no_fault(self) -> None:
        def late(_: Sequence[str]) -> str:
            raise Late("runuser did not answer in 5 s")

        with self.assertRaises(Unknown) as raised:
            upgrades(Host(self.root, late))
        self.assertTrue(is_slow(str(raised.exception)))

    def test_upgrades_are_counted_and_those_of_security_are_named(self) -> None:
        self.answers["apt list"] = (
            "Listing...\n"
            "libssl3t64/stable-security,stable 3.5.1-1+deb13u2 amd64 [upgradable from: 3.5.1-1+deb13u1]\n"
            "tzdata/stable-updates 2026b-0 all [upgradable from: 2026a-0]\n"
        )
        self.put("run/reboot-required", "")
        self.put("run/reboot-required.pkgs", "linux-image-amd64\nlinux-image-amd64\n")
        told = upgrades(self.host())
        self.assertEqual((told["waiting"], told["security"]), (2, ["libssl3t64"]))
        self.assertEqual(told["rebootFor"], ["linux-image-amd64"])
        self.assertIsInstance(told["rebootSince"], float)
        self.assertEqual((told["looked"], told["installed"]), (None, None))

    def test_memory_is_that_of_the_host_or_the_limit_of_a_container(self) -> None:
        self.put(
            "proc/meminfo", "MemTotal:        4194304 kB\nMemFree: 1 kB\nMemAvailable:    3145728 kB\nSwapTotal: 0 kB\n"
        )
        self.put(
            "proc/pressure/memory", "some avg10=9 avg60=9 avg300=9 total=1\nfull avg10=0 avg60=0 avg300=2.50 total=1\n"
        )
        self.put("proc/vmstat", "oom_kill 0\n")
        told = memory(self.host())
        gib = 1 << 30
        self.assertEqual(
            (told["total"], told["available"], told["pressure"], told["killed"]), (4 * gib, 3 * gib, 2.5, 0)
        )
        self.put("sys/fs/cgroup/memory.max", f"{gib}\n")
        self.put("sys/fs/cgroup/memory.current", f"{gib // 2}\n")
        self.put("sys/fs/cgroup/memory.stat", f"anon 1\ninactive_file {gib // 4}\n")
        told = memory(self.host())
        self.assertEqual((told["total"], told["available"]), (gib, gib * 3 // 4))

    def test_a_container_waits_for_memory_by_itself(self) -> None:
        self.put("proc/meminfo", "MemTotal: 8 kB\nMemAvailable: 4 kB\n")
        self.put("proc/pressure/memory", "full avg10=0 avg60=0 avg300=9.50 total=1\n")
        self.put("run/systemd/container", "systemd-nspawn\n")
        self.assertIsNone(memory(self.host())["pressure"], "the computer's")
        self.put("sys/fs/cgroup/memory.pressure", "full avg10=0 avg60=0 avg300=1.50 total=1\n")
        self.assertEqual(memory(self.host())["pressure"], 1.5)

    def test_processes_that_were_killed_for_want_of_memory_are_the_host_s_own(self) -> None:
        self.put("proc/vmstat", "oom_kill 3\n")
        self.assertEqual(kills(self.host()), 3)
        self.put("run/systemd/container", "systemd-nspawn\n")
        self.assertIsNone(kills(self.host()), "the computer's")
        self.put("sys/fs/cgroup/memory.events", "oom 1\noom_kill 1\n")
        self.assertEqual(kills(self.host()), 1)

    def test_each_file_system_is_told_once_with_its_share(self) -> None:
        (self.root / "var/lib/postgresql").mkdir(parents=True)
        [told] = disks(self.host(), "shop")
        self.assertEqual(told["place"], "/")
        self.assertEqual((share(0, 0), share(3, 1)), (0, 0.75))

    def test_a_volume_of_uploads_is_told_as_well(self) -> None:
        (self.root / "shop_media").mkdir()
        self.put("usr/local/lib/berth/shop/application.json", '{"media": "/shop_media"}')
        with mock.patch("host_status.machine.PLACES", ()):
            self.assertEqual([one["place"] for one in disks(self.host(), "shop")], ["/shop_media"])

    def test_the_claim_and_the_maintenance_page_are_read(self) -> None:
        self.assertIsNone(claim(self.host()))
        self.put("var/lib/berth/claim", "c0ffee\nthe stack 'prod' of berth as its host 'web', since 2026-01-02\n")
        text = "the stack 'prod' of berth as its host 'web', since 2026-01-02"
        self.assertEqual(claim(self.host()), {"id": "c0ffee", "text": text})
        self.assertEqual(maintenance(self.host(), SHOP), {"on": False, "since": None})
        self.put("etc/berth/shop/maintenance", "")
        self.assertTrue(maintenance(self.host(), SHOP)["on"])


class OfAll(OfStatus):
    def test_a_part_that_fails_or_hangs_is_told_and_the_others_are_told_as_well(self) -> None:
        def fail() -> object:
            raise Unknown("psql did not answer in 5 s")

        hold = threading.Event()
        self.addCleanup(hold.set)
        asked = {"load": lambda: 1, "services": fail, "disks": hold.wait, "clock": lambda: int("x")}
        told = gather(asked, 2)
        self.assertEqual((told["load"], told["services"], told["disks"]), (1, None, None))
        self.assertEqual(
            told["unknown"],
            {
                "services": "psql did not answer in 5 s",
                "disks": "it was not answered in 2 s",
                "clock": "ValueError: invalid literal for int() with base 10: 'x'",
            },
        )

    def test_a_command_that_fails_says_so_by_its_last_line(self) -> None:
        with self.assertRaisesRegex(Unknown, "^sh ended with 3: second$"):
            answer_of(["sh", "-c", "echo first >&2; echo second >&2; exit 3"])
        with self.assertRaisesRegex(Unknown, "^none: No such file"):
            answer_of(["none"])
