"""Pages that the stack names, static files, and what the log says: by these a release is healthy or not."""

import contextlib
import hashlib
import io
import json
import socket
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from release import asking, merge, pages, states
from release.asking import Answer
from release.facts import Build, Front, Page
from release.faults import Stop
from release.named_files import named_files
from release.samples import chosen
from release.tracebacks import cause, exceptions
from story import A, B, Story

FRONT_PAGE, LOGIN = Page("/", 200), Page("/login/", 302)
STYLE = ("shop/style.css", "aa")
FILES = {
    "new": {"a.css": "new", "deep/b.css": "b", **{f"e.css{form}": "new" for form in ("", ".br", ".gz")}},
    "served": {
        "a.css": "old",
        "a.css.gz": "old, small",
        "c.css": "c",
        "deep/d.css": "d",
        **{f"e.css{form}": "old" for form in ("", ".br", ".gz")},
    },
    "kept": {},
}

RAISED = """\
Traceback (most recent call last):
  File "/srv/shop/venvs/x/lib/python3.13/site-packages/django/core/handlers/base.py", line 197, in _get_response
    response = wrapped_callback(request, *callback_args, **callback_kwargs)
  File "/srv/shop/releases/bbbbbbbbbb-0001/shop/views.py", line 12, in front_page
    return basket.total
AttributeError: 'NoneType' object has no attribute 'total'"""


class Repeats(unittest.TestCase):
    def test_what_is_said_over_and_over_is_shown_once_and_counted(self) -> None:
        line = "[2026-11-30 07:30:{:02} +0000] [{}] GET / 500"
        asked = [line.format(second, 700 + second) for second in range(50)]
        self.assertEqual(cause(["starts", *asked, "ends"]), ["starts", asked[0], "  … the same 49 more times", "ends"])
        block = ["Internal Server Error: /", *RAISED.splitlines()]
        shown = cause([*block * 30, "ends"])
        self.assertEqual(shown, [*block, "  … the same 29 more times", "ends"])
        self.assertEqual(cause([*block * 2]), [*block, "  … the same once more"])

    def test_what_differs_is_all_shown(self) -> None:
        for lines in (["a", "a", "b"], ["0001_auto", "0002_auto", "0003_auto"], ["", ""], [], ["a b", "b a"]):
            self.assertEqual(cause(lines), lines)


class OfPages(Story):
    def setUp(self) -> None:
        super().setUp()
        self.world.pages = {(release, "/login/"): Answer(302, "/accounts/") for release in (A, B, "cccccccccc-0001")}
        self.prepare(A)
        self.assertEqual(self.live_with(A), "")

    def live_with(self, release: str, **changes: object) -> str:
        return self.go_live(release, **{"pages": (FRONT_PAGE, LOGIN), **changes})

    def deploy_with(self, release: str) -> str:
        return self.prepare(release) or self.live_with(release)

    def assert_still_live(self) -> None:
        self.assertEqual(self.world.seen(), 200)
        self.tidy()
        self.live_with(A)
        self.assert_runs(A)


