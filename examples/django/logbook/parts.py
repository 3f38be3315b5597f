"""The parts the log book stands on, each asked at the moment it is shown. None of these functions raises."""

import logging
import os
import shutil
import time
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import DatabaseError, connection
from django.template.defaultfilters import filesizeformat
from redis import ConnectionPool, Redis, RedisError

log = logging.getLogger(__name__)
style_sheet = "logbook/site.css"


@dataclass(frozen=True)
class Part:
    key: str
    name: str
    well: bool
    # One line for the page, for anyone to read: no address, no user name, no error text.
    facts: str
    # How long the answer took; None where nothing was asked over a socket.
    milliseconds: float | None = None


def postgres():
    """Logs in anew, within seconds: a connection kept open says nothing about the next visitor's."""
    started = time.perf_counter()
    try:
        with closing(connection.copy()) as fresh:
            fresh.settings_dict["OPTIONS"] = {
                **fresh.settings_dict["OPTIONS"],
                "connect_timeout": 2,
                "options": "-c statement_timeout=2000",
            }
            with fresh.cursor() as cursor:
                cursor.execute("SHOW server_version")
                version = cursor.fetchone()[0].split()[0]
    except (DatabaseError, OSError) as error:
        return failed("postgres", "PostgreSQL", "The database does not answer.", error)
    return Part("postgres", "PostgreSQL", True, f"version {version}", milliseconds_since(started))


def redis():
    started = time.perf_counter()
    try:
        version = redis_client().info("server")["redis_version"]
    except (RedisError, OSError) as error:
        return failed("redis", "Redis", "The cache does not answer; visits can’t be counted.", error)
    return Part("redis", "Redis", True, f"version {version}", milliseconds_since(started))


def media():
    return bucket() if settings.BUCKET_NAME else disk()


def bucket():
    """Within seconds, as the others; a visitor's upload waits longer."""
    # Loaded only where there is a bucket, as in settings.py.
    from botocore.exceptions import BotoCoreError, ClientError

    started = time.perf_counter()
    try:
        s3_client().list_objects_v2(Bucket=settings.BUCKET_NAME, MaxKeys=1)
    except (BotoCoreError, ClientError, OSError) as error:
        return failed("media", "Photo store", "The bucket does not answer; photos can’t be kept.", error)
    return Part("media", "Photo store", True, "in an S3 bucket", milliseconds_since(started))


def disk():
    """Writable, and how much room is left: what the next photo needs."""
    root = Path(settings.MEDIA_ROOT)
    # Django makes the folder at the first upload, in the nearest one there is.
    folder = next(path for path in (root, *root.parents) if path.exists())
    try:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} can't be written to by user id {os.geteuid()}")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return failed("media", "Photo store", "Photos can’t be kept.", error)
    return Part("media", "Photo store", True, f"on this host’s disk, {filesizeformat(free)} free")


def static_files():
    """On disk where nginx looks for them; whether they arrive, the page shows by its style."""
    if settings.DEBUG:
        found = finders.find(style_sheet) is not None
        return Part("static", "Static files", found, "from the development server")
    try:
        if not staticfiles_storage.exists(staticfiles_storage.stored_name(style_sheet)):
            raise FileNotFoundError(f"{style_sheet} is not in STATIC_ROOT; run collectstatic")
    except (ValueError, OSError) as error:
        return failed("static", "Static files", "The style sheet has not been collected.", error)
    count = len(getattr(staticfiles_storage, "hashed_files", ()))
    return Part("static", "Static files", True, f"{count} files, named by content" if count else "collected")


def failed(key, name, facts, error):
    """The reason goes to the log only: the page and the health answer are public."""
    log.error("%s: %s", name, error)
    return Part(key, name, False, facts)


def milliseconds_since(started):
    return (time.perf_counter() - started) * 1000


pool = None


def redis_client():
    """Redis itself rather than Django's cache, which has no way to ask for a version."""
    global pool
    if pool is None:
        pool = ConnectionPool.from_url(settings.REDIS_URL, **settings.REDIS_OPTIONS)
    return Redis(connection_pool=pool)


@cache
def s3_client():
    import boto3
    from botocore.config import Config

    patience = {"connect_timeout": 1, "read_timeout": 2, "retries": {"total_max_attempts": 1}}
    return boto3.client("s3", config=Config(**patience, **settings.S3_CLIENT))
