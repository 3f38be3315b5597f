"""What the backup program decides: what is kept, which life a point in time belongs to, what failures mean."""

import dataclasses
import datetime
import os
import tempfile
import unittest
import unittest.mock
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bucket import Answer, BucketFacts
from choice import Target, up_to
from commands import Failed, read_as, run, without_links
from database import why_it_does_not_start
from eras import Era, began, era_at, read, timeline_at, usable, written
from explain import explain
from files import FileBackups, Snapshot
from guard import Guard, guard_of, try_key, warning_of
from history import Record
from plan import Files, Full, Keep, Plan, Site, Unreadable
from restore import places
from retention import DAY, Backup, archive_count, expired, points_since, wants_full
from unrestored import Span, span_of

KEEP = Keep(points=7, daily=30, monthly=12)
PLAN = Plan(
    *("shop", "prod", "prod-shop", "/mnt/backups", None, "/mnt/backups/files", ()),
    *(KEEP, 1, Site("https", "shop.made-up.test", "/health"), None, ()),
)


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(f"{text}+00:00").timestamp()


def life(until: float, days: int) -> list[Backup]:
    """What a host has after so many days, with nothing taken away: one at 04:00 each day."""
    made: list[Backup] = []
    for back in range(days, -1, -1):
        now = until - back * DAY
        label = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y%m%d-%H%M%S")
        full = f"{label}F"
        if not wants_full(made, now):
            full = f"{next(one.label for one in reversed(made) if one.is_full)}_{label}D"
        made.append(Backup(full, now - 60, now, 1000, 100))
    return made


class Places(unittest.TestCase):
    def test_what_another_server_kept_is_put_where_this_one_keeps_it(self) -> None:
        ours, theirs = "/var/lib/valkey", "/var/lib/redis"
        part = Files("redis", "valkey", (ours,), formerly={theirs: ours})
        for directory, expected in ((ours, {ours: ours}), (theirs, {theirs: ours}), ("/srv/shop/media", {})):
            self.assertEqual(places(part, Snapshot("a1", "redis", 1, 1, (directory,))), expected)


class Remembered(unittest.TestCase):
    def test_what_another_has_written_meanwhile_stays(self) -> None:
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch("history.STATE", Path(folder)):
            of_a_backup_that_waits, of_a_restore = Record(), Record()
            of_a_restore.set_eras([Era(1.0, 4)])
            of_a_restore.set_undo({"finished": True})
            of_a_backup_that_waits.succeeded("media", id="abc")
            of_a_backup_that_waits.set_guard(None)
            now = Record()
            self.assertEqual([era.timeline for era in now.eras], [4])
            self.assertEqual(now.undo, {"finished": True})
            self.assertEqual(now.parts["media"]["last"]["id"], "abc")


class Retention(unittest.TestCase):
    now = at("2026-11-28 04:00:00")

    def test_a_whole_backup_is_made_each_week_and_each_month(self) -> None:
        fulls = [one.label[:8] for one in life(self.now, 40) if one.is_full]
        self.assertEqual(fulls, ["20261019", "20261026", "20261101", "20261108", "20261115", "20261122"])

    def test_days_and_months_are_kept_and_all_else_goes_but_what_they_need(self) -> None:
        backups = life(self.now, 450)
        gone = set(expired(backups, self.now, KEEP))
        kept = [one for one in backups if one.label not in gone]
        days = {one.stop for one in kept}
        for back in range(30):
            self.assertIn(self.now - back * DAY, days)
        months = {datetime.datetime.fromtimestamp(one.stop, datetime.UTC).strftime("%Y-%m") for one in kept}
        self.assertEqual(len(months), 12)
        self.assertLess(len(kept), 30 + 12 + 7)
        labels = {one.label for one in kept}
        self.assertTrue(all(one.full in labels for one in kept))

    def test_points_in_time_reach_back_as_far_as_is_promised_whatever_else_is_kept(self) -> None:
        for keep in (Keep(14, 7, 0), Keep(7, 1, 0), KEEP):
            for later in range(45):
                now = self.now + later * DAY
                backups = life(now, 60)
                gone = set(expired(backups, now + 60, keep))
                left = [one for one in backups if one.label not in gone]
                since = points_since(left, now + 60, keep.points)
                assert since is not None
                self.assertLessEqual(since, now + 60 - keep.points * DAY, keep)

    def test_nothing_goes_while_there_is_one_alone_however_old(self) -> None:
        self.assertEqual(expired([Backup("20200101-040000F", 0, at("2020-01-01 04:00:00"), 1, 1)], self.now, KEEP), [])

    def test_the_log_is_kept_from_the_last_backup_before_the_bound(self) -> None:
        backups = life(self.now, 60)
        self.assertEqual(archive_count(backups, self.now, 7), 8)
        self.assertEqual(points_since(backups, self.now, 7), self.now - 7 * DAY)
        self.assertEqual(archive_count(backups[-3:], self.now, 7), 3)
        self.assertIsNone(points_since([], self.now, 7))


