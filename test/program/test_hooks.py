"""Hooks of a release that is live: what they are told and when, and that nothing depends on how they end."""

import http.server
import json
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from release import hook_post, hooks
from release.faults import Stop
from release.world import Command, Listener
from story import A, B, Story

URL = "https://hooks.example.org/services/token-of-the-hook"
COMMAND = "python manage.py announce"


class OfReleases(Story):
    def setUp(self) -> None:
        super().setUp()
        self.place = self.host.context("look").place
        self.started: list[str] = []
        self.inner: list[list[str]] = []
        # What the unit that posts or runs the command says and ends with, and what it is given.
        self.says, self.ends, self.given, self.of_file = "", 0, "", ""
        usual = self.world.run

        def run(command: Command, listen: Listener, **more: object) -> int:
            status = usual(command, listen, **more)  # type: ignore[arg-type]
            words = list(command.argv)
            if words[-2:-1] == ["hook"]:
                self.started.append(words[-1])
                return self.starting
            if "--collect" in words and any(word.startswith("--unit=") and word.endswith("-run") for word in words):
                self.inner.append(words)
                text = next((word for word in words if word.startswith("--property=StandardInput=file:")), "")
                path = more.get("stdin") or text.partition("file:")[2]
                self.given = Path(str(path)).read_text()
                of_file = next((word for word in words if "LoadCredential=hook:" in word), "")
                self.of_file = Path(of_file.partition("hook:")[2]).read_text() if of_file else ""
                if self.says:
                    listen(self.says, False)
                return self.ends
            return status

        self.starting = 0
        self.world.run = run  # type: ignore[method-assign]

    def want(self, **wanted: str) -> None:
        self.place.wanted_hooks.write_text(json.dumps(wanted))

    def hook(self) -> None:
        """What systemd does with what a release has started last."""
        context = self.host.context("shop-hook")
        self.assertEqual(self._said(context, lambda: hooks.run(context, self.started[-1])), "")

    def outcomes(self) -> list[dict[str, object]]:
        return hooks.outcomes(self.host.context("look"))

    def left(self) -> list[str]:
        return sorted(path.suffix for path in self.place.hooks.iterdir())

    def test_without_one_nothing_is_started(self) -> None:
        self.deploy(A)
        self.assertEqual((self.started, self.outcomes(), self.place.hooks.exists()), ([], [], False))

    def test_a_new_release_is_told_by_its_record_in_one_line_once_it_is_live(self) -> None:
        self.want(released=URL)
        self.deploy(A)
        self.assertEqual([one["state"] for one in self.outcomes()], ["waiting"])
        self.hook()
        [line] = self.given.splitlines()
        told = json.loads(line)
        record = json.loads(self.place.history.read_text())
        self.assertEqual({name: told[name] for name in record}, record)
        self.assertEqual((told["event"], told["application"], told["to"]), ("released", "shop", A))
        [outcome] = self.outcomes()
        self.assertEqual((outcome["state"], outcome["release"], outcome["why"]), ("done", A, None))
        self.assertEqual(self.left(), [".json"])
        self.tidy()
        self.assert_runs(A)

    def test_the_url_is_in_no_command_line_and_in_nothing_that_is_kept_or_shown(self) -> None:
        self.want(released=URL)
        self.deploy(A)
        self.says, self.ends = f"berth: no way to {URL}", 1
        self.hook()
        self.assertFalse([call for call in self.world.calls if "token-of-the-hook" in call])
        self.assertNotIn("token-of-the-hook", self.shown)
        for path in (*self.place.hooks.iterdir(), self.place.history):
            self.assertNotIn("token-of-the-hook", path.read_text())

    def test_a_rollback_is_an_event_of_its_own_and_a_setting_is_none(self) -> None:
        self.want(released=URL, rolledBack=COMMAND)
        self.deploy(A)
        self.deploy(B)
        self.place.settings.write_text("NAME='other'\n")
        self.go_live(B)
        self.assertEqual(len(self.started), 2)
        self.assertEqual(self.prepare(A, kept=True) or self.go_live(A, kept=True), "")
        self.assertEqual(len(self.started), 3)
        self.hook()
        told = json.loads(self.given)
        self.assertEqual((told["event"], told["from"], told["to"]), ("rolledBack", B, A))

    def test_a_release_that_fails_is_told_to_no_hook(self) -> None:
        self.deploy(A)
        self.want(released=URL, rolledBack=URL)
        self.world.answers[B] = 500
        self.assertNotEqual(self.deploy(B), "")
        self.assertEqual(self.started, [])

    def test_a_command_runs_in_the_live_release_as_the_application_and_is_in_no_command_line(self) -> None:
        self.want(released=COMMAND)
        self.deploy(A)
        self.hook()
        live = f"{self.place.told_root}/config/web/current"
        for expected in ("User=shop", "Group=shop", "NoNewPrivileges=yes", f"WorkingDirectory={live}/release"):
            self.assertIn(f"--property={expected}", self.inner[0])
        self.assertEqual(self.of_file, f"{COMMAND}\n")
        self.assertNotIn("announce", " ".join(self.inner[0]))
        self.assertEqual(json.loads(self.given)["to"], A)
        self.assertEqual(self.left(), [".json"])

    def test_one_that_fails_or_does_not_end_is_kept_with_the_reason_and_the_next_takes_its_place(self) -> None:
        self.want(released=COMMAND)
        self.deploy(A)
        self.ends = 7
        self.hook()
        self.assertEqual([one["why"] for one in self.outcomes()], ["it ended with status 7"])
        self.want(released=URL)
        self.assertEqual(self.outcomes(), [], "of a hook that was changed nothing is told")
        self.deploy(B)
        self.says, self.ends = "berth: it answered 404", 1
        self.hook()
        [outcome] = self.outcomes()
        self.assertEqual((outcome["release"], outcome["why"]), (B, "it answered 404"))
        self.says = ""
        self.tidy()
        self.assert_runs(B)

    def test_what_is_told_of_an_earlier_release_is_given_up_whatever_the_event(self) -> None:
        self.want(released=URL, rolledBack=COMMAND)
        self.deploy(A)
        self.deploy(B)
        self.assertTrue([one for one in self.world.calls if "stop" in one and f"-hook-{self.started[0]}" in one])
        self.assertEqual([one["release"] for one in self.outcomes()], [B])
        self.want(rolledBack=COMMAND)
        self.assertEqual(self.prepare(A, kept=True) or self.go_live(A, kept=True), "")
        self.ends = 1
        self.hook()
        self.assertEqual([one["state"] for one in self.outcomes()], ["failed"])
        self.deploy(B)
        self.assertEqual(self.outcomes(), [], "a failed one is told until the next release")

    def test_where_it_cannot_even_be_started_the_release_is_live_and_that_is_told(self) -> None:
        self.want(released=URL)
        self.starting = 1
        self.assertEqual(self.deploy(A), "")
        self.assertEqual([one["state"] for one in self.outcomes()], ["failed"])
        self.place.wanted_hooks.write_text("not JSON")
        self.assertEqual(self.deploy(B), "")
        self.tidy()
        self.assert_runs(B)

    def test_one_that_was_changed_meanwhile_is_not_run(self) -> None:
        self.want(released=COMMAND)
        self.deploy(A)
        self.want(released=f"{COMMAND} --other")
        self.hook()
        self.assertEqual((self.inner, self.left()), ([], []))

    def test_what_is_no_number_is_refused(self) -> None:
        for number in ("", "../1", "1/2"):
            with self.assertRaises(Stop):
                hooks.run(self.host.context("shop-hook"), number)

    def test_the_release_is_told_to_sentry_and_not_where_the_stack_says_another(self) -> None:
        self.deploy(A)
        told = (self.place.instance(self.live()) / "release.env").read_text()
        self.assertIn(f"SENTRY_RELEASE={A}\n", told)
        self.place.settings.write_text("SENTRY_RELEASE='shop@7'\n")
        self.deploy(B)
        self.assertNotIn("SENTRY_RELEASE", (self.place.instance(self.live()) / "release.env").read_text())


