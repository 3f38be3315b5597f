"""A task that writes down that it has begun, works for a while, and writes down that it has ended."""

import os
import time

import psycopg
from celery import Celery

celery = Celery("tasks", broker=os.environ["REDIS_URL"])


def connect():
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


@celery.task
def work(name, seconds):
    with connect() as database:
        run = database.execute("INSERT INTO runs (name) VALUES (%s) RETURNING id", (name,)).fetchone()
        time.sleep(seconds)
        database.execute("UPDATE runs SET ended = now() WHERE id = %s", run)
