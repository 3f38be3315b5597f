"""What is gunicorn's own of a release: the class of its workers, and a settings file that the project has."""

import ast
import re
from collections.abc import Mapping

from .context import Context
from .facts import Prepare
from .faults import Stop
from .records import Release
from .world import Command

# What gunicorn reads by itself, where nothing else is named.
PROJECT = "gunicorn.conf.py"
# Of a class of the project's own only its package is looked for: its code may want settings, and there are none yet.
_LOAD = """
import importlib.util, sys
name = sys.argv[1]
if "." in name:
    sys.exit(importlib.util.find_spec(name.split(".")[0]) is None)
from gunicorn.util import load_class
load_class(name)
"""


def check_worker_class(context: Context, facts: Prepare, release: Release, values: Mapping[str, str]) -> None:
    """Refuses a class of workers that the release's environment does not have: nothing would start."""
    name = facts.worker_class
    if name is None or release.server != "gunicorn":
        return
    directory = context.place.release(release.id)
    paths = {"PYTHONPATH": values["PYTHONPATH"]} if "PYTHONPATH" in values else {}
    load = Command([f"{directory}/.venv/bin/python", "-c", _LOAD, name], context.place.owner, directory, paths)
    status, lines = context.runner.run_and_keep(load)
    if status == 0:
        return
    # gevent's may miss another package than gevent.
    missing = re.findall(r"No module named '([\w.]+)'", "\n".join(lines))
    wanted = missing[-1] if missing else name.split(".")[0]
    todo = f"Add {wanted} to the application's requirements, or take app.workerClass out."
    if name == "eventlet":
        todo += " With eventlet comes a gunicorn below 26: later ones have no such workers."
    raise Stop(f"the release cannot load the class '{name}' of gunicorn's workers (app.workerClass).", todo)


def tell_overruled(context: Context, text: str | None) -> None:
    """Says what of the project's settings file does not count, and what does."""
    settings = context.place.config / "gunicorn.py"
    if text is None or not settings.exists():
        return
    given = assigned(text)
    for decides, names in _overruled(settings.read_text()).items():
        for name in names.split():
            if name in given:
                context.voice.say(f"the source's {PROJECT} is read, but its '{name}' does not count: {decides} decides")


def _overruled(text: str) -> dict[str, str]:
    """The table in Berth's own settings file."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OVERRULED":
            return {f"{decides}": f"{names}" for decides, names in ast.literal_eval(node.value).items()}
    return {}


def assigned(text: str) -> set[str]:
    """The names that a Python file gives a value, found without running it: it may want settings."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        # gunicorn says it, by the Python that the file is for.
        return set()
    found = _Names()
    found.visit(tree)
    return found.names


class _Names(ast.NodeVisitor):
    """Those of a module itself, not of its functions and classes."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.names.add(node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass
