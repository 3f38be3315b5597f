"""How long the next task of each queue in Redis has waited. What a task is about is not kept and not told."""

import contextlib
import dataclasses
import datetime
import hashlib
import itertools
import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, TypeAlias, cast

from host_status.finding import Finding
from host_status.reading import PATIENCE, Host, Unknown
from host_status.told import Told
from host_status.words import counted, long

PART = "queues"
PORT = 6379
# So much is looked through in each database, so many keys at a time: results of tasks are keys as well.
SCANS, EACH = 200, 1000
# Between the name of a queue of Celery and the priority of its tasks: https://docs.celeryq.dev/en/stable/userguide/routing.html
SEPARATOR = b"\x06\x16"
PRIORITIES = (b"", *(SEPARATOR + priority for priority in (b"3", b"6", b"9")))
# What is longer, or more, is no queue that somebody looks after; and none may take the memory that all notices need.
LONGEST, MOST, MOST_QUEUES = 1 << 20, 10_000, 100
# What workers of Celery answer and tell each other.
NOT_TASKS = (b"celery.pidbox", b"celeryev")
BINDING, OF_RQ, OF_HUEY = b"_kombu.binding.", b"rq:queues", b"huey.redis."

Answer: TypeAlias = "bytes | int | list[Answer] | None"


@dataclasses.dataclass(frozen=True)
class Queue:
    # 'Celery', 'RQ' or 'huey', and the name that it has there.
    of: str
    name: str
    length: int
    # By what the next task is known again.
    next: str
    # When it was put there, in seconds since 1970. RQ keeps that; messages of Celery and huey have no time.
    since: float | None = None

    @property
    def key(self) -> str:
        return f"{self.of} {self.name}"


class Refused(Unknown):
    """An answer that is an error: the connection goes on."""


class Redis:
    """Root's own login: see components/redis/users.sh."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def ask(self, *words: bytes | str | int) -> Answer:
        sent = [word if isinstance(word, bytes) else f"{word}".encode() for word in words]
        text = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in sent)
        self._stream.write(b"*%d\r\n%b" % (len(sent), text))
        self._stream.flush()
        return self._answer()

    def _answer(self) -> Answer:
        line = self._stream.readline()
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"+":
                return rest
            case b":":
                return int(rest)
            case b"$":
                return None if rest == b"-1" else self._stream.read(_bounded(rest, LONGEST) + 2)[:-2]
            case b"*":
                return None if rest == b"-1" else [self._answer() for _ in range(_bounded(rest, MOST))]
            case b"-":
                raise Refused(rest.decode(errors="replace"))
        raise Unknown(rest.decode(errors="replace") or "the connection was ended")


def queues_of(host: Host, port: int = PORT) -> list[Queue]:
    """Those of the server on this host; none where there is none."""
    own = next((one for one in ("redis", "valkey") if host.path(f"etc/berth/{one}/own-password").exists()), None)
    if own is None:
        return []
    try:
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as connection,
            connection.makefile("rwb") as stream,
        ):
            redis = Redis(cast("BinaryIO", stream))
            redis.ask("AUTH", "berth", host.text(f"etc/berth/{own}/own-password").strip())
            return list(_all(redis))
    except (OSError, ValueError) as fault:
        raise Unknown(f"127.0.0.1:{port}: {fault}") from fault


def _all(redis: Redis) -> Iterator[Queue]:
    for line in _bytes(redis.ask("INFO", "keyspace")).splitlines():
        if not line.startswith(b"db"):
            continue
        database = line[2:].split(b":")[0]
        redis.ask("SELECT", database)
        where = "" if database == b"0" else f" in database {database.decode()}"
        for of, key, name, at in itertools.islice(_named(redis), MOST_QUEUES):
            # A key of another kind than its name says is no queue.
            with contextlib.suppress(Refused):
                yield from _queue(redis, of, key, f"{_text(name)}{where}", at)


def _named(redis: Redis) -> Iterator[tuple[str, bytes, bytes, int]]:
    """Of each list: whose it is, its key, its name, and at which end its next task is."""
    keys = _keys(redis)
    # The members of a binding are 'routing key, pattern, queue'.
    bound = {
        _bytes(member).split(SEPARATOR)[-1]
        for key in keys
        if key.startswith(BINDING)
        for member in _list(redis.ask("SMEMBERS", key))
    }
    for name in sorted(bound):
        if not any(word in name for word in NOT_TASKS):
            for priority in PRIORITIES:
                if name + priority in keys:
                    yield "Celery", name + priority, name + priority.replace(SEPARATOR, b" of priority "), -1
    if OF_RQ in keys:
        for member in sorted(_bytes(one) for one in _list(redis.ask("SMEMBERS", OF_RQ))):
            yield "RQ", member, member.removeprefix(b"rq:queue:"), 0
    for key in sorted(one for one in keys if one.startswith(OF_HUEY)):
        yield "huey", key, key.removeprefix(OF_HUEY), -1


def _keys(redis: Redis) -> set[bytes]:
    """All lists, and the sets that name some of them."""
    found: set[bytes] = set()
    for kind in ("list", "set"):
        cursor = b"0"
        for _ in range(SCANS):
            answer = _list(redis.ask("SCAN", cursor, "COUNT", EACH, "TYPE", kind))
            cursor = _bytes(answer[0])
            found.update(_bytes(key) for key in _list(answer[1]))
            if cursor == b"0":
                break
    return found


def _queue(redis: Redis, of: str, key: bytes, name: str, at: int) -> Iterator[Queue]:
    length, task = redis.ask("LLEN", key), redis.ask("LINDEX", key, at)
    if not isinstance(length, int) or task is None:
        return
    since = _time(redis.ask("HGET", b"rq:job:" + _bytes(task), "enqueued_at")) if of == "RQ" else None
    yield Queue(of, name, length, hashlib.sha256(_bytes(task)).hexdigest(), since)


def _bounded(length: bytes, most: int) -> int:
    if int(length) > most:
        raise Unknown(f"an answer of {int(length)}, where {most} at most was expected")
    return int(length)


def _time(said: Answer) -> float | None:
    try:
        time = datetime.datetime.fromisoformat(_bytes(said).decode())
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or datetime.UTC).timestamp()


def _bytes(answer: Answer) -> bytes:
    return answer if isinstance(answer, bytes) else b""


def _list(answer: Answer) -> list[Answer]:
    return answer if isinstance(answer, list) else []


def _text(name: bytes) -> str:
    return "".join(one if one.isprintable() else "?" for one in name.decode(errors="replace"))[:80]


def judge_queues(
    queues: Iterable[Queue], seen: Mapping[str, list[str | float]], told: Told, now: float, minutes: int
) -> tuple[list[Finding], dict[str, list[str | float]]]:
    """What has waited for too long, and since when each next task is seen.

    :param seen: the same of the last look: by which each next task was known, and since when it was there
    """
    after: dict[str, list[str | float]] = {}
    found = []
    for one in queues:
        last, was = seen.get(one.key, ["", now])
        # Without a time of its own, a task has waited at least since it was seen to be the next one.
        since = one.since if one.since is not None else float(was) if last == one.next else now
        after[one.key] = [one.next, since]
        if now - since >= minutes * 60:
            what = f"the next task in {one.of}'s queue {one.name} has waited for {long(now - since)}"
            waiting = f"{what}; {counted(one.length, 'task')} in it"
            found.append(Finding("warning", "queue-old", waiting, told.typed("status"), about=one.key, part=PART))
    return found, after
