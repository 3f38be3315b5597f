"""What huey does."""

import os
import subprocess

from django.conf import settings
from huey.contrib.djhuey import db_task

from workbench.tasks.models import Solution, Task

# A solution has this long, in seconds.
PATIENCE = 20


def git(*words):
    subprocess.run(["git", *words], check=True, capture_output=True, text=True, timeout=120)


@db_task()
def fetch_tasks():
    """Each folder of the repository with a file task.md is a task."""
    place = settings.GIT_ROOT
    if place.exists():
        git("-C", str(place), "fetch", "--quiet", "origin")
        git("-C", str(place), "reset", "--quiet", "--hard", "origin/HEAD")
    else:
        git("clone", "--quiet", settings.GIT_URL, str(place))
    for text in sorted(place.glob("*/task.md")):
        Task.objects.update_or_create(name=text.parent.name, defaults={"text": text.read_text()})


@db_task()
def check(number):
    """Runs a solution in a container of its own, which has nothing but its check, and is gone afterwards."""
    solution = Solution.objects.select_related("task").get(pk=number)
    folder = settings.GIT_ROOT / solution.task.name
    shut_in = ["--network=none", "--read-only", "--tmpfs=/tmp:size=16m,mode=1777", "--cap-drop=ALL"]
    # It reads its check, which is huey's.
    account = f"--user={os.getuid()}:{os.getgid()}"
    command = ["docker", "run", "--rm", "--interactive", f"--name=solution-{number}", *shut_in, account]
    mounted = f"--mount=type=bind,source={folder},target=/task,readonly"
    with solution.file.open() as code:
        try:
            done = subprocess.run(
                [*command, mounted, settings.RUNNER_IMAGE, "sh", "/task/check.sh"],
                stdin=code,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE,
                check=False,
            )
            solution.state = "right" if done.returncode == 0 else "wrong"
            solution.output = done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired:
            subprocess.run(["docker", "kill", f"solution-{number}"], check=False, capture_output=True, timeout=60)
            solution.state, solution.output = "wrong", f"it took longer than {PATIENCE} s"
    solution.save(update_fields=["state", "output"])
