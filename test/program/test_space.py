"""Space that is set aside on a host's disks, on directories and disks that are none."""

import dataclasses
import tempfile
import unittest
from pathlib import Path

from space import ENOUGH, FULL, MIB, PARTS, Disk, Memory, Space, parts_of

GIB = 1 << 30


class OfSpace(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "var/lib/berth").mkdir(parents=True)
        self.reserve = self.root / "var/lib/berth/reserve"
        self.disk = Disk("/", 1, 4 * GIB, 2 * GIB, 1000, 900)
        self.memory = Memory()
        self.clock = 1000.0
        self.said: list[str] = []

    def space(self) -> Space:
        return Space(
            lambda priority, text: self.said.append(f"{priority} {text}"),
            root=self.root,
            look=lambda _: dataclasses.replace(self.disk),
            largest=lambda _: "The largest: /srv/shop 900 MiB.",
            now=lambda: self.clock,
        )

    def watch(self, seconds: float = 30) -> int:
        """After a while; how many parts there are then."""
        self.clock += seconds
        self.space().watch(self.memory)
        return len(parts_of(self.reserve))

    def fill(self, free: int = 0) -> None:
        self.disk.free = free

    def test_space_is_set_aside_where_there_is_plenty_and_root_alone_reaches_it(self) -> None:
        self.assertEqual(self.watch(), PARTS)
        sizes = {part.stat().st_size for part in parts_of(self.reserve)}
        self.assertEqual(sizes, {256 * MIB // PARTS}, "a twentieth, and 256 MiB at least")
        self.assertEqual(self.reserve.stat().st_mode & 0o777, 0o700)
        self.assertEqual(self.said, ["5 the disk / has space: 256 MiB of it are set aside"])

    def test_where_it_would_not_leave_a_tenth_of_the_disk_nothing_is_set_aside(self) -> None:
        self.fill(600 * MIB)
        self.assertEqual(self.watch(), 0)

    def test_a_full_disk_gets_it_part_by_part_ever_slower_while_it_is_filled_on(self) -> None:
        self.watch()
        self.fill()
        left = [self.watch(10) for _ in range(13)]
        self.assertEqual(left, [7, 7, 7, 6, 6, 6, 6, 6, 6, 5, 5, 5, 5])
        self.assertRegex(self.said[1], "^3 the disk / is full: 32 MiB that were set aside are given back; 7 of 8 parts")

    def test_the_last_parts_are_left_for_a_deployment(self) -> None:
        self.watch()
        self.fill()
        left = [self.watch(600) for _ in range(20)]
        self.assertEqual((min(left), left[-1]), (2, 2))
        self.assertEqual(self.space().give_back(), ["/ had 0 MiB left: 64 MiB that were set aside are given back"])

    def test_it_is_set_aside_again_when_there_is_plenty_again_and_not_before(self) -> None:
        self.watch()
        self.fill()
        self.watch()
        self.fill(FULL)
        self.assertEqual(self.watch(), 7)
        self.fill(2 * GIB)
        self.assertEqual(self.watch(), 8)
        self.assertEqual(self.said[-1], "5 the disk / has space: 256 MiB of it are set aside")

    def test_a_step_gets_all_of_it_at_once_where_it_has_too_little(self) -> None:
        self.watch()
        self.fill(ENOUGH)
        self.assertEqual(self.space().give_back(), [])
        self.fill(MIB)
        self.assertEqual(self.space().give_back(), ["/ had 1 MiB left: 256 MiB that were set aside are given back"])
        self.assertEqual(parts_of(self.reserve), [])

    def test_a_nearly_full_disk_is_told_of_once_an_hour_before_it_is_full(self) -> None:
        self.fill(300 * MIB)
        for _ in range(5):
            self.watch()
        self.assertEqual(len(self.said), 1)
        self.assertRegex(self.said[0], r"^4 93% of the disk / are used, 300 MiB are free\. The largest: /srv/shop")
        self.watch(3600)
        self.assertEqual(len(self.said), 2)

    def test_so_is_one_with_few_inodes(self) -> None:
        self.disk.free_inodes = 50
        self.watch()
        self.assertRegex(self.said[1], r"^4 95% of the inodes of the disk / are used")

    def test_nothing_of_it_is_left_when_it_is_dropped(self) -> None:
        self.watch()
        self.space().drop()
        self.assertFalse(self.reserve.exists())
