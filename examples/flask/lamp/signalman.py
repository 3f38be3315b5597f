"""The queue, in Redis, and what the worker does with what is in it."""

import time
from functools import cache

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, Worker

from lamp import messages, settings
from lamp.morse import encode

QUEUE = "lamp"


@cache
def redis():
    # A visitor waits a second for Redis, not longer.
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    )


def queue():
    return Queue(QUEUE, connection=redis())


def give(message):
    """Puts a message into the queue; to do it twice does no harm."""
    queue().enqueue(send, message, result_ttl=0, failure_ttl=86_400)


def send(message):
    """Runs in the worker."""
    text = messages.text_of(message)
    if text is None:
        return
    morse = encode(text)
    # A lamp has its own pace: a long message takes a few seconds.
    time.sleep(min(len(morse) * 0.03, 5))
    messages.sent(message, morse)


def on_watch():
    """How many workers there are, and how many messages wait for them."""
    return Worker.count(queue=queue()), queue().count