class Pages(OfPages):
    def test_a_release_whose_pages_are_as_expected_goes_live(self) -> None:
        self.assertEqual(self.deploy_with(B), "")
        self.tidy()
        self.assert_runs(B)

    def test_a_wrong_page_is_found_before_anybody_is_led_there(self) -> None:
        self.world.pages[B, "/"] = Answer(500)
        self.world.pages[B, "/login/"] = Answer(301, "https://shop.example/login")
        self.world.calls.clear()
        told = self.deploy_with(B)
        self.assertIn(
            f"release {B} is unhealthy: the page / answers 500, and 200 was expected; the page /login/ answers 301, "
            "which leads to https://shop.example/login, and 302 was expected (app.pages). It did not go live.",
            told,
        )
        self.assertFalse([call for call in self.world.calls if call.startswith("page front")])
        self.assert_still_live()

    def test_one_that_failed_by_a_page_is_tried_again_with_another_list_and_not_with_the_same(self) -> None:
        self.world.pages[B, "/"] = Answer(404)
        self.assertIn("is unhealthy", self.deploy_with(B))
        self.assertIn("is not tried again", self.live_with(B))
        self.assertIn("is unhealthy", self.live_with(B, pages=(FRONT_PAGE,)))
        self.assertEqual(self.live_with(B, pages=(Page("/", 404),)), "")
        self.tidy()
        self.assert_runs(B)

    def test_a_page_that_visitors_had_and_have_no_more_is_led_back_from(self) -> None:
        shown = self.world.page
        # The application itself answers; what it says is too long for the front door.
        self.world.page = (  # type: ignore[method-assign]
            lambda socket, domain, scheme, path, seconds: (
                Answer(404)
                if socket is None and self.led_to().startswith(f"web-{B}") and path == "/"
                else shown(socket, domain, scheme, path, seconds)
            )
        )
        told = self.deploy_with(B)
        self.assertIn("the page / answers 404, and 200 was expected (app.pages). It was healthy before", told)
        self.assertEqual(self.state(B), states.FAILED)
        self.assert_still_live()

    def led_to(self) -> str:
        return self.world.path("/run/shop/web.sock").readlink().name

    def test_what_is_the_front_doors_own_is_not_the_releases_fault(self) -> None:
        for answer in (Answer(401), Answer(301, "https://elsewhere.example/")):
            self.world.front["/"] = answer
            release = B if answer.status == 401 else "cccccccccc-0001"
            self.world.pages[release, "/login/"] = Answer(302)
            self.assertEqual(self.deploy_with(release), "")
        flag = self.host.context("look").place.config / "maintenance"
        flag.touch()
        self.world.front["/"] = Answer(503)
        self.assertEqual(self.deploy_with(A), "")
        flag.unlink()
        self.assertIn("the page / answers 503", self.deploy_with(B))

    def test_of_what_is_live_already_a_changed_list_is_asked_and_nothing_is_stopped(self) -> None:
        self.world.calls.clear()
        told = self.live_with(A, pages=(Page("/login/", 200),))
        self.assertIn(f"release {A} is live, and the page /login/ answers 302, which leads to /accounts/", told)
        self.assertFalse([call for call in self.world.calls if " stop " in call])
        self.assertEqual(self.state(A), states.LIVE)
        self.assert_runs(A)

    def test_a_page_of_django_that_answers_500_shows_its_exception_though_it_is_in_no_log(self) -> None:
        self.world.pages[B, "/"] = Answer(500)
        self.world.raises = RAISED.splitlines()
        self.deploy_with(B)
        self.assertIn(RAISED, self.shown)
        self.assertIn("django_page.py / shop.example https", " ".join(self.world.calls))
        # In the log as well it is shown once; another one there is not the page's.
        self.world.last_words = RAISED
        self.live_with(B, retry=B)
        self.assertEqual(self.shown.count(RAISED), 1)
        self.world.last_words = RAISED.replace("basket", "cart").replace("'total'", "'sum'")
        self.live_with(B, retry=B)
        self.assertEqual((self.shown.count(RAISED), self.shown.count("'sum'")), (1, 1))

    def test_visitors_do_not_wait_for_the_exception_of_a_page(self) -> None:
        self.world.spoiled.add(B)
        self.world.calls.clear()
        self.assertIn("/health answers 500", self.deploy_with(B))
        asked = next(index for index, call in enumerate(self.world.calls) if "django_page.py" in call)
        stopped = next(index for index, call in enumerate(self.world.calls) if "systemd-run --quiet --collect" in call)
        self.assertLess(stopped, asked)


