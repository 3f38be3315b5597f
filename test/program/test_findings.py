"""What of the facts of a host needs attention."""

import copy
import unittest
from typing import Any

from host_status.judge import judge
from host_status.mark import marked
from host_status.told import Told
from host_status.words import date, long, percent, size

NOW = 1_800_000_000
MINUTE, HOUR, DAY, MIB, GIB = 60, 3600, 86_400, 1 << 20, 1 << 30
PROD = Told("shop", "https", "shop.example.org", "/health", claim="c0ffee", flag=" -s prod")
Facts = dict[str, Any]


def unit(name: str, **changes: object) -> Facts:
    told = {"unit": name, "state": "active", "sub": "running", "since": NOW - 3 * HOUR}
    return {**told, "restarts": 0, "result": "success", "line": None, **changes}


def process(name: str, **changes: object) -> Facts:
    return {**unit(f"shop-{name}@b-1.c.service"), "process": name, "live": True, "silentPorts": [], **changes}


REDIS = {
    "name": "Redis",
    "units": [unit("redis-server.service")],
    "figures": [{"what": "memory", "used": 30 * MIB, "limit": 256 * MIB, "bytes": True}],
    "problem": None,
}
STOPPED_REDIS = unit("redis-server.service", state="failed", sub="failed", result="exit-code")
LAST_BACKUP = {"at": NOW - HOUR, "id": "20261128-040000F", "size": GIB, "stored": GIB, "seconds": 9}
# A host of which nothing needs attention.
WELL: Facts = {
    "clock": {"now": NOW, "synchronised": True},
    "system": {"system": "Debian 13.2", "up": NOW - 9 * DAY, "container": None},
    "claim": {"id": "c0ffee", "text": "the stack 'prod' of berth as its host 'web', since 2026-01-02"},
    "application": {
        "release": {"id": "b-1", "since": NOW - 3 * HOUR, "commit": None, "by": "ada", "from": "192.0.2.1"},
        "lastTried": {"at": "2027-01-15T05:00:00Z", "to": "b-1", "result": "release", "reason": None},
        "hooks": [{"event": "released", "release": "b-1", "at": NOW - 3 * HOUR, "state": "done", "why": None}],
        "processes": [process("web"), process("worker"), process("worker", unit="shop-worker@b-1.c.2.service")],
    },
    "timers": [{**unit("shop-clean.timer", sub="waiting"), "timer": "clean", "next": NOW + HOUR, "last": NOW - DAY}],
    "services": [{"name": "nginx", "units": [unit("nginx.service")], "figures": [], "problem": None}, REDIS],
    "failedUnits": [],
    "site": {"status": 200, "milliseconds": 9, "problem": None},
    "answers": {"seconds": 300, "requests": 40, "errors": 2},
    "certificate": {
        "kind": "self-signed",
        "source": "self-signed",
        "from": NOW - 100 * DAY,
        "until": NOW + 265 * DAY,
        "waits": None,
    },
    "maintenance": {"on": False, "since": None},
    "backups": None,
    "disks": [{"place": "/", "size": 20 * GIB, "free": 12 * GIB, "used": 0.4, "inodesUsed": 0.1}],
    "memory": {"total": 4 * GIB, "available": 3 * GIB, "pressure": 0, "killed": 0, "lastKilled": None},
    "load": {"averages": [0.1, 0.2, 0.3], "processors": 2},
    "upgrades": {
        "waiting": 0,
        "security": [],
        "looked": NOW - 5 * HOUR,
        "installed": NOW - 9 * HOUR,
        "rebootSince": None,
        "rebootFor": [],
    },
    "notices": None,
    "unknown": {},
}


