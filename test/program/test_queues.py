"""How long tasks wait in the queues of Redis, and what is told of it."""

import contextlib
import socketserver
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

from host_status.reading import Host, Unknown
from host_status.told import Told
from notices.queues import Queue, judge_queues, queues_of

NOW = 1_800_000_000.0
TOLD = Told("shop", "https", "shop.example.org", "/health", flag=" -s prod")
CELERY = b"celery\x06\x16\x06\x16celery"
REPLIES = b"a\x06\x16\x06\x16a.reply.celery.pidbox"


class FakeRedis(socketserver.ThreadingTCPServer):
    """As Redis answers to these commands (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, databases: dict[int, dict[bytes, Any]]) -> None:
        self.databases, self.asked = databases, list[list[bytes]]()
        super().__init__(("127.0.0.1", 0), _Client)


class _Client(socketserver.StreamRequestHandler):
    server: FakeRedis
    database = 0

    def handle(self) -> None:
        # Who is told too much goes away.
        with contextlib.suppress(ConnectionError):
            while line := self.rfile.readline():
                words = []
                for _ in range(int(line[1:])):
                    length = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(length + 2)[:-2])
                self.server.asked.append(words)
                self.wfile.write(self.answer(*words))

    def answer(self, command: bytes, *words: bytes) -> bytes:
        keys = self.server.databases.get(self.database, {})
        match command:
            case b"AUTH":
                return b"+OK\r\n" if words[1] == b"own" else b"-WRONGPASS invalid username-password pair\r\n"
            case b"INFO":
                lines = [f"db{one}:keys=1,expires=0\r\n" for one in self.server.databases]
                return _encoded("".join(["# Keyspace\r\n", *lines]).encode())
            case b"SELECT":
                self.database = int(words[0])
                return b"+OK\r\n"
            case b"SCAN":
                # In two answers, as a large one comes.
                of = {b"list": list, b"set": set}[words[-1]]
                found = sorted(key for key, value in keys.items() if isinstance(value, of))
                half = len(found) // 2
                return _encoded([b"0", found[half:]] if words[0] == b"7" else [b"7", found[:half]])
            case b"SMEMBERS":
                return _encoded(sorted(keys[words[0]]))
            case b"LLEN":
                if not isinstance(keys.get(words[0], []), list):
                    return b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
                return b":%d\r\n" % len(keys.get(words[0], []))
            case b"LINDEX":
                return _encoded(keys[words[0]][int(words[1])])
            case b"HGET":
                return _encoded(keys.get(words[0], {}).get(words[1]))
        return b"-NOPERM this user has no permissions\r\n"


def _encoded(value: Any) -> bytes:
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    return b"*%d\r\n%b" % (len(value), b"".join(_encoded(one) for one in value))


class OfQueues(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def queues(self, databases: dict[int, dict[bytes, Any]], said: str = "own\n") -> list[Queue]:
        place = self.root / "etc/berth/valkey/own-password"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(said)
        with FakeRedis(databases) as server:
            self.server = server
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                return queues_of(Host(self.root), server.server_address[1])
            finally:
                server.shutdown()

    def test_a_host_without_redis_has_none(self) -> None:
        self.assertEqual(queues_of(Host(self.root)), [])

    def test_a_key_of_another_kind_hides_no_other_queue(self) -> None:
        keys = {b"rq:queues": {b"rq:queue:a", b"rq:queue:b"}, b"rq:queue:a": {b"hash": b"x"}, b"rq:queue:b": [b"job"]}
        self.assertEqual([one.name for one in self.queues({0: keys})], ["b"])

    def test_what_an_application_puts_there_takes_no_memory_that_other_notices_need(self) -> None:
        for keys in (
            {b"rq:queues": {b"rq:queue:%d" % number for number in range(10_001)}},
            {b"huey.redis.a": [b"x" * ((1 << 20) + 1)]},
        ):
            with self.assertRaisesRegex(Unknown, "an answer of 10+[0-9]+, where [0-9]+ at most was expected"):
                self.queues({0: keys})

    def test_celerys_next_task_is_the_last_of_its_list_and_answers_of_workers_are_no_tasks(self) -> None:
        keys = {
            b"_kombu.binding.celery": {CELERY},
            b"_kombu.binding.reply.celery.pidbox": {REPLIES},
            b"celery": [b"third", b"second", b"first"],
            b"celery\x06\x163": [b"later"],
            b"a.reply.celery.pidbox": [b"answer"],
            b"a-list-of-the-application": [b"x"],
        }
        [plain, later] = self.queues({0: keys})
        self.assertEqual((plain.of, plain.name, plain.length, plain.since), ("Celery", "celery", 3, None))
        self.assertEqual((later.name, later.length), ("celery of priority 3", 1))
        [other, _] = self.queues({0: {**keys, b"celery": [b"fourth", b"third", b"second"]}})
        self.assertNotEqual(other.next, plain.next)
        [same, _] = self.queues({0: {**keys, b"celery": [b"more", b"first"]}})
        self.assertEqual(same.next, plain.next)

    def test_rq_keeps_when_a_job_was_put_there(self) -> None:
        job = {b"enqueued_at": b"2027-01-15T08:00:00.500000Z", b"data": b"what nobody asks for"}
        keys = {b"rq:queues": {b"rq:queue:mail"}, b"rq:queue:mail": [b"one", b"two"], b"rq:job:one": job}
        [queue] = self.queues({1: keys})
        self.assertEqual((queue.key, queue.length, queue.since), ("RQ mail in database 1", 2, NOW + 0.5))
        self.assertNotIn(b"data", [word for words in self.server.asked for word in words])
        [unknown] = self.queues({1: {**keys, b"rq:job:one": {}}})
        self.assertIsNone(unknown.since)

    def test_hueys_queue_is_found_by_its_name_and_not_what_it_keeps_beside(self) -> None:
        keys = {b"huey.redis.shop": [b"pickled"], b"huey.results.shop": {b"x"}, b"empty": []}
        self.assertEqual([one.key for one in self.queues({0: keys})], ["huey shop"])

    def test_what_redis_does_not_allow_is_said(self) -> None:
        with self.assertRaisesRegex(Unknown, "^WRONGPASS"):
            self.queues({}, "another")
        place = self.root / "etc/berth/valkey/own-password"
        self.assertTrue(place.exists())
        with self.assertRaisesRegex(Unknown, "^127.0.0.1:1: "):
            queues_of(Host(self.root), 1)


class OfJudging(unittest.TestCase):
    def test_without_a_time_a_task_waits_since_it_was_seen_to_be_the_next_one(self) -> None:
        queue = Queue("Celery", "celery", 3, "a")
        found, seen = judge_queues([queue], {}, TOLD, NOW, 15)
        self.assertEqual((found, seen), ([], {"Celery celery": ["a", NOW]}))
        found, seen = judge_queues([queue], seen, TOLD, NOW + 899, 15)
        self.assertEqual(found, [])
        [one], seen = judge_queues([queue], seen, TOLD, NOW + 900, 15)
        self.assertEqual((one.code, one.about, one.part), ("queue-old", "Celery celery", "queues"))
        self.assertRegex(one.what, r"^the next task in Celery's queue celery has waited for 15 min.*; 3 tasks in it$")

    def test_a_queue_that_goes_on_is_not_told_nor_is_one_that_was_empty(self) -> None:
        seen: dict[str, list[str | float]] = {"Celery celery": ["a", NOW]}
        found, after = judge_queues([Queue("Celery", "celery", 3, "b")], seen, TOLD, NOW + 900, 15)
        self.assertEqual((found, after), ([], {"Celery celery": ["b", NOW + 900]}))
        found, after = judge_queues([], seen, TOLD, NOW + 900, 15)
        self.assertEqual((found, after), ([], {}))

    def test_a_time_of_its_own_counts_at_once(self) -> None:
        old = Queue("RQ", "mail", 1, "a", NOW - 60)
        self.assertEqual([one.about for one in judge_queues([old], {}, TOLD, NOW, 1)[0]], ["RQ mail"])
        self.assertEqual(judge_queues([old], {}, TOLD, NOW, 2)[0], [])


if __name__ == "__main__":
    unittest.main()