class StaticFiles(OfPages):
    def test_a_file_that_visitors_get_no_more_is_led_back_from(self) -> None:
        self.world.samples = [STYLE]
        self.assertEqual(self.deploy_with("cccccccccc-0001"), "")
        self.world.samples = [STYLE, ("shop/new.css", "cc")]
        wrong = (
            (B, Answer(404), "answers 404, and 200 was expected."),
            (f"{B}2", Answer(200, sha256="bb"), "is served with another content than it has in the release."),
        )
        for release, answer, told in wrong:
            self.world.front["/static/shop/new.css"] = answer
            self.world.pages[release, "/login/"] = Answer(302)
            self.assertIn(f"its static file /static/shop/new.css {told}", self.deploy_with(release) or "went live")
            self.assertEqual(self.state(release), states.FAILED)
        self.world.front.clear()
        self.tidy()
        self.assertEqual(self.live_with("cccccccccc-0001"), "")
        self.assert_runs("cccccccccc-0001")

    def test_files_of_further_locations_are_asked_for_by_their_own_paths(self) -> None:
        for number in "234":
            self.world.pages[f"{B}{number}", "/login/"] = Answer(302)
        self.world.samples = [STYLE, (".at/%2F/assets/app.js", "dd")]
        self.world.front["/assets/app.js"] = Answer(404)
        self.assertEqual(self.deploy_with("cccccccccc-0001"), "", "nginx does not know it yet")
        self.world.front["/assets/app.js"] = Answer(200, sha256="dd")
        self.assertEqual(self.deploy_with(B), "")
        self.world.front["/assets/app.js"] = Answer(403)
        self.assertEqual(self.deploy_with(f"{B}2"), "", "the stack may have said who sees it")
        self.world.front["/assets/app.js"] = Answer(200, sha256="dd")
        self.assertEqual(self.deploy_with(f"{B}3"), "")
        self.world.samples = [STYLE, (".at/%2F/assets/app.js", "ee")]
        self.assertIn("file /assets/app.js is served with another", self.deploy_with(f"{B}4") or "went live")

    def test_a_file_that_a_page_names_and_that_is_not_there_is_told_and_stops_nothing(self) -> None:
        self.world.samples = [STYLE]
        self.assertEqual(self.deploy_with(B), "")
        page = b"<link rel='stylesheet' href=/static/shop/style.css><script src='/static/gone.js?v=1'></script>"
        third = "cccccccccc-0001"
        self.world.pages[third, "/"] = Answer(200, body=page)
        self.assertEqual(self.deploy_with(third), "")
        self.assertIn("the page / names /static/gone.js, which answers 404\n", self.shown)
        self.assertNotIn("style.css", self.shown)

    def test_of_a_page_only_what_browsers_ask_its_own_site_for_is_read(self) -> None:
        page = b"""<!doctype html><!-- <script src="/static/of-a-comment.js"></script> -->
            <LINK REL="preload stylesheet" HREF=" ../static/a.css?1"><link rel=icon href="/static/icon.png">
            <script src="https://shop.example/static/b.js"></script><script src="//cdn.example/static/c.js"></script>
            <script>document.write('<script src="/static/of-a-script.js">')</script><script src="/api/d.js"></script>
            <script src="/static/b.js"></script><script src="http://[/static/odd.js"></script>"""
        self.assertEqual(named_files(page, "/help/", "shop.example"), ["/static/a.css", "/static/b.js"])
        self.assertEqual(named_files(b"<base href='/x/'>" + page, "/help/", "shop.example"), [])

    def test_where_the_front_door_knows_no_static_files_yet_no_release_is_blamed(self) -> None:
        self.world.samples = [STYLE]
        self.world.front["/static/shop/style.css"] = Answer(404)
        self.assertEqual(self.deploy_with(B), "")

    def test_once_it_is_configured_the_front_door_must_be_right(self) -> None:
        context = self.host.context("app-front")
        self.world.samples = [STYLE]
        self.deploy_with(B)
        facts = Front(pages=(FRONT_PAGE, LOGIN), domain="shop.example", door="https")
        pages.prove_door(context, facts)
        self.world.front["/static/shop/style.css"] = Answer(403)
        with self.assertRaisesRegex(Stop, "static files: the static file /static/shop/style.css answers 403"):
            pages.prove_door(context, facts)
        self.world.front["/"] = Answer(301, "https://elsewhere.example/")
        with self.assertRaisesRegex(Stop, "the page / answers 301, which leads to https://elsewhere.example/, and 200"):
            pages.prove_door(context, facts)
        # It asks for a password.
        self.world.front = dict.fromkeys(("/", "/login/", "/static/shop/style.css"), Answer(401))
        pages.prove_door(context, facts)

    def test_commands_after_collectstatic_run_before_the_files_are_taken_and_one_that_fails_stops_the_release(
        self,
    ) -> None:
        build = Build(front_end=".", commands=(), after_collectstatic=("python manage.py compress", "true"), env={})
        self.world.calls.clear()
        self.assertEqual(self.prepare(B, build=build), "")
        steps = [
            next(name for name in ("collect", "compress", "true", "take") if name in found)
            for call in self.world.calls
            if (found := _step(call))
        ]
        self.assertEqual(steps, ["collect", "compress", "true", "take"])
        bound = next(call for call in self.world.calls if "manage.py compress" in call)
        self.assertRegex(bound, rf"BindPaths=\S+:\S+/static/{B} -- /bin/bash -c python manage.py compress$")
        shown = self.world.run
        self.world.run = (  # type: ignore[method-assign]
            lambda command, listen, **more: 1 if command.argv[-1] == "true" else shown(command, listen, **more)
        )
        told = self.prepare("cccccccccc-0001", build=build)
        self.assertIn("'true' failed (app.build.afterCollectstatic). Its last lines are above", told)
        self.assertEqual(self.release_state("cccccccccc-0001"), states.PREPARING)

    def test_of_each_kind_the_largest_is_chosen_and_nothing_that_nginx_hides(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sizes = {"a.css": 10, "b/c d.css": 20, "b/big.css": 2 << 20, ".git/x.js": 5, "none.js": 0, "x.svg": 3}
            for name, size in {**sizes, "readme.txt": 9, "x.css.gz": 50}.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(b"x" * size)
            Path(folder, "led.js").symlink_to("/etc/passwd")
            told = [(name, hashlib.sha256(b"x" * sizes[name]).hexdigest()) for name in ("b/c d.css", "x.svg")]
            self.assertEqual(chosen(folder), told)


class OtherSettings(OfPages):
    """Static files, and what the project says of its own files, depend on the settings."""

    def change(self, name: str) -> None:
        path = self.host.context("look").place.settings
        path.write_text(f"{path.read_text()}{name}='1'\n")
        self.world.calls.clear()

    def steps(self) -> list[str]:
        """What was done with the static files."""
        return [
            "merge" if "merge.py" in call else _step(call)
            for call in self.world.calls
            if _step(call) or "merge.py" in call
        ]

    def test_files_are_collected_again_and_put_among_those_that_are_served(self) -> None:
        self.change("STORAGE")
        self.assertEqual(self.live_with(A, changes={"settings": "other"}), "")
        self.assertEqual(self.steps(), ["collect", "take", "merge"])
        bound = next(call for call in self.world.calls if "django_release.py" in call)
        self.assertRegex(bound, rf"BindPaths=\S+:\S+/static/{A} -- \S+ \S+ project static check migrations$")
        self.assertFalse(self.host.context("look").place.static.joinpath(".again").exists())
        self.world.calls.clear()
        self.assertEqual(self.live_with(A, changes={"settings": "other"}), "")
        self.assertEqual(self.steps(), [])

    def test_a_secret_that_was_made_anew_changes_no_static_file(self) -> None:
        self.change("SECRET_KEY")
        self.assertEqual(self.live_with(A), "")
        self.assertEqual(self.steps(), ["collect"], "migrations are asked for")
        self.assertNotIn(
            "static", next(call for call in self.world.calls if "django_release.py" in call).split(" -- ")[1]
        )

    def test_what_was_corrected_before_the_first_time_live_is_collected_with(self) -> None:
        self.prepare(B)
        self.change("STATICFILES_DIRS")
        self.assertEqual(self.live_with(B, changes={"settings": "corrected"}), "")
        self.assertEqual(self.steps(), ["collect", "take", "merge"])

    def test_settings_that_cannot_be_collected_with_stop_the_step_and_what_runs_stays(self) -> None:
        self.change("BROKEN")
        shown = self.world.run
        self.world.run = (  # type: ignore[method-assign]
            lambda command, listen, **more: (
                5 if any("django_release.py" in word for word in command.argv) else shown(command, listen, **more)
            )
        )
        told = self.live_with(A, changes={"settings": "broken"})
        self.assertIn("Django's collectstatic failed. Its last lines are above; nothing that runs was changed.", told)
        self.assertEqual(self.world.seen(), 200)
        self.assertFalse(self.host.context("look").place.static.joinpath(".again").exists())
        # Nothing is marked: it is tried again by itself.
        self.world.run = shown  # type: ignore[method-assign]
        self.assertEqual(self.live_with(A, changes={"settings": "broken"}), "")

    def test_a_setting_that_fails_gives_the_files_back(self) -> None:
        self.change("BROKEN")
        self.world.pages[A, "/"] = Answer(500)
        self.assertIn("the page / answers 500", self.live_with(A, changes={"settings": "broken"}))
        merges = [call.split("merge.py ")[1] for call in self.world.calls if "merge.py" in call]
        self.assertEqual(len(merges), 2)
        _, served, kept = merges[0].split()
        self.assertEqual((merges[1].split(), served.endswith(f"/static/{A}")), ([kept, served], True))
        self.assertEqual(self.left(), [])
        release = self.host.context("look").ledger.release(A)
        del self.world.pages[A, "/"]
        self.change("CORRECTED")
        self.assertEqual(self.live_with(A, changes={"settings": "corrected"}), "")
        self.assertNotEqual(self.host.context("look").ledger.release(A).asked_with, release.asked_with)
        self.assertEqual(self.left(), [])

    def left(self) -> list[str]:
        return [path.name for path in self.host.context("look").place.static.glob(".*")]

    def test_what_an_interruption_has_left_is_put_back_unless_its_instance_boots(self) -> None:
        place, live = self.host.context("look").place, self.host.context("look").ledger.live()
        for instance, merges in ((f"{A}.abcdef", 1), (live, 0)):
            place.static.joinpath(f".kept-{instance}").mkdir()
            place.static.joinpath(A).mkdir(exist_ok=True)
            self.world.calls.clear()
            self.assertEqual(self.live_with(A), "")
            self.assertEqual(len([call for call in self.world.calls if "merge.py" in call]), merges, instance)
            self.assertEqual(self.left(), [])

    def test_a_file_is_the_old_one_or_the_new_one_and_none_goes_and_all_can_be_put_back(self) -> None:
        before = FILES["served"]
        with tempfile.TemporaryDirectory() as folder:
            new, served, kept = (self.tree(folder, name, files) for name, files in FILES.items())
            self.assertEqual(self.files(served), before)
            opened = served.joinpath("a.css").open()
            self.merge(new, served, kept)
            # Its compressed form is of before, and nginx does not look at times.
            after = {**before, **FILES["new"]}
            del after["a.css.gz"]
            self.assertEqual(self.files(served), after)
            with opened:
                self.assertEqual(opened.read(), "old")
            self.merge(kept, served)
            self.assertEqual(self.files(served), {**before, "deep/b.css": "b"})

    def test_a_file_where_a_directory_is_changes_nothing(self) -> None:
        for path, told in (("deep", "deep"), ("c.css/e.css", "c.css")):
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
                new = self.tree(folder, "new", {"a.css": "new", path: "x"})
                served = self.tree(folder, "served", FILES["served"])
                self.assertEqual(self.merge(new, served), 3)
                self.assertEqual((said.getvalue(), self.files(served)), (f"{told}\n", FILES["served"]))

    def tree(self, folder: str, name: str, files: dict[str, str]) -> Path:
        top = Path(folder, name)
        top.mkdir()
        for path, text in files.items():
            top.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
            top.joinpath(path).write_text(text)
        return top

    def files(self, top: Path) -> dict[str, str]:
        return {f"{path.relative_to(top)}": path.read_text() for path in top.rglob("*") if path.is_file()}

    def merge(self, *folders: Path) -> int:
        sys.argv = ["merge.py", *map(str, folders)]
        return merge.main()

    def test_one_that_is_rolled_back_to_has_passed_the_checks(self) -> None:
        self.assertEqual(self.deploy_with(B), "")
        self.change("STORAGE")
        self.assertEqual(self.live_with(A, kept=True, changes={"settings": "other"}), "")
        asked = next(call for call in self.world.calls if "django_release.py" in call)
        self.assertRegex(asked, r" project static migrations$")


def _step(call: str) -> str:
    """What a call does with the static files; nothing for another."""
    if call.startswith("pipe tar"):
        return "take"
    if "django_release.py" in call:
        return "collect"
    return call.rpartition("/bin/bash -c ")[2] if "/bin/bash -c " in call else ""


class Log(OfPages):
    def test_exceptions_in_the_log_of_a_healthy_release_are_told_and_no_secret_in_them(self) -> None:
        self.world.last_words = f"{RAISED} redis-password\nwarm\n{RAISED} redis-password"
        self.assertEqual(self.deploy_with(B), "")
        noted = (
            "its log has an exception: AttributeError: 'NoneType' object has no attribute 'total' [secret] "
            "(shop/views.py, line 12, in front_page), 2 times"
        )
        self.assertIn(f"app-live: {noted}\n", self.shown)
        self.assertEqual(self.notices(), [noted])
        self.world.last_words = "warm"
        self.deploy_with(A)
        self.assertNotIn("exception", self.shown)
        self.assertEqual(self.notices(), [])

    def notices(self) -> object:
        """Those of the last release that was tried."""
        return json.loads(self.host.context("look").ledger.history()[-1])["notices"]

    def test_what_a_database_refused_is_tried_again_for_it_may_have_been_repaired(self) -> None:
        refused = 'django.db.utils.ProgrammingError: relation "shop_basket" does not exist'
        self.world.pages[B, "/"] = Answer(500)
        self.world.last_words = RAISED.replace("AttributeError: 'NoneType' object has no attribute 'total'", refused)
        self.assertIn("tries it again, because the data may have been repaired by then.", self.deploy_with(B))
        self.assertEqual(self.state(B), states.FAILED)
        self.assertIn("the page / answers 500", self.live_with(B))
        del self.world.pages[B, "/"]
        self.assertEqual(self.live_with(B), "")

    def test_a_migration_that_failed_is_tried_again_and_goes_through_once_the_data_is_repaired(self) -> None:
        self.world.migrations = ["entries.0002_unique"]
        self.world.migrate_status, self.world.migrate_says = 1, "IntegrityError: could not create unique index"
        self.assertIn("Django's migrate failed. Its last lines are above.", self.deploy_with(B))
        self.world.migrate_status = 0
        self.assertEqual(self.live_with(B), "")
        self.tidy()
        self.assert_runs(B)

    def test_a_migration_with_more_to_list_than_is_shown_shows_its_traceback(self) -> None:
        self.world.migrations = ["entries.0002_fails"]
        listed = "\n".join(f"  Applying entries.{number:04}_more... OK" for number in range(60))
        self.world.migrate_status, self.world.migrate_says = 1, f"{RAISED}\n{listed}"
        self.deploy_with(B)
        self.assertIn(f"  Applying entries.0059_more... OK\n{RAISED}\n", self.shown)
        self.assertNotIn("entries.0001_more", self.shown)


class Tracebacks(unittest.TestCase):
    def library(self, count: int, error: str) -> list[str]:
        frames = [
            line
            for number in range(count)
            for line in (
                f'  File "/srv/shop/venvs/x/lib/python3.13/site-packages/lib{number}.py", line 1, in f',
                "    f()",
            )
        ]
        return ["Traceback (most recent call last):", *frames, error]

    def test_few_lines_are_shown_as_they_are(self) -> None:
        lines = [*RAISED.splitlines(), *(f"line {number}" for number in range(30))]
        self.assertEqual(cause(lines), lines)

    def test_of_many_lines_without_a_traceback_the_last_are_shown(self) -> None:
        lines = [f"line {number}" for number in range(100)]
        self.assertEqual(cause(lines), lines[-40:])

    def test_the_applications_own_exception_counts_and_not_the_servers_below_it(self) -> None:
        lines = [
            *RAISED.splitlines(),
            *self.library(30, "gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>"),
        ]
        shown = cause(lines)
        self.assertEqual(shown[: len(RAISED.splitlines())], RAISED.splitlines())
        self.assertLess(len(shown), 20)
        # Without a line of the application's own it is the first.
        imported = self.library(20, "ModuleNotFoundError: No module named 'shop'")
        self.assertIn(imported[-1], cause([*imported, *lines[len(RAISED.splitlines()) :]]))

    def test_of_a_long_traceback_the_applications_frames_stay_and_what_led_to_it(self) -> None:
        first = self.library(30, 'psycopg.errors.UniqueViolation: duplicate key value violates "x"')
        first[5:5] = [
            '  File "/srv/shop/releases/bbbbbbbbbb-0001/shop/migrations/0002_x.py", line 5, in fill',
            "    save()",
        ]
        second = self.library(30, "django.db.utils.IntegrityError: duplicate key value violates")
        between = ["", "The above exception was the direct cause of the following exception:", ""]
        lines = ["Applying shop.0002_x...", *first, "DETAIL:  Key (a)=(1) already exists.", *between, *second, "bye"]
        shown = cause(lines)
        self.assertLess(len(shown), 30)
        for one in (
            "Applying shop.0002_x...",
            first[5],
            first[6],
            first[-1],
            "DETAIL:  Key (a)=(1) already exists.",
            between[1],
            second[-1],
            "bye",
            "  … 27 more calls",
        ):
            self.assertIn(one, shown)
        self.assertEqual(
            exceptions(lines),
            [
                "django.db.utils.IntegrityError: duplicate key value violates "
                "(shop/migrations/0002_x.py, line 5, in fill)"
            ],
        )

    def test_what_was_told_to_end_or_was_cut_off_is_no_exception(self) -> None:
        self.assertEqual(exceptions(self.library(2, "KeyboardInterrupt")), [])
        self.assertEqual(exceptions(self.library(2, "x")[:-1]), [])

    def test_one_without_its_frames_is_told_by_what_it_says(self) -> None:
        self.assertEqual(exceptions(["Traceback (most recent call last):", "ValueError: x"]), ["ValueError: x"])

    def test_one_that_another_cuts_off_is_not_taken_for_it(self) -> None:
        self.assertEqual(exceptions([*self.library(2, "x")[:-1], *RAISED.splitlines()])[0][:14], "AttributeError")


class Asking(unittest.TestCase):
    def test_an_answer_comes_whole_with_where_it_leads_and_one_that_is_cut_off_is_another(self) -> None:
        body = b"x" * 3_000_000
        answers = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body,
            b"HTTP/1.1 302 Found\r\nLocation: /login/?next=/\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n" + body[:1000],
            b"nothing of HTTP",
        )
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
            path = Path(folder, "web.sock")
            listening.bind(str(path))
            listening.listen()

            def serve() -> None:
                for answer in answers:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(4096)
                        connection.sendall(answer)

            serving = threading.Thread(target=serve)
            serving.start()
            whole, redirect, cut, odd = (asking.page(path, "shop.example", "https", "/", 5) for _ in answers)
            serving.join()
        digest = hashlib.sha256(body).hexdigest()
        self.assertEqual((whole.status, whole.sha256, len(whole.body)), (200, digest, 1 << 20))
        self.assertEqual((redirect.status, redirect.location), (302, "/login/?next=/"))
        self.assertNotEqual(cut.sha256, digest)
        self.assertEqual(odd.status, 0)
        self.assertEqual(asking.page(path, "shop.example", "https", "/", 1).status, 0)