class OfFindings(unittest.TestCase):
    def found(self, **changes: Any) -> list[str]:
        return self.told(PROD, changes)

    def told(self, told: Told, changes: Facts) -> list[str]:
        """The findings on a host that is well but for these facts, one line each."""
        findings = judge({**copy.deepcopy(WELL), **changes}, told, NOW)
        return [" | ".join([one.kind, one.code, one.what, *([one.next] if one.next else [])]) for one in findings]

    def of(self, part: str, **changes: Any) -> list[str]:
        """The same where a part is well but for these of its facts."""
        return self.told(PROD, {part: {**WELL[part], **changes}})


class OfTheHost(OfFindings):
    def test_nothing_is_found_where_all_is_well(self) -> None:
        self.assertEqual(self.found(), [])

    def test_a_part_that_could_not_be_read_is_a_fault_and_a_warning_where_the_host_was_slow(self) -> None:
        unknown = {"application": "it hangs", "failedUnits": "it was not answered in 7 s"}
        self.assertEqual(
            self.found(application=None, failedUnits=None, unknown=unknown),
            [
                "fault | unknown | its application could not be read: it hangs",
                "warning | unknown | its failed units could not be read: it was not answered in 7 s",
            ],
        )

    def test_nothing_else_is_lost_with_a_part(self) -> None:
        for part in WELL:
            if part != "unknown":
                with self.subTest(part):
                    [line] = self.told(PROD, {part: None, "unknown": {part: "it hangs"}})
                    self.assertRegex(line, "^fault [|] unknown [|] ")

    def test_a_machine_that_belongs_to_another_stack_or_to_none_is_a_fault(self) -> None:
        other = "the stack 'other' of berth as its host 'web', since 2026-05-06"
        line = f"fault | claim | the machine belongs to {other}"
        self.assertEqual(self.found(claim={"id": "decaf", "text": other}), [line])
        [gone] = self.found(claim=None)
        self.assertRegex(gone, "^fault [|] claim [|] .*/var/lib/berth/claim is gone$")

    def test_a_disk_is_a_warning_from_85_percent_on_and_a_fault_from_95_on(self) -> None:
        def disk(**changes: object) -> list[str]:
            return self.found(disks=[{**WELL["disks"][0], **changes}])

        self.assertEqual(disk(used=0.849), [])
        after = "see 'A full disk' in docs/troubleshooting.md"
        line = f"warning | disk | the disk / is 85 % full, 3.0 GiB are free | {after}"
        self.assertEqual(disk(used=0.85, free=3 * GIB), [line])
        self.assertRegex(disk(used=0.95)[0], r"^fault \| disk-full \| the disk / is 95 % full")
        self.assertRegex(disk(inodesUsed=0.92)[0], r"^warning \| inodes \| .* 92 % of its inodes")

    def test_memory_that_is_short_and_processes_that_were_killed_for_want_of_it_today_are_warnings(self) -> None:
        short = "warning | memory | memory is short: 307 MiB of 4.0 GiB are available"
        self.assertEqual(self.of("memory", available=0.3 * GIB), [short])
        self.assertRegex(self.of("memory", pressure=7.5)[0], "everything waited for it 7.5 % of the time$")
        killed = "memory ran out: the kernel has killed 2 processes since the boot, the last 3 h ago"
        line = f"warning | memory-killed | {killed}"
        self.assertEqual(self.of("memory", killed=2, lastKilled=NOW - 3 * HOUR), [line])
        self.assertEqual(self.of("memory", killed=2, lastKilled=NOW - 3 * DAY), [])

    def test_a_load_that_lasts_is_a_warning(self) -> None:
        self.assertEqual(self.of("load", averages=[20, 20, 7.9]), [])
        line = "warning | load | the load was 8 on 2 processors for the last 15 minutes"
        busy = {"load": {"averages": [1, 5, 8], "processors": 2}}
        self.assertEqual(self.found(**busy), [line])
        container = {"system": {**WELL["system"], "container": "systemd-nspawn"}}
        self.assertEqual(self.found(**busy, **container), [], "the computer's")

    def test_a_clock_that_is_not_synchronised_is_a_warning(self) -> None:
        [line] = self.of("clock", synchronised=False)
        self.assertRegex(line, r"^warning \| clock \| the host's clock is not synchronised \| npm run ssh -- -s prod ")
        self.assertEqual(self.of("clock", synchronised=None), [])

    def test_security_upgrades_that_wait_for_longer_than_a_night_are_a_warning_and_so_is_a_reboot(self) -> None:
        security = ["libssl3t64", "openssl"]
        self.assertEqual(self.of("upgrades", waiting=9, security=security), [])
        after = "npm run ssh -- -s prod sudo unattended-upgrade"
        waiting = "2 security upgrades wait, and none were installed for long: last 5 days ago"
        line = f"warning | upgrades | {waiting} | {after}"
        self.assertEqual(self.of("upgrades", security=security, installed=NOW - 5 * DAY), [line])
        never = {**WELL["upgrades"], "security": security, "installed": None, "looked": None}
        self.assertEqual(self.found(upgrades=never, system={"up": NOW - DAY}), [], "it is new")
        [skipped] = self.of("upgrades", security=security, looked=NOW - 9 * HOUR, installed=NOW - HOUR)
        self.assertIn("which the nightly upgrade has skipped: libssl3t64, openssl", skipped)
        self.assertIn("has not looked for upgrades for long: last", self.of("upgrades", looked=NOW - 5 * DAY)[0])
        what = "a reboot has been needed for 2 days (linux-image-amd64)"
        self.assertEqual(
            self.of("upgrades", rebootSince=NOW - 2 * DAY, rebootFor=["linux-image-amd64"]),
            [f"warning | reboot | {what} | npm run ssh -- -s prod sudo systemctl reboot"],
        )

    def test_a_port_at_which_nothing_listens_is_told_once_its_process_has_had_the_time(self) -> None:
        silent = process("rpc", silentPorts=[7000, 7001])
        [told] = self.of("application", **{**WELL["application"], "processes": [silent]})
        what = "rpc runs, and nothing listens at its ports 7000 and 7001 (app.processes.rpc.ports)"
        self.assertEqual(told, f"fault | silent-port | {what} | npm run logs -- -s prod rpc")
        young = {**silent, "since": NOW - 5}
        self.assertEqual(self.of("application", **{**WELL["application"], "processes": [young]}), [])

    def test_what_is_to_be_typed_names_the_host_where_it_is_not_the_first_and_no_stack_where_it_is_local(self) -> None:
        application = {**WELL["application"], "processes": [process("worker", state="inactive")]}
        tasks = Told("shop", "https", "shop.example.org", "/health", False, "c0ffee", " -s prod", " --host tasks")
        [line] = self.told(tasks, {"application": application})
        self.assertEqual(line.split(" | ")[-1], "npm run logs -- -s prod --host tasks worker")
        local = Told("shop", "https", "shop.example.org", "/health")
        [line] = self.told(local, {"application": application})
        self.assertEqual(line.split(" | ")[-1], "npm run logs -- worker")
        [line] = self.told(local, {"certificate": {**WELL["certificate"], "until": NOW - 1}})
        self.assertEqual(line.split(" | ")[-1], "npm start")


