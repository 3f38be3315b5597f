"""What a drill decides: how far the log went, what should be there, which files are read, and when it is given up."""

import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

from commands import Failed
from comparison import (
    Table,
    end_of,
    first_commit,
    is_since,
    moment,
    next_segment,
    position,
    position_of,
    segment_end,
    shortened,
    wrong_tables,
)
from plan import Trouble
from retention import Backup, wants_full
from sample import chosen, stored
from watch import MIB, Room, Watch

SAID = """
LOG:  starting archive recovery
P00  ERROR: [082]: unable to get WAL file '000000010000000000000009'
LOG:  redo done at 0/8000110 system usage: CPU: user: 0.00 s, system: 0.00 s, elapsed: 0.10 s
LOG:  last completed transaction was at log time 2026-11-28 14:03:07.25+00
"""
RECORDS = """\
pg_waldump: first record is after 0/9000000, at 0/9000028, skipping over 40 bytes
rmgr: Transaction len (rec/tot): 34/34, tx: 9, lsn: 0/9000028, prev 0/8, desc: ABORT 2026-11-28 14:03:08.000000 UTC
rmgr: Transaction len (rec/tot): 34/34, tx: 10, lsn: 0/9000060, prev 0/9, desc: COMMIT 2026-11-28 14:03:09.500000 UTC
rmgr: Transaction len (rec/tot): 34/34, tx: 11, lsn: 0/9000090, prev 0/9, desc: COMMIT 2026-11-28 14:03:10.000000 UTC
"""


class TheLog(unittest.TestCase):
    def test_its_end_is_told_by_what_postgresql_said(self) -> None:
        end = end_of(SAID)
        self.assertEqual((end.position, end.commit), (0x8000110, moment("2026-11-28 14:03:07.25+00")))
        self.assertIn("unable to get WAL file", end.said)
        none = end_of("LOG:  nothing")
        self.assertEqual((none.position, none.commit, none.said), (None, None, ""))

    def test_a_piece_that_was_archived_and_was_not_followed_is_noticed(self) -> None:
        self.assertGreaterEqual(next_segment(0x8000110), segment_end("000000010000000000000008"))
        self.assertLess(next_segment(0x8000110), segment_end("000000010000000000000009"))
        # The number of a piece goes on in its middle part.
        self.assertEqual(segment_end("0000000100000001000000FF"), 2 << 32)
        self.assertEqual(position(position_of("16/B374D848")), "16/B374D848")

    def test_what_would_be_lost_begins_with_the_first_commit_that_is_not_in_the_place(self) -> None:
        self.assertEqual(first_commit(RECORDS), moment("2026-11-28 14:03:09.5+00"))
        self.assertIsNone(first_commit("pg_waldump: nothing\n"))


class Tables(unittest.TestCase):
    def wrong(self, rows: int, was: int, now: int, made: int = 700) -> list[str]:
        number = (5, 16400)
        return wrong_tables(
            {number: rows}, {number: Table("t", was, 600)}, {number: Table("t", now, made)}, lambda _: True
        )

    def test_one_that_was_there_and_is_missing_is_a_fault_and_one_that_was_made_since_is_none(self) -> None:
        table, younger = (
            Table("the table public.orders of shop", 5, 999),
            Table("the table public.new of shop", 5, 1000),
        )
        self.assertEqual(
            wrong_tables({}, {}, {(5, 1): table, (5, 2): younger}, lambda made: made < 1000),
            ["the table public.orders of shop is missing"],
        )

    def test_half_of_the_rows_are_missed_and_a_few_are_not(self) -> None:
        self.assertEqual(self.wrong(4000, 10_000, 10_000), ["t has 4000 rows, and the live one about 10000"])
        self.assertEqual(self.wrong(6000, 10_000, 10_000), [])
        self.assertEqual(self.wrong(0, 900, 900), [])
        # Written or deleted since the drill began.
        self.assertEqual(self.wrong(0, 0, 1_000_000), [])
        self.assertEqual(self.wrong(1_000_000, 1_000_000, 0), [])

    def test_transactions_are_compared_in_their_circle(self) -> None:
        self.assertTrue(is_since(1000, 1000))
        self.assertFalse(is_since(999, 1000))
        self.assertTrue(is_since(5, (1 << 32) - 5))
        # What initdb(1) made.
        self.assertFalse(is_since(1, (1 << 32) - 5))
        self.assertEqual(shortened(["a", "b", "c", "d", "e"]), "a; b; c, and 2 more")


class Files(unittest.TestCase):
    def node(self, **changes: Any) -> dict[str, Any]:
        told = {"struct_type": "node", "type": "file", "path": "/srv/shop/media/a.jpg", "size": 5}
        return {**told, "mtime": "2026-11-28T14:03:07.123456789Z", **changes}

    def test_a_file_is_known_by_its_size_and_its_time_as_find_prints_it(self) -> None:
        with tempfile.NamedTemporaryFile() as file:
            os.utime(file.name, ns=(0, 1_795_874_587_123_456_789))
            one = stored(self.node(path=file.name))
            assert one is not None
            told = os.popen(f"TZ=UTC find {file.name} -printf '%T@'").read()  # noqa: S605
            self.assertEqual(one.changed, told)
        there = stored(self.node(mtime="2026-11-28T15:03:07+01:00"))
        assert there is not None
        self.assertEqual(there.changed, "1795874587.0000000000")

    def test_what_is_no_file_or_cannot_be_asked_for_is_left_out(self) -> None:
        for changes in ({"type": "dir"}, {"struct_type": "snapshot"}, {"path": "/srv/a\nb"}, {"size": 1 << 40}):
            with self.subTest(changes):
                self.assertIsNone(stored(self.node(**changes)))

    def test_a_sample_is_of_all_files_alike_and_no_larger_than_said(self) -> None:
        self.assertEqual(len(chosen([self.node()] * 3, 20)), 3)
        seen = {one.path for _ in range(60) for one in chosen((self.node(path=f"/{n}") for n in range(30)), 5)}
        self.assertGreater(len(seen), 25)


class Bounds(unittest.TestCase):
    def room(self, free: int, whole: int = 20_000) -> Room:
        told = os.statvfs_result((MIB, MIB, whole, free, free, 0, 0, 0, 0, 255))
        return Room(Path("/"), lambda _: told)

    def test_a_disk_without_room_for_it_and_for_the_site_is_refused(self) -> None:
        self.room(3700).refuse_without(1000 * MIB)
        with self.assertRaisesRegex(Trouble, "has 3500 MiB left: a drill needs 1612 MiB, and 2000 MiB stay free"):
            self.room(3500).refuse_without(1000 * MIB)

    def test_what_is_at_work_ends_when_the_disk_fills_up_or_the_time_is_over(self) -> None:
        with self.assertRaisesRegex(Trouble, "900 MiB left, which the site may need"):
            Watch(self.room(900)).run(["sleep", "60"])
        with self.assertRaisesRegex(Trouble, "did not end within"):
            Watch(self.room(9000), seconds=0).run(["sleep", "60"])
        watch = Watch(self.room(9000))
        self.assertEqual(watch.run(["cat"], stdin="words"), "words")
        with self.assertRaisesRegex(Failed, "wrong"):
            watch.run(["sh", "-c", "echo wrong >&2; exit 3"])


class AfterAFailure(unittest.TestCase):
    def test_the_next_backup_needs_none_that_a_drill_could_not_restore(self) -> None:
        whole = Backup("20261128-040000F", 90, 100, 1, 1)
        self.assertFalse(wants_full([whole], 200, distrusted=50))
        self.assertTrue(wants_full([whole], 200, distrusted=150))
