"""How the queue is, for the page. Those who work note it in Redis, where the queue is, too."""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from celery.signals import after_task_publish, task_postrun, task_prerun
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import RedisError

from crew.tasks import make_preview, take_stock
from logbook.parts import redis_client

log = logging.getLogger(__name__)
notes = "logbook:crew"
names = {make_preview.name: "a preview of a photo", take_stock.name: "taking stock"}


@dataclass(frozen=True)
class Queue:
    # Not begun, or not finished.
    waiting: int
    done: int
    failed: int
    # The last task that a worker finished; None before the first.
    last: str | None
    last_at: datetime | None
    last_seconds: float | None
    # When beat last asked for what it asks for each minute; None before the first time.
    tick_at: datetime | None


def look():
    """None while Redis is away; never raises."""
    try:
        redis = redis_client().pipeline(transaction=False)
        redis.llen(settings.CELERY_TASK_DEFAULT_QUEUE).hlen("unacked").hgetall(notes)
        queued, begun, raw = redis.execute()
    except (RedisError, OSError) as error:
        log.error("queue: %s", error)
        return None
    noted = {key.decode(): value.decode() for key, value in raw.items()}
    seconds = noted.get("last_seconds")
    return Queue(
        waiting=queued + begun,
        done=int(noted.get("done", 0)),
        failed=int(noted.get("failed", 0)),
        last=names.get(noted.get("last"), noted.get("last")),
        last_at=moment(noted.get("last_at")),
        last_seconds=None if seconds is None else float(seconds),
        tick_at=moment(noted.get("tick_at")),
    )


def ask_for_preview(entry):
    """While the queue is away the entry is in the book all the same, and taking stock finds its photo later."""
    try:
        make_preview.delay(entry.pk)
    except (OperationalError, RedisError, OSError) as error:
        log.error("queue: %s", error)


def moment(text):
    return None if text is None else datetime.fromtimestamp(float(text), UTC)


@task_prerun.connect
def note_begin(task=None, **_):
    task.request.began = time.perf_counter()


@task_postrun.connect
def note_end(task=None, state=None, **_):
    seconds = time.perf_counter() - task.request.began
    # A task that will be tried again is not finished.
    if state != "RETRY":
        run = {"last": task.name, "last_at": time.time(), "last_seconds": seconds}
        note(run, count="done" if state == "SUCCESS" else "failed")


@after_task_publish.connect(sender=take_stock.name)
def note_tick(**_):
    note({"tick_at": time.time()})


def note(fields, count=None):
    try:
        redis = redis_client().pipeline()
        redis.hset(notes, mapping=fields)
        if count is not None:
            redis.hincrby(notes, count)
        redis.execute()
    except (RedisError, OSError) as error:
        log.error("queue: %s", error)