class OfNotices(OfFindings):
    def notices(self, **changes: Any) -> list[str]:
        told = {"since": NOW - DAY, "looked": NOW - 50, "refused": {}, "targets": {}}
        return self.found(notices={**told, **changes})

    def test_a_host_that_looks_and_is_heard_is_well(self) -> None:
        fine = {"waiting": 0, "since": None, "why": None}
        self.assertEqual(self.notices(targets={"ops": fine}), [])
        self.assertEqual(self.notices(looked=None, since=NOW - 60), [])

    def test_a_host_that_has_stopped_to_look_is_a_fault(self) -> None:
        for looked, words in ((NOW - HOUR, "last 1 h ago"), (None, "it never has")):
            [line] = self.notices(looked=looked)
            self.assertRegex(line, rf"^fault \| notices-late \| .*: {words} \| npm run ssh -- -s prod sudo systemctl ")

    def test_a_target_that_takes_nothing_is_a_warning(self) -> None:
        box = {"waiting": 3, "since": NOW - HOUR, "why": "it answered 403"}
        what = "ops of notify.targets has taken no message for 1 h: it answered 403; 3 messages wait"
        line = f"warning | notices-unsent | {what} | npm run notify -- -s prod"
        self.assertEqual(self.notices(targets={"ops": box}), [line])
        what = "ops of notify.targets has not taken its last message: it answered 403"
        line = f"warning | notices-unsent | {what} | npm run notify -- -s prod"
        self.assertEqual(self.notices(targets={"ops": box}, refused={"ops": "it answered 403"}), [line])