class Eras(unittest.TestCase):
    def test_without_a_restore_every_earlier_backup_leads_there(self) -> None:
        self.assertTrue(usable([], 100, 200))
        self.assertFalse(usable([], 300, 200))
        self.assertIsNone(timeline_at([], 200))

    def test_a_point_in_time_belongs_to_the_life_that_was_the_databases_own_then(self) -> None:
        # At 1000 back to 900; at 2000 that is undone.
        restored = began([], 1000, before=1, after=2, branch=900)
        undone = began(restored, 2000, before=1, after=1, branch=999)
        self.assertEqual([timeline_at(undone, one) for one in (800, 950, 1500, 2500)], [1, 1, 2, 1])
        self.assertEqual(undone[-1], Era(2000, 1, 0, 999))
        # A backup of the life that was undone leads nowhere else.
        self.assertTrue(usable(undone, 1400, 1500))
        self.assertFalse(usable(undone, 1400, 2500))
        # One from before the point of a restore leads into both, one from between only where it was.
        self.assertTrue(usable(undone, 800, 1500))
        self.assertTrue(usable(undone, 800, 2500))
        self.assertFalse(usable(undone, 950, 1500))
        self.assertTrue(usable(undone, 950, 2500))
        self.assertEqual(era_at(undone, 999), 0)

    def test_what_is_written_of_them_can_be_read(self) -> None:
        eras = began([], 1000, before=1, after=2, branch=900)
        self.assertEqual(read(written(eras)), eras)

    def test_the_log_is_followed_along_the_life_that_is_meant(self) -> None:
        backup = Backup("20261128-040000F", 1, 2, 3, 4, timeline=2)
        self.assertEqual(up_to(Target(9, latest=True), backup, 3), ["--type=default", "--target-timeline=3"])
        self.assertEqual(up_to(Target(9, latest=True), backup, 2), ["--type=default", "--target-timeline=current"])
        self.assertIn("--target=1970-01-01 00:00:09.000000+00", up_to(Target(9), backup, 2))
        named = up_to(Target(9, backup.label), backup, 3)
        self.assertEqual(named[0], "--type=immediate")
        self.assertIn("--recovery-option=recovery_target_timeline=current", named)


class Starting(unittest.TestCase):
    def test_a_database_that_does_not_start_is_told_of_by_its_own_fault(self) -> None:
        why = "FATAL:  recovery ended before configured recovery target was reached"
        log = f"LOG:  starting\n{why}\nLOG:  shutting down\nFATAL:  the database system is in recovery mode\n"
        self.assertEqual(why_it_does_not_start(log), why)
        self.assertEqual(why_it_does_not_start("LOG:  one\nLOG:  two\n"), "LOG:  two")


