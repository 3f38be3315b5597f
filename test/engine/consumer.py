"""Runs a Python program under the real engine, which asks this process instead of a language host for Python.

consumer.py up|preview FOLDER STACK
"""

from __future__ import annotations

import os
import runpy
import sys

from pulumi import automation

operation, folder, name = sys.argv[1:]


def program() -> None:
    runpy.run_path(os.path.join(folder, "__main__.py"), run_name="__main__")


workspace = automation.LocalWorkspaceOptions(work_dir=folder)
stack = automation.create_or_select_stack(name, project_name="shop-watch", program=program, opts=workspace)
try:
    getattr(stack, operation)(on_output=print)
except automation.CommandError as error:
    sys.exit(str(error))