class OfPosts(unittest.TestCase):
    @contextmanager
    def serving(self, *answers: int) -> Iterator[tuple[str, list[bytes]]]:
        """A URL that answers so, the last one ever after; and what it was sent."""
        got: list[bytes] = []
        left = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                return

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/hook", got
            finally:
                server.shutdown()

    def delivered(self, url: str) -> tuple[str, list[float]]:
        pauses: list[float] = []
        pause: Callable[[float], None] = pauses.append
        return hook_post.deliver(lambda: hook_post.send(url, b"{}\n"), pause), pauses

    def test_a_url_that_no_request_can_have_is_not_tried_again(self) -> None:
        for url in ("https://example.org/\u00fc", f"https://{'a' * 64}.example.org/"):
            why, pauses = self.delivered(url)
            self.assertEqual((why, pauses), ("its URL has a name or a sign that no request can have", []))

    def test_it_arrives_once(self) -> None:
        with self.serving(204) as (url, got):
            self.assertEqual((self.delivered(url), got), (("", []), [b"{}\n"]))

    def test_what_may_pass_is_tried_again_and_given_up_in_the_end(self) -> None:
        with self.serving(503, 429, 200) as (url, got):
            self.assertEqual((self.delivered(url), len(got)), (("", [5, 20]), 3))
        with self.serving(500) as (url, got):
            self.assertEqual((self.delivered(url), len(got)), (("it answered 500", [5, 20, 60]), 4))

    def test_a_refusal_and_a_redirect_are_final(self) -> None:
        for answer in (302, 307, 404, 410):
            with self.serving(answer) as (url, got):
                self.assertEqual((self.delivered(url), len(got)), ((f"it answered {answer}", []), 1))

    def test_where_nothing_listens_or_has_that_name_the_reason_names_no_address(self) -> None:
        with self.serving(200) as (url, _):
            pass
        self.assertEqual(self.delivered(url), ("it refused the connection", [5, 20, 60]))
        self.assertEqual(self.delivered("http://no-such-name.invalid/secret")[0], "its name is not known")