class Elsewhere(unittest.TestCase):
    """Whether a host has the data of the backups that it finds."""

    def test_backups_are_told_of_from_the_first_to_the_last(self) -> None:
        self.assertEqual(span_of([3.0, 1.0, 2.0]), Span(1.0, 3.0))
        self.assertIsNone(span_of([]))

    def test_a_host_that_has_one_of_the_files_as_it_was_has_gone_on(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        known = Path(folder, "a name\nof two lines.jpg")
        known.write_text("photo")
        os.utime(known, (1000, 1000))
        part = Files("media", "root", (folder,))
        backups = FileBackups(PLAN)
        gone = f"{folder}/gone.jpg"
        self.assertTrue(backups.holds(part, {gone: "5 1000", str(known): "5 1000"}))
        self.assertFalse(backups.holds(part, {gone: "5 1000", str(known): "5 1001"}))
        self.assertFalse(backups.holds(part, {}))


class FakeBucket:
    """A bucket of a service: whether it keeps versions, and which statuses it answers with to what destroys."""

    def __init__(self, version: str | None = "v1", delete: int = 403, versioning: int = 403, put: int = 200) -> None:
        self.version, self.statuses = version, {"DELETE versionId": delete, "PUT versioning": versioning, "PUT": put}
        self.asked: list[str] = []

    def ask(self, method: str, name: str, query: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        assert isinstance(body, bytes)
        what = " ".join([method, *(query or {})])
        self.asked.append(f"{what} {name}".strip())
        return Answer(self.statuses.get(what, 204), self.version, "Refused")


class Guarding(unittest.TestCase):
    def test_a_key_that_is_refused_what_destroys_is_safe(self) -> None:
        bucket = FakeBucket()
        self.assertEqual(try_key(bucket, "prod-shop"), (True, ()))
        # Nothing else is tried on what is not the test's own, and its own object goes from sight.
        name = "prod-shop/berth-key-test"
        self.assertEqual(bucket.asked, [f"PUT {name}", f"DELETE versionId {name}", f"DELETE {name}", "PUT versioning"])

    def test_what_the_key_may_is_told_by_the_names_of_the_rights(self) -> None:
        self.assertEqual(try_key(FakeBucket(delete=204), "p"), (True, ("s3:DeleteObjectVersion",)))
        self.assertEqual(try_key(FakeBucket(versioning=200), "p"), (True, ("s3:PutBucketVersioning",)))
        self.assertEqual(try_key(FakeBucket(versioning=501), "p"), (True, ()))

    def test_a_bucket_without_versions_is_told_of(self) -> None:
        for version in (None, "null"):
            bucket = FakeBucket(version)
            self.assertEqual(try_key(bucket, "p"), (False, ()))
            self.assertEqual(bucket.asked, ["PUT p/berth-key-test", "DELETE p/berth-key-test"])

    def test_what_cannot_be_found_out_is_no_failure(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            Path(place, "s3-key").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b%\n")
            facts = BucketFacts("shop", "us-east-1", "127.0.0.1:1", "path", "prod-shop", None)
            plan = dataclasses.replace(PLAN, bucket=facts, settings=Path(place))
            guard = guard_of(plan)
        assert guard is not None
        self.assertIn("refused", f"{guard['why']}")
        self.assertIn("is not known: ", f"{guard['warning']}")
        self.assertIsNone(guard_of(PLAN), "a directory has no key")

    def test_a_key_that_could_destroy_the_backups_is_told_with_what_to_do(self) -> None:
        def told(**changes: Any) -> str:
            return warning_of("s3://shop/prod-shop", Guard(0, **{"versions": True, **changes})) or ""

        self.assertEqual(told(), "")
        self.assertIn(": the bucket keeps no versions. Turn versioning on. See ", told(versions=False))
        self.assertIn("its key has s3:DeleteObjectVersion. Take that", told(rights=("s3:DeleteObjectVersion",)))
        self.assertIn("is not known: it answered 500. See", told(why="it answered 500"))


class Explaining(unittest.TestCase):
    def test_what_a_tool_says_is_told_in_words_of_the_configuration(self) -> None:
        for said, what in (
            ("Fatal: wrong password or no key found", "were made with another passphrase"),
            ("ERROR: [039]: HTTP request failed with 403 (Forbidden):", "refuses the keys"),
            ("ERROR: [049]: unable to get address for 's3.made-up.test'", "no name server knows"),
            ("ERROR: [039]: HTTP request failed with 404\n<Code>NoSuchBucket</Code>", "there is no such bucket"),
            ("Fatal: Stat: The specified bucket does not exist.", "there is no such bucket"),
            ("dial tcp 10.0.0.1:443: connect: connection refused", "cannot be reached"),
            ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "is not trusted"),
            (
                "ERROR: [039]: HTTP request failed with 403 (Forbidden):\n<Code>SecondLevelDomainForbidden</Code>",
                "by the bucket's own host name",
            ),
            ("Fatal: Please use virtual hosted style to access. (403 Forbidden)", "by the bucket's own host name"),
            (
                "HTTP request failed with 403 (Forbidden):\n<Code>RequestTimeTooSkewed</Code><Message>The difference "
                "between the request time and the current time is too large.</Message>",
                "the clock of this host",
            ),
            (
                "Fatal: The difference between the request time and\nthe server's time is too large. 403 Forbidden",
                "the clock of this host",
            ),
            ("ERROR: [041]: unable to open file: [28] No space left on device", "no space left"),
            (
                "ERROR: [101]: known hosts failure: 'box' mismatch in known hosts files: "
                "LIBSSH2_KNOWNHOST_CHECK_MISMATCH [1]: check type [strict]",
                "a host key that is not in backup.place.hostKeys",
            ),
            ("subprocess ssh: Host key verification failed.", "a host key that is not in backup.place.hostKeys"),
            ("ERROR: [101]: public key authentication failed: libssh2 error [-18]", "does not let this stack in"),
            ("subprocess ssh: u1@box: Permission denied (publickey,password).", "does not let this stack in"),
            ("ERROR: [101]: unable to init libssh2_sftp session", "does not speak SFTP"),
            (
                "subprocess ssh: ssh: connect to host box port 23: Connection refused\n"
                "Fatal: unable to open repository at sftp://u1@box:23//files: unable to start the sftp session, error: "
                "error receiving version packet from server: server unexpectedly closed connection: unexpected EOF",
                "cannot be reached",
            ),
            (
                "subprocess ssh: ssh: Could not resolve hostname box.made-up.test: Name or service not known\n"
                "Fatal: unable to start the sftp session, error: error receiving version packet from server: EOF",
                "no name server knows",
            ),
            ("Fatal: unable to save snapshot: sftp: no space left on device", "no space left"),
            ("Fatal: unable to start the sftp session, error: error receiving version packet", "does not speak SFTP"),
        ):
            with self.subTest(said):
                trouble = explain(said, dataclasses.replace(PLAN, place="s3://shop/prod-shop"))
                self.assertIn(what, trouble.what)
                self.assertTrue(trouble.further)

    def test_a_place_without_space_is_known_to_the_program(self) -> None:
        for said in ("[028]: unable to write: [28] No space left on device", "Fatal: sftp: no space left on device"):
            self.assertIsInstance(explain(said, PLAN), Full)

    def test_a_passphrase_that_does_not_fit_is_known_to_the_program(self) -> None:
        self.assertIsInstance(explain("Fatal: wrong password or no key found", PLAN), Unreadable)

    def test_what_is_not_known_is_told_by_its_last_error(self) -> None:
        said = "P00   WARN: a warning\nP00  ERROR: [099]: something new\nP00   INFO: ended"
        self.assertEqual(explain(said, PLAN).what, "/mnt/backups: [099]: something new")


class OfOthers(unittest.TestCase):
    """What root does in directories that another account changes."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "secret").write_text("root's own")
        self.own = self.folder / "own"
        (self.own / "real").mkdir(parents=True)
        (self.own / "real/secret").write_text("its own")

    def test_no_link_below_a_directory_is_followed_whatever_lies_there_when_it_is_read(self) -> None:
        (self.own / "link").symlink_to(self.folder)
        read = ["cat", f"{self.own}/link/secret"]
        self.assertEqual(run(read), "root's own")
        with self.assertRaisesRegex(Failed, "Too many levels of symbolic links"):
            run(without_links([str(self.own)], read))
        self.assertEqual(run(without_links([str(self.own)], ["cat", f"{self.own}/real/secret"])), "its own")
        # A link is backed up as one.
        told = run(without_links([str(self.own)], ["readlink", f"{self.own}/link"]))
        self.assertEqual(told, f"{self.folder}\n")

    def test_a_pipe_that_nobody_writes_to_holds_nothing_up(self) -> None:
        os.mkfifo(self.own / "pipe")
        with self.assertRaises(Failed):
            read_as("root", ["head", "-c", "1", str(self.own / "pipe")])