class OfUnits(OfFindings):
    def processes(self, *processes: Facts) -> list[str]:
        return self.of("application", processes=list(processes))

    def test_a_host_without_a_live_release_is_a_fault_and_a_last_release_that_failed_a_warning(self) -> None:
        none: Facts = {"release": None, "lastTried": None, "hooks": [], "processes": []}
        line = "fault | no-release | no release is live | npm run releases -- -s prod"
        self.assertEqual(self.found(application=none), [line])
        last = {"at": "2027-01-15T06:00:00Z", "to": "c-1", "result": "failed", "reason": "/health answers 500"}
        what = "release c-1, tried 2 h ago, failed: /health answers 500"
        line = f"warning | release-failed | {what} | npm run releases -- -s prod"
        self.assertEqual(self.of("application", lastTried=last), [line])

    def test_a_hook_that_was_not_told_of_a_release_is_a_warning_and_one_that_still_may_be_is_none(self) -> None:
        def hook(**changes: object) -> list[str]:
            told = {
                "event": "released",
                "release": "b-1",
                "at": NOW - HOUR,
                "state": "failed",
                "why": "it answered 404",
            }
            return self.of("application", hooks=[{**told, **changes}])

        rest = "npm run logs -- -s prod hooks"
        line = f"warning | hook-failed | app.hooks.released was not told of release b-1: it answered 404 | {rest}"
        self.assertEqual(hook(), [line])
        self.assertEqual(hook(state="done", why=None), [])
        self.assertEqual(hook(state="waiting", why=None), [line.replace("it answered 404", "it was cut off")])
        self.assertEqual(hook(state="waiting", why=None, at=NOW - MINUTE), [])

    def test_a_process_that_is_stopped_has_failed_restarts_in_a_loop_or_does_not_come_up_is_named(self) -> None:
        command = "npm run logs -- -s prod worker"
        self.assertEqual(
            self.processes(process("web"), process("worker", state="inactive", sub="dead")),
            [f"fault | unit | worker is stopped | {command}"],
        )
        self.assertEqual(
            self.processes(process("worker", state="failed", sub="failed", result="oom-kill")),
            [f"fault | unit | worker is down after a failure (oom-kill) | {command}"],
        )
        looping = process("worker", state="activating", sub="auto-restart", restarts=14, since=NOW - 1)
        self.assertEqual(
            self.processes(looping, process("worker")),
            [f"fault | unit-loop | worker: 1 of 2 is restarting in a loop: 14 times so far | {command}"],
        )
        # Caught in the second in which it runs.
        self.assertEqual(len(self.processes(process("worker", restarts=14, since=NOW - 1))), 1)
        self.assertEqual(self.processes(process("worker", state="activating", sub="start", since=NOW - 5)), [])
        self.assertEqual(
            self.processes(process("worker", state="activating", sub="start", since=NOW - 5 * MINUTE)),
            [f"fault | unit | worker is still starting after 5 min | {command}"],
        )

    def test_a_restart_of_long_ago_is_none_nor_is_an_earlier_release_that_finishes(self) -> None:
        self.assertEqual(self.processes(process("worker", restarts=20)), [])
        self.assertEqual(self.processes(process("worker"), process("worker", live=False, state="deactivating")), [])

    def test_a_service_that_is_stopped_does_not_answer_or_is_nearly_full_is_named(self) -> None:
        command = "npm run logs -- -s prod system"
        stopped = [{**REDIS, "units": [STOPPED_REDIS]}]
        self.assertEqual(
            self.found(services=stopped, failedUnits=[STOPPED_REDIS]),
            [f"fault | unit | Redis is down after a failure (exit-code) | {command}"],
        )
        line = f"fault | service | Redis does not answer: LOADING | {command}"
        self.assertEqual(self.found(services=[{**REDIS, "problem": "LOADING"}]), [line])
        figures = [
            {"what": "memory", "used": 250 * MIB, "limit": 256 * MIB, "bytes": True},
            {"what": "connections", "used": 95, "limit": 100, "bytes": False},
        ]
        self.assertEqual(
            self.found(services=[{**REDIS, "figures": figures}]),
            [
                "warning | service-full | Redis uses 250 MiB of its 256 MiB of memory",
                "warning | service-full | Redis uses 95 of its 100 connections",
            ],
        )
        full = [{"what": "cache", "used": 64 * MIB, "limit": 64 * MIB, "bytes": True}]
        self.assertEqual(self.found(services=[{**REDIS, "figures": full}]), [])

    def test_any_other_unit_that_has_failed_is_named_with_the_last_line_of_its_log(self) -> None:
        failed = unit("nightly.service", state="failed", result="exit-code", line="no space left")
        [one] = judge({**WELL, "failedUnits": [failed]}, PROD, NOW)
        self.assertEqual((one.what, one.line), ("nightly.service is down after a failure (exit-code)", "no space left"))
        self.assertEqual(one.next, "npm run ssh -- -s prod sudo systemctl status nightly.service")
        self.assertEqual((one.about, one.part), ("nightly.service", "failedUnits"))

    def test_a_timer_that_is_stopped_is_named(self) -> None:
        stopped = {**WELL["timers"][0], "state": "inactive"}
        line = "fault | unit | the timer clean is stopped | npm run logs -- -s prod clean"
        self.assertEqual(self.found(timers=[stopped]), [line])

    def test_who_shows_the_facts_sees_beside_each_unit_and_disk_what_is_wrong_with_it(self) -> None:
        facts = {**WELL, "services": [{**REDIS, "units": [STOPPED_REDIS]}]}
        shown = marked({**facts, "disks": [{**WELL["disks"][0], "used": 0.96}]}, NOW)
        self.assertEqual(shown["services"][0]["units"][0]["wrong"], "down after a failure (exit-code)")
        self.assertIsNone(shown["application"]["processes"][0]["wrong"])
        self.assertEqual(shown["disks"][0]["wrong"], "fault")
        self.assertNotIn("wrong", facts["services"][0]["units"][0])


