"""The parts the signal lamp stands on, each asked at the moment it is shown. None of these functions raises."""

import logging
import time
from dataclasses import dataclass

from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from lamp import messages, signalman

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    key: str
    name: str
    well: bool
    # One line for the page, for anyone to read: no address, no user name, no error text.
    facts: str


def postgres():
    def ask():
        with messages.engine().connect() as connection:
            return f"version {connection.scalar(text('SHOW server_version')).split()[0]}"

    return asked("postgres", "PostgreSQL", ask, SQLAlchemyError, "The database does not answer.")


def redis():
    def ask():
        return f"version {signalman.redis().info('server')['redis_version']}"

    return asked("redis", "Redis", ask, RedisError, "The queue does not answer; messages wait in the database.")


def worker():
    """Is anyone there to work? A page is served all the same, so the health path does not ask."""
    try:
        workers, waiting = signalman.on_watch()
    except (RedisError, OSError):
        workers, waiting = 0, 0
    watch = "nobody is on watch" if workers == 0 else f"{workers} on watch"
    return Part("worker", "Signalman", workers > 0, f"{watch}, {waiting} message{'' if waiting == 1 else 's'} waiting")


def asked(key, name, ask, fault, trouble):
    started = time.perf_counter()
    try:
        facts = ask()
    except (fault, OSError) as error:
        # The reason goes to the log only: the page and the health answer are public.
        log.error("%s: %s", name, error)
        return Part(key, name, False, trouble)
    return Part(key, name, True, f"{facts}, answered in {(time.perf_counter() - started) * 1000:.1f} ms")
