"""What a restore of another stack's data decides, and its uploads at any moment at which the taking may be cut off."""

import json
import subprocess
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from choice import Target, backup_for, named, snapshot_for, up_to
from copies_choice import paired
from copies_plan import Asked, Taker, receive, refuse_other
from copying import ON_ITS_OWN, identity
from database import DatabaseBackups
from files import FileBackups, Snapshot
from plan import Database, Django, Files, Plan, Trouble, plan_of
from release import uploads
from retention import Backup

MEDIA = {"name": "media", "account": "shop", "directories": ["/srv/shop/media", "/srv/shop/data"]}
PROD: dict[str, Any] = {
    "application": "shop",
    "stack": "prod",
    "stanza": "prod-shop",
    "place": "s3://backups/prod-shop",
    "directory": None,
    "repository": "s3:https://s3.example.com/backups/prod-shop/files",
    "options": [],
    "keep": {"points": 7, "daily": 30, "monthly": 12},
    "limit": 1 << 30,
    "site": {"scheme": "https", "domain": "shop.example.com", "health": "/"},
    "database": {"version": 17, "unit": "postgresql@17-main.service"},
    "files": [MEDIA],
}
STAGING = Taker(
    application="shop",
    stack="staging",
    django=True,
    releaseCommand=None,
    release=Django("python", "/srv/shop/config/web/current", ()),
    site={},
    database=Database(17, "postgresql@17-main.service"),
    names={"database": "shop", "role": "shop"},
    uploads=Files("media", "shop", ("/srv/shop/media",)),
    scrub="python manage.py scrub",
    sql=None,
)


def asked(plan: Plan | None = None, *, only: str | None = None, as_it_is: bool = False) -> Asked:
    return Asked(None, None, only, as_it_is, plan or plan_of(PROD), "shop")


