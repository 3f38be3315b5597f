"""Berth: lets a Celery worker take no more tasks, before it is told to end: celery_drain.py COMMAND-FILE

A worker that is told to end forgets the tasks that it has just handed to one of its processes: that process runs them,
and the broker hands them out once more (celery.concurrency.asynpool, AsynPool.flush). So it first stops consuming; what
it has reserved is begun within seconds, or, where its tasks take longer, there is hardly a moment in which it hands one
over. See https://docs.celeryq.dev/en/stable/userguide/workers.html#queues-cancel-consumer.
"""

import os
import re
import sys
import time

# Should the unit's memory not do for this as well, this is to be ended, and not the worker; see proc_pid_oom_score_adj(5).
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("1000")

from celery.app.utils import find_app  # noqa: E402

patience = 10  # Seconds until it is told to end all the same.
answer = {"timeout": 2, "limit": 1}


def main() -> None:
    if "MAINPID" not in os.environ:  # It has ended by itself; see ExecStop= in systemd.service(5).
        return
    with open(sys.argv[1]) as file:
        named = re.search(r"\s(?:-A|--app)[\s=]*[\"']*([\w.:]+)", file.read())
    sys.path.insert(0, os.getcwd())
    app = find_app(named[1] if named else os.environ["APP"])
    node = name_of(app, int(os.environ["MAINPID"]))
    if node is None:
        sys.exit("berth: this worker does not answer, and is told to end at once")
    worker = app.control.inspect([node], **answer)
    for queue in (worker.active_queues() or {}).get(node, []):
        app.control.cancel_consumer(queue["name"], destination=[node], reply=True, **answer)
    end = time.monotonic() + patience
    while time.monotonic() < end and (worker.reserved() or {}).get(node):
        time.sleep(0.1)


def name_of(app, pid: int) -> str | None:
    """The name under which the worker with this process id answers: the unit's, unless its command gives another."""
    for asked in ([os.environ["CELERY_WORKER_HOSTNAME"]], None):
        inspect = app.control.inspect(asked, timeout=2, limit=asked and 1)
        for node, stats in (inspect.stats() or {}).items():
            if stats.get("pid") == pid:
                return node
    return None


main()
