"""Walks through all states: each step of the table is taken, and each interruption strikes at every moment."""

import re
import unittest
from collections.abc import Callable

from release import states
from release.asking import Answer
from story import A, B, Story, walked


class Steps(Story):
    """What leads from one state to the next, one after the other."""

    def test_a_first_release_goes_live(self) -> None:
        self.assertEqual(self.deploy(A), "")
        self.assert_runs(A)

    def test_a_release_replaces_another_which_finishes_what_it_has_begun(self) -> None:
        self.deploy(A)
        old = self.live()
        self.world.slow.add(f"shop-worker@{old}.service")
        self.assertEqual(self.deploy(B), "")
        self.assertEqual((self.state(A), self.state(B)), (states.LEAVING, states.LIVE))
        self.assertIn(f"shop-worker@{old}.service", self.world.active())
        self.tidy()
        self.assert_runs(B)
        self.assertEqual(self.state(A), states.NONE)

    def test_the_same_again_does_nothing(self) -> None:
        self.deploy(A)
        before = list(self.world.units.items())
        self.assertEqual(self.deploy(A), "")
        self.assertEqual(list(self.world.units.items()), before)
        self.assert_runs(A)

    def test_a_live_one_of_which_a_part_has_stopped_is_started_again(self) -> None:
        self.deploy(A)
        self.world.units[f"shop-worker@{self.live()}.service"].active = "inactive"
        self.assertEqual(self.go_live(A), "")
        self.assert_runs(A)

    def test_one_that_computes_while_it_loads_is_waited_for_and_one_that_does_nothing_is_not(self) -> None:
        self.world.loading[A] = 120
        self.deploy(A)
        self.assert_runs(A)
        self.world.loading[B] = 3600
        began = self.world.now()
        self.assertIn("/health does not answer", self.deploy(B))
        self.assertLess(self.world.now() - began, 400)
        idle = "cccccccccc-0001"
        self.world.answers[idle] = 0
        began = self.world.now()
        self.assertIn("/health does not answer", self.deploy(idle))
        self.assertLess(self.world.now() - began, 100)

    def test_a_live_one_that_has_fallen_ill_is_not_marked(self) -> None:
        self.deploy(A)
        self.world.answers[A] = 500
        self.assertIn("the application is unhealthy: /health answers 500", self.go_live(A))
        self.assertEqual(self.state(A), states.LIVE)

    def test_a_rollback_starts_what_is_kept_and_installs_nothing(self) -> None:
        self.deploy(A)
        self.deploy(B)
        self.tidy()
        self.world.calls.clear()
        self.assertEqual(self.prepare(A, kept=True), "")
        self.assertFalse([call for call in self.world.calls if "pip" in call or "tar" in call])
        self.assertEqual(self.go_live(A, kept=True), "")
        self.tidy()
        self.assert_runs(A)

    def test_a_rollback_to_one_that_still_finishes_waits_for_its_server(self) -> None:
        self.deploy(A)
        old = self.live()
        self.world.slow.add(f"shop-worker@{old}.service")
        self.deploy(B)
        self.assertEqual(self.go_live(A, kept=True), "")
        self.assertEqual(self.state(A), states.LIVE)
        self.tidy()
        self.assert_runs(A)

    def test_a_release_that_was_not_kept_is_refused(self) -> None:
        self.deploy(A)
        self.assertIn(f"this host has not kept release {B} (app.release); it has: {A}.", self.prepare(B, kept=True))

    def test_one_whose_directory_is_gone_is_prepared_again(self) -> None:
        for event_state in (states.PREPARED, states.PROVEN):
            place = self.host.context("look").place
            self.prepare(B) if event_state == states.PREPARED else self.deploy(B)
            self.deploy(A)
            self.tidy()
            self.prepare(B)
            place.release(B).rename(self.folder / event_state)
            self.assertEqual(self.deploy(B), "")
            self.tidy()
            self.assert_runs(B)

    def test_django_checks_what_the_stack_says(self) -> None:
        for tags, asked in (((), "static check migrations"), (None, "static migrations")):
            self.world.calls.clear()
            self.prepare(A if tags is None else B, check=tags)
            self.assertTrue([call for call in self.world.calls if call.endswith(f"project {asked}")], asked)
        self.world.calls.clear()
        self.prepare("cccccccccc-0001", check=("security", "models"))
        self.assertTrue([call for call in self.world.calls if " check:security:models " in call])

    def test_a_release_whose_server_has_nothing_to_serve_is_not_started(self) -> None:
        self.deploy(A)
        self.assertEqual(self.prepare(B, server="uvicorn"), "")
        # The application's own, which lies there already.
        self.assertIn("the application's uvicorn has no library for WebSockets", self.shown)
        said = self.go_live(B)
        self.assertIn(f"release {B} was prepared for uvicorn, and the stack names no application for it. Write", said)
        self.assertIn("app.asgi next to what the stack names", said)
        self.assert_runs(A)
        self.world.lacking.add("other")
        self.assertIn("no module 'other' (app.asgi)", self.prepare("cccccccccc-0001", server="uvicorn", module="other"))

    def test_a_class_of_workers_that_the_release_does_not_have_is_refused_before_it_goes_live(self) -> None:
        self.deploy(A)
        self.world.lacking = {"gevent"}
        said = self.prepare(B, worker_class="gevent")
        self.assertIn("the release cannot load the class 'gevent' of gunicorn's workers (app.workerClass).", said)
        self.assertIn("Add gevent to the application's requirements, or take app.workerClass out.", said)
        # What a release brings does not change: it is asked each time.
        self.assertIn("Add gevent", self.prepare(B, worker_class="gevent"))
        self.world.lacking = set()
        self.assertEqual(self.prepare(B, worker_class="gevent"), "")

    def test_what_of_a_projects_settings_of_gunicorn_does_not_count_is_said(self) -> None:
        own = "import os\nworkers = 9\nloglevel = 'debug'\nif 1:\n    bind: str = ':80'\ndef user():\n    threads = 1\n"
        self.world.sources["gunicorn.conf.py"] = own
        self.assertEqual(self.prepare(A), "")
        told = "the source's gunicorn.conf.py is read, but its"
        for name, decides in (("workers", "app.workers"), ("bind", "the unit"), ("user", "the unit")):
            self.assertIn(f"{told} '{name}' does not count: {decides} decides", self.shown)
        self.assertNotIn("loglevel", self.shown)

    def test_more_than_are_kept_go_and_so_does_what_never_served(self) -> None:
        self.deploy(A)
        self.prepare(B)
        third = "cccccccccc-0001"
        self.assertEqual(self.prepare(third), "")
        self.assertEqual(self.release_state(B), states.NONE)
        self.assertEqual(self.go_live(third, keep=1), "")
        self.tidy()
        self.assertEqual(self.go_live(third, keep=1), "")
        self.assertEqual(self.release_state(A), states.NONE)
        self.assertFalse(self.host.context("look").place.release(A).exists())
        self.assert_runs(third)

    def test_one_that_could_not_be_prepared_goes_when_another_is(self) -> None:
        self.world.lacking.add("other")
        self.assertIn("no module 'other'", self.prepare(B, module="other"))
        self.assertEqual(self.release_state(B), states.PREPARING)
        self.assertEqual(self.prepare(A), "")
        self.assertEqual(self.release_state(B), states.NONE)

    def test_only_twenty_failures_are_remembered(self) -> None:
        self.deploy(A)
        for number in range(22):
            bad = f"dddddddddd-{number:04}"
            self.world.crashing.add(bad)
            self.deploy(bad)
            self.tidy()
        self.deploy(B)
        ledger = self.host.context("look").ledger
        failed = [one for one in ledger.instances() if one.state == states.FAILED]
        self.assertEqual(len(failed), 20)

    def test_a_record_that_was_lost_is_found_again_by_the_link(self) -> None:
        self.deploy(A)
        for record in self.host.context("look").place.instance_records.iterdir():
            record.unlink()
        self.assertEqual(self.go_live(A), "")
        self.assertEqual(self.state(A), states.LIVE)