class OfTheDoor(OfFindings):
    def test_a_site_that_answers_anything_but_200_to_its_host_is_a_fault(self) -> None:
        line = "fault | site | the site's health path answers 502, not 200 | npm run logs -- -s prod web"
        self.assertEqual(self.of("site", status=502), [line])
        silent = "does not answer: Connection refused | npm run logs -- -s prod nginx"
        self.assertEqual(
            self.of("site", status=None, problem="Connection refused"),
            [f"fault | site | the site's health path {silent}"],
        )

    def test_errors_of_the_server_are_a_warning_and_a_fault_where_many_get_them(self) -> None:
        words = "in the last 5 min got an error of the server (5xx) | npm run logs -- -s prod web"
        line = f"fault | errors | 4 of 40 requests {words}"
        self.assertEqual(self.of("answers", errors=4), [line])
        self.assertEqual(self.of("answers", errors=3), [f"warning | errors | 3 of 40 requests {words}"])
        self.assertEqual(self.of("answers", errors=2, requests=2), [])

    def test_the_maintenance_page_is_a_fault_and_what_ends_it_depends_on_what_is_behind_it(self) -> None:
        [line] = self.of("maintenance", on=True, since=NOW - HOUR)
        what = "visitors see the maintenance page, not the site, for 1 h"
        self.assertEqual(line, f"fault | maintenance | {what} | npm run maintenance -- -s prod off")

    def test_a_certificate_is_a_warning_in_its_last_week_and_in_the_last_third_where_others_renew_it(self) -> None:
        issued = {"kind": "issued", "source": "own"}
        what = "the certificate expires in 20 days, on 2027-02-04"
        self.assertEqual(self.of("certificate", **issued, **{"from": NOW - 50 * DAY, "until": NOW + 40 * DAY}), [])
        self.assertEqual(
            self.of("certificate", **issued, **{"from": NOW - 70 * DAY, "until": NOW + 20 * DAY}),
            [f"warning | certificate-expires | {what} | npm start -- -s prod"],
        )
        self.assertEqual(self.of("certificate", until=NOW + 20 * DAY), [])
        self.assertEqual(len(self.of("certificate", until=NOW + 6 * DAY)), 1)
        self.assertRegex(self.of("certificate", until=NOW - DAY)[0], r"^fault \| certificate-expired \| ")

    def test_a_certificate_that_the_host_renews_is_a_warning_once_it_is_late_however_short_it_lives(self) -> None:
        def lasting(days: float, left: float) -> list[str]:
            times = {"from": NOW - (days - left) * DAY, "until": NOW + left * DAY}
            return self.of("certificate", kind="issued", source="acme", **times)

        for days, due in ((90, 30), (64, 64 / 3), (6, 3)):
            with self.subTest(days=days):
                self.assertEqual(lasting(days, due * 0.8), [])
                self.assertRegex(lasting(days, due * 0.7)[0], r"^warning \| certificate-expires \| .*certbot\.service$")

    def test_a_site_that_waits_for_its_authority_says_why_a_fault_while_browsers_warn_of_what_it_shows(self) -> None:
        reason = "no name server knows shop.example.org."
        waits = {"reason": reason, "since": NOW - 7200, "tried": NOW - 60, "next": NOW}
        what = f"the site waits for its certificate, and browsers warn visitors, for 2 h: {reason}"
        after = "npm run ssh -- -s prod sudo python3 -IB /usr/local/lib/berth/certificate order"
        self.assertEqual(self.of("certificate", waits=waits), [f"fault | certificate-waits | {what} | {after}"])
        issued = {"kind": "issued", "source": "acme", "from": NOW - DAY, "until": NOW + 80 * DAY}
        [line] = self.of("certificate", **issued, waits=waits)
        self.assertRegex(line, r"^warning \| certificate-waits \| the site waits for a new")