class Refusals(unittest.TestCase):
    def refused(self, taker: Taker, what: Asked) -> str:
        with self.assertRaises(Trouble) as told:
            refuse_other(taker, what)
        self.assertTrue(told.exception.further)
        return told.exception.what

    def test_the_same_application_with_the_same_database_and_a_scrub_is_taken(self) -> None:
        refuse_other(STAGING, asked())
        refuse_other(replace(STAGING, scrub=None, sql="UPDATE"), asked())

    def test_itself_and_another_application_are_refused(self) -> None:
        self.assertIn("is this stack", self.refused(replace(STAGING, stack="prod"), asked()))
        other = self.refused(replace(STAGING, application="blog"), asked())
        self.assertEqual(other, "stack 'prod' runs the application 'shop', and stack 'staging' runs 'blog'")

    def test_another_version_and_a_stack_without_a_database_are_refused(self) -> None:
        older = replace(STAGING, database=Database(15, ""))
        self.assertIn("are of PostgreSQL 17, and stack 'staging' has 15", self.refused(older, asked()))
        none = replace(STAGING, database=None)
        self.assertIn("has no PostgreSQL on its host", self.refused(none, asked()))
        self.assertIn("has no PostgreSQL on its host", self.refused(none, asked(only="media")))

    def test_personal_data_comes_as_it_is_only_where_that_is_said(self) -> None:
        bare = replace(STAGING, scrub=None)
        self.assertIn("less personal", self.refused(bare, asked()))
        refuse_other(bare, asked(as_it_is=True))

    def test_a_directory_of_the_other_host_must_be_here_as_well(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            plan = plan_of({**PROD, "directory": folder, "place": folder})
            self.assertIn(f"in the directory {folder} of its host", self.refused(STAGING, asked(plan)))
            Path(folder, "berth-backups").write_text("prod-shop\n")
            refuse_other(STAGING, asked(plan))


class Reading(unittest.TestCase):
    def test_what_arrives_is_for_root_and_what_postgresql_needs_for_its_account(self) -> None:
        files = {"pgbackrest.conf": "a", "pgbackrest.d/secret.conf": "b", "passphrase": "c"}
        read = {"plan": json.dumps(PROD), "database": "shop", "files": files}
        line = json.dumps({"at": 5, "backup": None, "only": None, "as_it_is": False, "read": read})
        with tempfile.TemporaryDirectory() as folder, mock.patch("shutil.chown") as chown:
            told = receive(line, Path(folder))
            modes = {name: Path(folder, name).stat().st_mode & 0o777 for name in files}
            self.assertEqual(modes, {"pgbackrest.conf": 0o640, "pgbackrest.d/secret.conf": 0o640, "passphrase": 0o600})
            given = {str(one.args[0]).removeprefix(f"{folder}/") for one in chown.call_args_list}
            self.assertEqual(given, {"pgbackrest.conf", "pgbackrest.d/secret.conf", "pgbackrest.d"})
            self.assertEqual((told.at, told.plan.stack, told.plan.settings), (5, "prod", Path(folder)))

    def test_the_other_stack_says_nothing_else_of_what_root_does_here(self) -> None:
        def read(**told: Any) -> str:
            plan = {**PROD, "options": told.get("options", []), "repository": told.get("repository", "/mnt/backups")}
            files = told.get("files", {"passphrase": "c"})
            given = {"plan": json.dumps(plan), "database": "shop", "files": files}
            return json.dumps({"at": 5, "backup": None, "only": None, "as_it_is": False, "read": given})

        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "place")
            place.mkdir()
            for told in (
                {"files": {"../x": "y"}},
                {"options": ["--password-command=id"]},
                {"options": ["--cacert=/x"]},
                {"options": ["--option=sftp.command=id"]},
                {"repository": "rclone:x:y"},
                {"repository": "sftp://-oProxyCommand=id@x:22//y"},
            ):
                with self.assertRaisesRegex(Trouble, "which is not known here"):
                    receive(read(**told), place)
            self.assertEqual([*Path(folder).rglob("*")], [place])
            receive(read(options=["--option=s3.region=eu-central-1", "--cacert=/run/berth-copy/ca.pem"]), place)
            files = {"sftp-key": "k", "sftp-key-of-postgres": "k", "known-hosts": "h"}
            with mock.patch("shutil.chown") as chown:
                receive(read(repository="sftp://u1-sub@box.example.com:23//shop/files", files=files), place)
            modes = {name: Path(place, name).stat().st_mode & 0o777 for name in files}
            self.assertEqual(modes, {"sftp-key": 0o600, "sftp-key-of-postgres": 0o640, "known-hosts": 0o640})
            self.assertEqual(len(chown.call_args_list), 2)

    def test_what_has_arrived_is_known_by_itself_and_through_no_link(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            arrived = Path(folder, "media/.berth-copy/arrived")
            arrived.mkdir(parents=True)
            media = str(Path(folder, "media"))
            found = arrived.stat()
            known = f"{found.st_dev}:{found.st_ino}"
            self.assertEqual(identity(media), known)
            check = ["sh", "-c", ON_ITS_OWN, "sh", str(arrived), known, "--", "true"]
            self.assertEqual(subprocess.run(check, check=False).returncode, 0)
            arrived.rename(arrived.with_name("elsewhere"))
            arrived.mkdir()
            self.assertEqual(subprocess.run(check, check=False).returncode, 97)
            arrived.rmdir()
            arrived.symlink_to(folder)
            with self.assertRaises(OSError):
                identity(media)

    def test_a_place_of_another_stack_is_read_without_a_lock_and_without_a_log(self) -> None:
        plan = replace(plan_of(PROD), reading=True, settings=Path("/run/berth-copy"))
        words = DatabaseBackups(plan, Database(17, "")).words("info")
        self.assertIn("--log-level-file=off", words)
        self.assertIn("--config=/run/berth-copy/pgbackrest.conf", words)
        with mock.patch("files.run", return_value="[]") as run:
            FileBackups(plan).snapshots()
        self.assertIn("--no-lock", run.call_args.args[0])
        self.assertEqual(run.call_args.kwargs["environment"]["RESTIC_PASSWORD_FILE"], "/run/berth-copy/passphrase")

    def test_directories_belong_together_by_their_last_names(self) -> None:
        own: tuple[str, ...] = ("/srv/staging/media", "/srv/staging/data", "/srv/staging/more")
        theirs = ("/srv/shop/data", "/srv/shop/media")
        self.assertEqual(paired(own, theirs), [(own[0], "/srv/shop/media"), (own[1], "/srv/shop/data")])
        own = ("/shop_media", "/srv/staging/data")
        self.assertEqual(paired(own, theirs), [("/shop_media", "/srv/shop/media"), (own[1], "/srv/shop/data")])
        self.assertEqual(paired(("/srv/staging/data",), theirs), [("/srv/staging/data", "/srv/shop/data")])
        self.assertEqual(paired(own, ("/srv/shop/data",)), [("/srv/staging/data", "/srv/shop/data")])


class Choice(unittest.TestCase):
    BACKUPS = (Backup("20261127-040000F", 90, 100, 1, 1), Backup("20261128-040000F", 190, 200, 1, 1))
    SNAPSHOTS = tuple(Snapshot(f"s{at}", "media", at, 1, ("/srv/shop/media",)) for at in (95.0, 150.0, 210.0))
    PART = Files("media", "shop", ("/srv/shop/media",))

    def test_the_last_before_a_time_leads_there(self) -> None:
        target = Target(180)
        backup = backup_for(target, self.BACKUPS, [])
        self.assertEqual(backup.label, "20261127-040000F")
        self.assertEqual(snapshot_for(target, self.PART, self.SNAPSHOTS).id, "s150.0")
        self.assertIn("--type=time", up_to(target, backup, 1))
        with self.assertRaisesRegex(Trouble, "no backup of the database from before"):
            backup_for(Target(50), self.BACKUPS, [])

    def test_a_backup_by_its_name_comes_with_the_files_of_after_it(self) -> None:
        target, parts = named("20261128-040000F", self.BACKUPS, self.SNAPSHOTS, None)
        self.assertEqual((target.label, parts), ("20261128-040000F", ("database", "media")))
        self.assertEqual(snapshot_for(target, self.PART, self.SNAPSHOTS).id, "s210.0")
        target, parts = named("s95.0", self.BACKUPS, self.SNAPSHOTS, None)
        self.assertEqual((parts, snapshot_for(target, self.PART, self.SNAPSHOTS).id), (("media",), "s95.0"))
        with self.assertRaisesRegex(Trouble, "is of media"):
            named("s95.0", self.BACKUPS, self.SNAPSHOTS, ("database",))


class CutUploads(unittest.TestCase):
    """Whatever was done of a taking, what was there comes back whole, or what came stays whole."""

    def setUp(self) -> None:
        self.place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.own = self.place / ".berth-copy"
        self.put("photos/old.jpg")
        self.put(".berth-copy/arrived/photos/new.jpg")
        self.put(".berth-copy/arrived/new.txt")

    def put(self, name: str) -> None:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)

    def do(self, script: str) -> None:
        subprocess.run(["sh", "-euc", uploads._BEGIN + script, "sh", self.place], check=True)

    def there(self) -> list[str]:
        files = (one for one in self.place.rglob("*") if one.is_file() and self.own not in one.parents)
        return sorted(str(one.relative_to(self.place)) for one in files)

    def test_they_come_and_what_was_there_is_kept_and_comes_back(self) -> None:
        self.do(uploads._TAKE)
        self.assertEqual(self.there(), ["new.txt", "photos/new.jpg"])
        self.do(uploads._KEEP)
        self.do(uploads._KEEP)
        self.assertTrue((self.own / "before/photos/old.jpg").is_file())
        self.do(uploads._UNDO + uploads._BACK)
        self.assertEqual((self.there(), list(self.own.iterdir())), (["photos/old.jpg"], []))

    def test_cut_off_at_any_step_it_goes_back_also_in_two_goes(self) -> None:
        steps = [line for line in uploads._TAKE.splitlines() if line]
        back = [line for line in uploads._BACK.splitlines() if line]
        self.assertEqual(len(steps), 4)
        for count in range(len(steps) + 1):
            # The first of the new ones has come, and the rest has not.
            for half in (False, True) if count == 3 else (False,):
                for cut in (0, 4):
                    with self.subTest(count=count, half=half, cut=cut):
                        self.enterContext(tempfile.TemporaryDirectory())
                        self.setUp()
                        self.do("\n".join(steps[:count]))
                        if half:
                            (self.own / "arrived/new.txt").rename(self.place / "new.txt")
                        self.do("\n".join(back[:cut]))
                        self.do(uploads._BACK)
                        self.assertEqual((self.there(), list(self.own.iterdir())), (["photos/old.jpg"], []))