class Failures(Story):
    """Whose fault it is decides whether it is tried again by itself."""

    def setUp(self) -> None:
        super().setUp()
        self.deploy(A)

    def assert_left(self, told: str, *expected: str) -> None:
        """A runs as before, and B is gone but for its record."""
        for one in expected:
            self.assertIn(one, told)
        self.assertEqual(self.world.seen(), 200)
        self.tidy()
        self.deploy(A)
        self.assert_runs(A)

    def test_one_that_crashes_as_it_starts_is_marked_and_not_tried_again_unless_told_to(self) -> None:
        self.world.crashing.add(B)
        told = self.deploy(B)
        self.assert_left(
            told, f"release {B} is unhealthy: /health does not answer, and 200 was expected.", "still serves"
        )
        self.assertEqual(self.state(B), states.FAILED)
        self.assertEqual(self.instance(B).words, "its last words")
        self.world.calls.clear()
        self.assertIn("has failed before, with the same settings, and is not tried again", self.deploy(B))
        self.assertFalse([call for call in self.world.calls if "start" in call.split()])
        self.world.crashing.clear()
        self.assertEqual(self.go_live(B, retry=B), "")
        self.tidy()
        self.assert_runs(B)

    def test_a_health_path_that_leads_elsewhere_is_told_at_once_with_what_to_write(self) -> None:
        told = {
            "/login/?next=/health": "It leads to /login/, which answers 200: write app.health: /login/.",
            "https://shop.example/up": "It leads to /up, which answers 200: write app.health: /up.",
            "https://shop.example/health": "It leads to https://shop.example/health. Write a path",
            "https://other.example/login/": "It leads to https://other.example/login/. Write a path",
            "/away/": "It leads to /away/, which does not answer 200 either.",
        }
        self.world.pages[B, "/away/"] = Answer(404)
        self.world.answers[B] = 302
        for location, sentence in told.items():
            self.world.pages[B, "/health"] = Answer(302, location)
            began = self.world.now()
            found = self.go_live(B, retry=B) if location != next(iter(told)) else self.deploy(B)
            self.assertIn(f"/health answers 302, and 200 was expected. {sentence}", found)
            self.assertLess(self.world.now() - began, 20, location)
        self.world.answers[B] = 404
        self.assertIn("/health answers 404, and 200 was expected. Write a path", self.go_live(B, retry=B))

    def test_the_callable_may_be_in_a_file_of_the_stack_or_in_a_dependency(self) -> None:
        self.world.lacking.add("shop.asgi")
        self.assertIn("this source has no module 'shop.asgi'", self.prepare(B, module="shop.asgi"))
        self.assertIn("has no module", self.prepare(B, module="django.core.management"))
        self.assertEqual(self.prepare(B, module="django.core.asgi"), "")
        self.assertEqual(self.prepare(B, module="pretix.wsgi"), "")
        self.assertEqual(self.prepare(A, module="shop.asgi", files={"shop/asgi.py": False}), "")

    def test_an_answer_that_may_pass_is_waited_for(self) -> None:
        for code in (503, 500, 429, 408):
            self.world.answers[B] = code
            began = self.world.now()
            told = self.deploy(B) if code == 503 else self.go_live(B, retry=B)
            self.assertIn(f"/health answers {code}, and 200 was expected. It did not", told)
            self.assertGreater(self.world.now() - began, 39, code)

    def test_one_that_failed_is_tried_again_when_what_decided_that_is_another(self) -> None:
        changes: tuple[dict[str, object], ...] = (
            {"health": "/up"},
            {"domain": "www.shop.example"},
            {"release_command": "python manage.py migrate"},
            {"packages": ("gettext",)},
        )
        for change in changes:
            self.world.crashing.add(B)
            self.assertIn("is unhealthy", self.deploy(B))
            self.assertIn("is not tried again", self.go_live(B))
            told = self.go_live(B, **change)
            self.assertIn("is unhealthy", told)
            self.assertIn("is not tried again", self.go_live(B, **change))
        self.world.crashing.clear()
        self.assertEqual(self.go_live(B), "")
        self.tidy()
        self.assert_runs(B)

    def test_one_that_is_spoiled_by_the_switch_is_led_back_from_and_marked(self) -> None:
        self.world.spoiled.add(B)
        told = self.deploy(B)
        self.assert_left(
            told, "/health answers 500", f"It was healthy before the switch. The previous release, {A}, serves again."
        )
        self.assertEqual(self.state(B), states.FAILED)

    def test_a_process_that_ends_by_itself_is_the_release_s_own_fault(self) -> None:
        self.world.falling.add(B)
        self.assert_left(self.deploy(B), "its process 'worker' ended by itself")
        self.assertEqual(self.state(B), states.FAILED)

    def test_a_database_that_is_away_is_not_its_fault(self) -> None:
        del self.world.services[5432]
        for bad in ("crashing", "spoiled"):
            getattr(self.world, bad).add(B)
            told = self.deploy(B)
            self.assert_left(
                told,
                "But DATABASE_URL names postgres://127.0.0.1:5432, which cannot be reached: Connection refused.",
                "That is not the release's fault: the next 'pulumi up' tries it again.",
            )
            self.assertNotIn("database-password", told)
            self.assertEqual(self.state(B), states.NONE)
            getattr(self.world, bad).clear()
        self.assertEqual(self.deploy(B), "")
        self.tidy()
        self.assert_runs(B)

    def test_a_database_that_starts_up_and_a_cache_that_loads_are_away_as_well(self) -> None:
        self.world.crashing.add(B)
        error = b"SFATAL\0C57P03\0Mthe database system is starting up\0\0"
        self.world.services[5432] = b"E" + len(error).to_bytes(4, "big") + error
        self.world.services[6379] = b"+OK\r\n-LOADING Redis is loading the dataset in memory\r\n"
        told = self.deploy(B)
        self.assert_left(told, "which answers: the database system is starting up", "which answers: LOADING Redis is")
        self.assertEqual(self.state(B), states.NONE)

    def test_a_wrong_password_is_its_own_fault(self) -> None:
        self.world.crashing.add(B)
        error = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"
        self.world.services[5432] = b"E" + len(error).to_bytes(4, "big") + error
        self.world.services[6379] = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        self.deploy(B)
        self.assertEqual(self.state(B), states.FAILED)

    def test_a_bucket_that_is_away_is_not_its_fault(self) -> None:
        settings = self.host.context("look").place.settings
        settings.write_text(settings.read_text() + "BUCKET_NAME='media'\nAWS_ENDPOINT_URL='http://127.0.0.1:9000'\n")
        self.world.crashing.add(B)
        told = self.deploy(B)
        self.assertIn("the bucket 'media' at http://127.0.0.1:9000 cannot be reached: Connection refused", told)
        self.assertEqual(self.state(B), states.LEAVING)
        self.world.services[9000] = b"HTTP/1.1 503 Slow Down\r\n\r\n"
        self.assertIn("answers: HTTP/1.1 503 Slow Down", self.deploy(B))
        self.world.services[9000] = b"HTTP/1.1 403 Forbidden\r\n\r\n"
        self.deploy(B)
        self.assertEqual(self.state(B), states.FAILED)

    def test_too_little_memory_is_told_and_is_no_mark_against_the_release(self) -> None:
        self.world.crashing.add(B)
        self.world.killed.add(B)
        told = self.deploy(B)
        self.assertIn("memory was short, and the kernel ended processes", told)
        self.assertIn("give the host more, or lower app.workers", told)
        self.assertEqual(self.state(B), states.LEAVING)
        self.world.crashing.clear()
        self.world.spoiled.add(B)
        self.world.limit = "67108864"
        self.assertIn("raise app.processes.web.memory", self.deploy(B))
        self.assertEqual(self.state(B), states.LEAVING)
        # Where systemd does not see it, the kernel's own count tells.
        self.world.killed.clear()
        self.world.path("/proc/vmstat").write_text("nr_free_pages 5\noom_kill 3\n")
        self.world.counted = "nr_free_pages 5\noom_kill 4\n"
        for words in (
            "Worker (pid:7) was sent SIGKILL! Perhaps out of memory?",
            "worker 1 (pid: 7) died, killed by signal 9",
        ):
            self.world.path("/proc/vmstat").write_text("oom_kill 3\n")
            self.world.last_words = words
            self.assertIn("memory was short", self.deploy(B))
        self.world.spoiled.clear()
        self.assertEqual(self.deploy(B), "")

    def test_a_worker_that_its_queue_does_not_let_in_is_no_worker_and_is_told_what_to_write(self) -> None:
        self.deploy(A)
        for letter, words in zip(
            "cdef",
            (
                "consumer: Cannot connect to redis://127.0.0.1:6379/0: Authentication required..",
                "redis.exceptions.AuthenticationError: Authentication required.",
                "beat: Connection error: invalid username-password pair or user is disabled.. Trying again in 2.0 s",
                "[CRITICAL] Consumer encountered a connection error: Authentication required.",
            ),
            strict=True,
        ):
            self.world.last_words = words
            told = self.deploy(f"{letter * 10}-0001")
            self.assertIn("Redis does not let its process 'worker' in, so it would run no task.", told)
            self.assertIn("such as CELERY_BROKER_URL: ${redis.url}.", told)
            self.tidy()
            self.assert_runs(A)
        # A mail server says the like.
        self.world.last_words = "smtplib: (530, b'5.7.0 Authentication required')"
        self.assertEqual(self.deploy(B), "")

    def test_another_program_that_the_kernel_ended_excuses_no_release(self) -> None:
        self.world.crashing.add(B)
        self.world.path("/proc/vmstat").write_text("oom_kill 3\n")
        self.world.counted = "oom_kill 4\n"
        self.assertNotIn("memory", self.deploy(B))
        self.assertEqual(self.state(B), states.FAILED)

    def test_when_memory_is_short_what_is_live_is_spared(self) -> None:
        score = self.world.path(f"/proc/{self.world.units[f'shop-web@{self.live()}.service'].main}/oom_score_adj")
        score.parent.mkdir(parents=True)
        score.write_text("800")
        self.deploy(B)
        self.assertEqual(score.read_text(), "0")

    def test_a_full_disk_is_not_its_fault(self) -> None:
        self.world.crashing.add(B)
        self.prepare(B)
        self.world.is_full = True
        told = self.go_live(B)
        self.world.is_full = False
        self.assert_left(told, "the disk is full: / has 0 KiB left.")
        self.assertNotEqual(self.state(B), states.FAILED)

    def test_a_full_disk_gets_what_is_set_aside_and_the_release_goes_live(self) -> None:
        self.prepare(B)
        self.world.is_full, self.world.aside = True, ["/ had 0 MiB left: 256 MiB that were set aside are given back"]
        self.assertEqual(self.go_live(B), "")
        self.assertEqual(self.state(B), states.LIVE)

    def test_a_release_that_meets_a_full_disk_while_it_is_prepared_gives_back_what_it_took(self) -> None:
        place = self.host.context("look").place
        half = place.venvs / "half"
        half.mkdir()
        self.world.is_full = True
        self.assertIn("the disk is full: / has 0 KiB left.", self.prepare(B))
        self.world.is_full = False
        self.assertFalse(half.exists())
        self.assertFalse(place.release(B).exists())
        self.assertEqual(len(list(place.venvs.iterdir())), 1, "that of the live release stays")

    def test_a_migration_that_fails_is_its_own_fault_and_comes_after_a_dump(self) -> None:
        self.world.migrations = ["entries.0002_fails"]
        self.world.migrate_status, self.world.migrate_says = 1, "RuntimeError: it cannot be applied"
        told = self.deploy(B)
        self.assertEqual(self.host.context("look").place.dump(B).read_text(), "a dump")
        self.assert_left(told, "Django's migrate failed.")
        self.assertEqual(self.state(B), states.FAILED)
        # What it has applied stays, and so does the dump of before, also when what corrects it has gone live.
        self.world.migrations, self.world.migrate_status = [], 0
        self.assertEqual(self.deploy("cccccccccc-0001"), "")
        self.assertEqual(self.host.context("look").place.dump(B).read_text(), "a dump")

    def test_each_database_that_has_something_to_migrate_is_dumped_and_migrated(self) -> None:
        self.world.migrations = ["entries.0002_more"]
        self.world.others = {"audit": ["log.0001_initial", "log.0002_more"], "../../etc": ["x.0001_initial"]}
        self.assertEqual(self.deploy(B), "")
        place = self.host.context("look").place
        self.assertEqual({path.name for path in place.dumps.iterdir()}, {f"{B}.dump", f"{B}.audit.dump"})
        ran = [
            call for call in self.world.calls if "dump" in call.split("django_release.py")[-1] or "--noinput" in call
        ]
        what = [re.sub(r".*(django_release.py|-m django) ", "", call) for call in ran if call.startswith("run ")]
        more = "migrate --noinput --verbosity 1"
        self.assertEqual(what, ["dump", "dump:audit", more, f"{more} --database=audit"])
        # One alone, and dumps are kept by their releases.
        self.world.migrations, self.world.others = [], {"audit": ["log.0003_yet_more"]}
        self.world.calls.clear()
        release = "cccccccccc-0001"
        self.assertEqual(self.prepare(release) or self.go_live(release, keep=1), "")
        migrated = [call for call in self.world.calls if "--noinput" in call]
        self.assertEqual([call.split()[-1] for call in migrated], ["--database=audit"])
        self.assertTrue(place.dump(release, "audit").exists())

    def test_a_table_that_another_holds_is_not_its_fault(self) -> None:
        self.world.migrations = ["entries.0002_waits"]
        self.world.migrate_status, self.world.migrate_says = 1, "canceling statement due to lock timeout"
        self.assert_left(self.deploy(B), "waited 5 s for a table that another transaction holds, and gave up.")
        self.assertEqual(self.state(B), states.NONE)

    def test_a_migration_without_its_database_is_not_its_fault(self) -> None:
        self.world.migrations = ["entries.0002_more"]
        self.world.migrate_status = 1
        del self.world.services[5432]
        self.assert_left(self.deploy(B), "Django's migrate failed, and DATABASE_URL names")
        self.assertEqual(self.state(B), states.NONE)

    def test_an_old_beat_that_does_not_end_is_not_its_fault(self) -> None:
        self.world.slow.add(f"shop-beat@{self.live()}.service")
        told = self.deploy(B)
        self.assertIn("does not end, and only one may run", told)
        self.assertEqual(self.state(B), states.LEAVING)
        self.assertEqual(self.world.seen(), 200)
        self.assertEqual(self.world.violations, [])


