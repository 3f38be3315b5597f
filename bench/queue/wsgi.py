"""Queues what bench/workers.ts asks: POST with a line for each task, its name and its seconds."""

import tasks

VERSION = "0"


def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        for line in environ["wsgi.input"].read().decode().splitlines():
            name, seconds = line.split()
            tasks.work.delay(name, float(seconds))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
