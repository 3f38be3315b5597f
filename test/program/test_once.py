"""Commands that run once in a stack's life: in their order, before anything goes live, and until they are done."""

from collections.abc import Callable

from release import states
from release.facts import Once
from release.world import Command, Listener
from story import A, B, Story

SUPERUSER = Once("superuser", "python manage.py createsuperuser --noinput", 600)
SITE = Once("site", "python manage.py loaddata site", 30)


class Commands(Story):
    def setUp(self) -> None:
        super().setUp()
        # By its command: what it does, and the status that it ends with.
        self.does: dict[str, Callable[[Listener], int]] = {}
        self.ran: list[str] = []
        usual = self.world.run

        def run(command: Command, listen: Listener, **more: object) -> int:
            status = usual(command, listen, **more)  # type: ignore[arg-type]
            text = command.argv[-1]
            if command.argv[0] == "systemd-run" and text in (SUPERUSER.command, SITE.command):
                self.ran.append(text)
                self.properties = [one for one in command.argv if one.startswith("--property=")]
                return self.does[text](listen) if text in self.does else status
            return status

        self.world.run = run  # type: ignore[method-assign]

    def up(self, release: str, *once: Once, **changes: object) -> str:
        return self.prepare(release) or self.go_live(release, once=once, **changes)

    def test_each_runs_once_in_their_order_and_no_later_release_runs_it_again(self) -> None:
        self.assertEqual(self.up(A, SUPERUSER, SITE), "")
        self.assertEqual(self.up(B, SUPERUSER, SITE), "")
        self.assertEqual(self.ran, [SUPERUSER.command, SITE.command])
        self.tidy()
        self.assert_runs(B)

    def test_it_runs_as_a_migration_does_and_for_no_longer_than_it_may(self) -> None:
        self.up(A, SITE)
        for expected in ("User=shop", "RuntimeMaxSec=30", "NoNewPrivileges=yes"):
            self.assertIn(f"--property={expected}", self.properties)

    def test_one_that_fails_stops_the_release_and_is_tried_again_and_what_was_done_is_not(self) -> None:
        self.deploy(A)

        def fail(listen: Listener) -> int:
            self.assertEqual(self.live().split(".")[0], A, "nothing has gone live")
            listen("CommandError: no fixture", True)
            return 1

        self.does[SITE.command] = fail
        told = self.up(B, SUPERUSER, SITE)
        self.assertIn("the command 'site' of app.once failed with status 1", told)
        self.assertIn(SITE.command, told)
        self.assertEqual(self.world.seen(), 200)
        self.tidy()
        self.assert_runs(A)
        self.assertNotEqual(self.state(B), states.FAILED)
        self.does.clear()
        self.assertEqual(self.up(B, SUPERUSER, SITE), "")
        self.assertEqual(self.ran, [SUPERUSER.command, SITE.command, SITE.command])

    def test_one_that_does_not_end_is_told_by_its_time(self) -> None:
        def hang(_: Listener) -> int:
            self.world.sleep(SITE.timeout)
            return 1

        self.does[SITE.command] = hang
        self.assertIn("the command 'site' of app.once did not end within 30 s", self.up(A, SITE))

    def test_one_that_is_written_for_what_is_live_already_runs_there(self) -> None:
        self.deploy(A)
        self.assertEqual(self.up(A, SITE), "")
        self.assertEqual(self.up(A, SITE), "")
        self.assertEqual(self.ran, [SITE.command])

    def test_another_command_under_a_name_that_is_done_does_not_run(self) -> None:
        self.up(A, SITE)
        self.assertEqual(self.up(B, Once("site", SUPERUSER.command, 600)), "")
        self.assertEqual(self.ran, [SITE.command])

    def test_a_rollback_runs_none(self) -> None:
        self.deploy(A)
        self.deploy(B)
        self.tidy()
        self.assertEqual(self.go_live(A, kept=True, once=(SITE,)), "")
        self.assertEqual(self.ran, [])

    def test_where_it_is_killed_it_is_not_done(self) -> None:
        self.deploy(A)

        def die(_: Listener) -> int:
            self.world.kill()
            self.world.checkpoint()
            return 0

        self.does[SITE.command] = die
        self.assertEqual(self.up(B, SITE), "killed")
        self.world.revive()
        self.does.clear()
        self.assertEqual(self.up(B, SITE), "")
        self.assertEqual(self.ran, [SITE.command, SITE.command])
