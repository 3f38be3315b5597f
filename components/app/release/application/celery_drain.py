"""Berth: lets a Celery worker take no more tasks, before it is told to end: celery_drain.py COMMAND-FILE

A worker that is told to end forgets the tasks that it has just handed to one of its processes: that process runs them,
and the broker hands them out once more (celery.concurrency.asynpool, AsynPool.flush). So it first stops consuming; what
it has reserved is begun within seconds, or, where its tasks take longer, there is hardly a moment in which it hands one
over. See https://docs.celeryq.dev/en/stable/userguide/workers.html#queues-cancel-consumer.
"""

import os
import shlex
import sys
import time

# Should the unit's memory not do for this as well, this is to be ended, and not the worker: proc_pid_oom_score_adj(5).
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("1000")

from celery.app.utils import find_app
from celery.utils.nodenames import default_nodename, host_format

patience = 10  # Seconds until it is told to end all the same.
answer = {"timeout": 2, "limit": 1}


def main() -> None:
    if "MAINPID" not in os.environ:  # It has ended by itself; see ExecStop= in systemd.service(5).
        return
    with open(sys.argv[1]) as file:
        options = options_of(file.read())
    sys.path.insert(0, os.getcwd())
    app = find_app(options.get("app") or os.environ["APP"])
    # As the worker's own command makes it of what it is given (celery.bin.worker).
    node = host_format(default_nodename(options.get("hostname") or os.environ["CELERY_WORKER_HOSTNAME"]))
    worker = app.control.inspect([node], **answer)
    if (worker.stats() or {}).get(node, {}).get("pid") != int(os.environ["MAINPID"]):
        sys.exit(f"berth: this worker does not answer as {node}, and is told to end at once")
    for queue in (worker.active_queues() or {}).get(node, []):
        app.control.cancel_consumer(queue["name"], destination=[node], reply=True, **answer)
    end = time.monotonic() + patience
    while time.monotonic() < end and (worker.reserved() or {}).get(node):
        time.sleep(0.1)


def options_of(command: str) -> dict[str, str]:
    """What the command names, which is 'exec bash -c COMMAND': the application, the worker, and where they are sought.

    A directory that the command changes to is changed to.
    """
    words = shlex.shlex(shlex.split(command)[-1], posix=True, punctuation_chars=True)
    words.whitespace_split = True
    options: dict[str, str] = {}
    word = ""
    for text in words:
        before, word = word, os.path.expandvars(text)
        if before in ("cd", "--workdir"):
            os.chdir(word)
        for name, (short, long) in {"app": ("-A", "--app"), "hostname": ("-n", "--hostname")}.items():
            if before in (short, long):
                options[name] = word
            elif word.startswith(f"{long}="):
                options[name] = word.removeprefix(f"{long}=")
        if word.startswith("--workdir="):
            os.chdir(word.removeprefix("--workdir="))
    return options


main()