NO_WAITING: Facts = {"bytes": 0, "limit": GIB, "since": None, "why": None, "lost": None}
AGAIN = "npm run ssh -- -s prod sudo systemctl start berth-backup"
LOGS = "npm run logs -- -s prod backups"


class OfBackups(OfFindings):
    def backups(self, **changes: Any) -> list[str]:
        told: Facts = {
            "place": "s3://shop/prod-shop",
            "on": NOW - 3 * DAY,
            "parts": {"database": {"last": LAST_BACKUP, "failed": None}},
            "waiting": NO_WAITING,
            "unrestored": None,
            "undo": None,
        }
        return self.found(backups={**told, **changes})

    def test_a_backup_that_failed_or_is_late_is_a_fault(self) -> None:
        self.assertEqual(self.backups(), [])
        late = {**LAST_BACKUP, "at": NOW - 27 * HOUR}
        parts = {
            "database": {"last": late, "failed": {"at": NOW - HOUR, "why": "it refuses the keys"}},
            "media": {"last": late, "failed": None},
            "redis": {"last": None, "failed": None},
        }
        self.assertEqual(
            self.backups(parts=parts),
            [
                f"fault | backup-failed | the backup of database failed 1 h ago: it refuses the keys | {LOGS}",
                f"fault | backup-late | the backup of media is late: the last one is 27 h old | {AGAIN}",
                f"fault | backup-late | the backup of redis is late: there has never been one | {AGAIN}",
            ],
        )
        self.assertEqual(self.backups(on=NOW - HOUR, parts={"redis": {"last": None, "failed": None}}), [])

    def test_a_log_that_waits_or_was_given_up_is_a_fault(self) -> None:
        waits = {**NO_WAITING, "bytes": GIB / 2, "since": NOW - HOUR, "why": "it cannot be reached"}
        what = "512 MiB of the database's log have waited for s3://shop/prod-shop for 1 h"
        why = "beyond 1.0 GiB it is given up: it cannot be reached"
        self.assertEqual(self.backups(waiting=waits), [f"fault | backup-waiting | {what}; {why} | {LOGS}"])
        self.assertEqual(self.backups(waiting={**NO_WAITING, "lost": NOW - 2 * HOUR}), [])
        [line] = self.backups(waiting={**NO_WAITING, "lost": NOW - 60})
        self.assertRegex(line, r"^fault \| backup-lost \| ")

    def test_a_key_that_could_destroy_the_backups_is_a_warning(self) -> None:
        guard = {"at": NOW, "warning": "whoever is root can destroy all backups"}
        self.assertEqual(self.backups(guard=guard), [f"warning | backup-key | {guard['warning']}"])
        self.assertEqual(self.backups(guard={**guard, "warning": None}), [])

    def test_a_drill_that_failed_or_is_late_is_a_fault(self) -> None:
        drill = {"since": NOW - 20 * DAY, "last": None, "failed": None}
        passed = {"at": NOW - 7 * DAY}
        failed = {"at": NOW - HOUR, "why": "the backup is damaged"}
        command = "npm run backups -- -s prod --drill"
        self.assertEqual(self.backups(drill={**drill, "last": passed}), [])
        self.assertEqual(self.backups(drill={**drill, "since": NOW - 7 * DAY}), [])
        self.assertEqual(self.backups(drill={**drill, "since": None}), [])
        self.assertEqual(
            self.backups(drill={**drill, "last": passed, "failed": failed}),
            [f"fault | drill-failed | the last drill failed 1 h ago: the backup is damaged | {command}"],
        )
        late = "fault | drill-late | the weekly drill of the backups is late"
        old = {"at": NOW - 9 * DAY}
        self.assertEqual(
            self.backups(drill={**drill, "last": old}), [f"{late}: the last one was 9 days ago | {command}"]
        )
        self.assertEqual(self.backups(drill=drill), [f"{late}: there has never been one | {command}"])

    def test_backups_that_are_not_restored_yet_and_a_restore_that_was_cut_off_are_faults(self) -> None:
        [line] = self.backups(unrestored={"since": NOW - 48 * HOUR, "until": NOW - HOUR})
        place = "s3://shop/prod-shop holds those of another server of this stack, and they are not restored here"
        what = f"this host makes no backups: {place}"
        self.assertEqual(line, f"fault | backup-unrestored | {what} | npm run restore -- -s prod --latest")
        self.assertEqual(self.backups(undo={"at": NOW - HOUR, "finished": True}), [])
        what = "a restore was cut off before its end | npm run restore -- -s prod --undo"
        cut = {"at": NOW - HOUR, "finished": False}
        self.assertEqual(self.backups(undo=cut), [f"fault | restore-cut-off | {what}"])


class OfWords(unittest.TestCase):
    def test_times_and_sizes_are_rounded_down(self) -> None:
        told = ["59 s", "1 min", "47 h", "2 days", "0 s"]
        self.assertEqual([long(one) for one in (59, 119, 47 * HOUR, 48 * HOUR, -5)], told)
        told = ["0 bytes", "1.0 KiB", "10 KiB", "1.5 GiB"]
        self.assertEqual([size(one) for one in (0, 1023, 10 * 1024, 1.5 * GIB)], told)
        self.assertEqual([percent(0.9999), date(NOW)], ["99 %", "2027-01-15"])