def strikes(story: Story) -> dict[str, Callable[[], None]]:
    """What may happen at any moment."""

    def fill() -> None:
        story.world.is_full = True

    def lose() -> None:
        story.world.has_lock = False

    return {"killed": story.world.kill, "full disk": fill, "lost lock": lose}


def is_change(call: str) -> bool:
    """Whether something on the host may differ after this call."""
    if call.startswith("systemctl"):
        return not call.startswith(("systemctl show", "systemctl list-units"))
    return call.startswith(("checkpoint", "chown", "run", "pipe", "sync"))


# At which calls a kind of interruption makes a difference.
MATTERS: dict[str, Callable[[str], bool]] = {
    "killed": lambda _: True,
    "full disk": lambda call: call.startswith(("chown", "run", "pipe")),
    "lost lock": is_change,
}


class Interruptions(Story):
    """At every moment: afterwards people are served, the right one boots, and the next run comes to the same end."""

    def at_every_moment(self, work: Callable[[], str], check: Callable[[str], None]) -> None:
        with self.copied():
            work()
            calls = list(self.world.calls)
        self.assertGreater(len(calls), 9)
        for kind, is_struck in MATTERS.items():
            for moment, call in enumerate(calls, 1):
                # Between two of these nothing differs on the host.
                for reboots in (False, True) if kind == "killed" and is_change(call) else (False,):
                    if is_struck(call):
                        with self.subTest(kind=kind, moment=moment, call=call, reboots=reboots), self.copied():
                            self.interrupted(kind, moment, reboots, work)
                            check(call)

    def interrupted(self, kind: str, moment: int, reboots: bool, work: Callable[[], str]) -> None:
        self.world.strike, self.world.strike_at = strikes(self)[kind], moment
        work()
        if reboots:
            self.world.reboot()
            self.start()
            live = self.live()
            self.assertEqual([unit for unit in self.world.active() if live not in unit], [])
        self.world.revive()
        self.world.is_full = False
        self.assertEqual(self.world.seen(), 200, "people are served")
        self.assertEqual(self.world.violations, [])

    def test_while_a_good_release_goes_live(self) -> None:
        self.deploy(A)
        self.world.migrations = ["entries.0002_more"]

        def check(told: str) -> None:
            self.assertEqual(self.deploy(B), "", told)
            self.tidy()
            self.assert_runs(B)

        self.at_every_moment(lambda: self.deploy(B), check)

    def test_and_another_is_wanted_afterwards(self) -> None:
        self.deploy(A)

        def check(told: str) -> None:
            third = "cccccccccc-0001"
            self.assertEqual(self.deploy(third), "", told)
            self.tidy()
            self.assert_runs(third)

        self.at_every_moment(lambda: self.deploy(B), check)

    def test_while_a_bad_release_is_led_back_from(self) -> None:
        self.deploy(A)
        self.world.falling.add(B)

        def check(told: str) -> None:
            self.assertEqual(self.deploy(A), "", told)
            self.tidy()
            self.assert_runs(A)

        self.at_every_moment(lambda: self.deploy(B), check)

    def test_while_a_rollback_goes_live(self) -> None:
        self.deploy(A)
        self.deploy(B)
        self.tidy()

        def check(told: str) -> None:
            self.assertEqual(self.go_live(A, kept=True), "", told)
            self.tidy()
            self.assert_runs(A)

        self.at_every_moment(lambda: self.prepare(A, kept=True) or self.go_live(A, kept=True), check)

    def test_while_what_was_live_is_tidied_up(self) -> None:
        self.deploy(A)
        self.deploy(B)

        def tidy() -> str:
            self.tidy()
            return ""

        def check(told: str) -> None:  # noqa: ARG001
            self.deploy(B)
            self.tidy()
            self.assert_runs(B)

        self.at_every_moment(tidy, check)


class Table(unittest.TestCase):
    """Comes last: what the tests before have walked is the whole table."""

    def test_every_step_of_the_table_was_walked(self) -> None:
        tables = {"release": states.RELEASE, "instance": states.INSTANCE}
        steps = {(which, step.state, step.event) for which, table in tables.items() for step in table}
        self.assertEqual(steps - walked, set())

    def test_each_state_has_one_answer_to_each_event(self) -> None:
        for table in (states.RELEASE, states.INSTANCE):
            pairs = [(step.state, step.event) for step in table]
            self.assertEqual(len(pairs), len(set(pairs)))

    def test_from_every_state_something_leads_on(self) -> None:
        for table in (states.RELEASE, states.INSTANCE):
            self.assertLessEqual({step.then for step in table}, {step.state for step in table})
