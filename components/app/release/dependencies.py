"""The dependencies of a release: in an environment that releases share which ask for the same."""

import hashlib
import json
import posixpath
import re
import tomllib

from . import advice, groups
from .context import Context
from .facts import Prepare
from .faults import Stop
from .source import Source, Tree
from .uv import HOST_PYTHON, Uv

CANDIDATES = ("uv.lock", "poetry.lock", "requirements.txt", "pyproject.toml")
_LOCKS = ("uv.lock", "poetry.lock")
_ABOVE = "Its last lines are above; nothing that runs was changed."
# Whether a lock file names code of the source, which another release has in another way.
_OF_SOURCE = {
    "uv.lock": r'^source = \{ ((editable|directory|path) = "[^"]*[^".]|registry = "(?!https?://))',
    "poetry.lock": r'^type = "(directory|file)"',
}
# The lines of a requirements file that say by themselves what is installed: names of an index, and where that is.
_OF_AN_INDEX = (
    r"(?!.*\.(whl|zip|tar\.[a-z0-9]+|tgz)\b)[A-Za-z0-9][\w.-]*\s*(\[[^]]*\])?\s*([=<>!~(][^/]*)?(;.*)?"
    r"|(-i|--index-url|--extra-index-url)[=\s]\s*https?://\S+"
    r"|--(require-hashes|pre|prefer-binary|(only|no)-binary[=\s].*|trusted-host[=\s].*)"
)

# Those that uvicorn can read WebSockets with.
_WEBSOCKETS = {"websockets", "wsproto"}


def files_to_read(requirements: str | None) -> list[str]:
    """What the source says of its dependencies and of its Python, by all names that it may have."""
    if requirements is None:
        return [*CANDIDATES, ".python-version"]
    folder = posixpath.dirname(requirements)
    return [requirements, *(posixpath.join(folder, name) for name in ("pyproject.toml", ".python-version"))]


class Dependencies:
    def __init__(self, context: Context, facts: Prepare, source: Source, uv: Uv) -> None:
        self._context = context
        self._facts = facts
        self._source = source
        self._uv = uv
        self._venv = ""
        self._version = ""

    def install(self, tree: Tree) -> bool:
        """Whether anything was installed."""
        context = self._context
        file = self._file(tree)
        self._uv.open()
        interpreter, version = self._uv.interpreter()
        self._check_python(file, version, tree)
        self._check_groups(file, tree)
        venv = context.place.venvs / self._digest(file, interpreter, tree)
        self._venv = context.place.told(venv)
        # By its own path: what is written into scripts must hold when this release is gone.
        context.runner.run(self._source.as_owner("ln", "-sfn", self._venv, ".venv"))
        if context.ledger.has_environment(venv.name) and (venv / "bin/python").exists():
            context.voice.say(f"the dependencies of {file} are the same as in an earlier release")
            return False
        context.voice.say(f"installing the dependencies of {file}")
        self._uv.keep_within_bounds(self._venv)
        context.files.discard(venv, context.place.gone)
        context.files.directory(venv, f"{context.place.owner}:{context.place.name}", 0o2750)
        make = ["venv", "--quiet", "--allow-existing", "--no-project", "--python", interpreter, self._venv]
        if context.runner.run(self._uv.as_owner(self._venv, *make)) != 0:
            raise Stop("the environment for the dependencies cannot be made.", _ABOVE)
        self._version = version
        self._install(file, version, tree)
        if not (venv / "bin" / self._facts.server).exists():
            self._install_server()
        elif self._facts.server == "uvicorn" and not self._there() & _WEBSOCKETS:
            context.voice.say(
                "the application's uvicorn has no library for WebSockets, so they are refused: add websockets to its "
                "dependencies, or take uvicorn out, so that Berth brings both"
            )
        # Every account may write uv's own locks.
        context.runner.run(self._source.as_owner("rm", "-f", f"{self._venv}/.lock"))
        context.world.sync(venv)
        context.ledger.keep_environment(venv.name)
        return True

    def _file(self, tree: Tree) -> str:
        wanted = self._facts.requirements
        if wanted is None:
            found = next((one for one in CANDIDATES if tree.texts[one] is not None), None)
            if found is None:
                raise Stop(
                    "the source names no dependencies: "
                    "there is no uv.lock, poetry.lock, requirements.txt or pyproject.toml.",
                    "Name the file with app.requirements.",
                )
            return found
        if tree.texts[wanted] is None:
            raise Stop(f"the source has no file '{wanted}' (app.requirements).")
        return wanted

    def _check_python(self, file: str, version: str, tree: Tree) -> None:
        """What the project says of its Python, before anything is installed."""
        asked = "requires-python" in (_beside(tree, file, "pyproject.toml") or "")
        if not asked and _beside(tree, file, ".python-version") is None:
            return
        program = f"{self._context.place.library}/program/release/application/python_asked.py"
        ask = [HOST_PYTHON, "-I", program, posixpath.dirname(file) or ".", version, self._facts.python or ""]
        for line in self._context.runner.lines_of(self._source.as_owner(*ask)):
            raise _misfit(line, version)

    def _check_groups(self, file: str, tree: Tree) -> None:
        text = _beside(tree, file, "pyproject.toml") or ""
        groups.check(file, posixpath.basename(file), text, self._facts.groups, self._facts.extras)

    def _digest(self, file: str, interpreter: str, tree: Tree) -> str:
        """Names the environment of what this file asks for: releases that ask for the same share it."""
        name, text = posixpath.basename(file), tree.texts[file] or ""
        parts = [*self._uv.digest_parts(interpreter), name, text]
        if name in _LOCKS:
            parts.append(_beside(tree, file, "pyproject.toml") or "")
        if self._facts.build.env:
            parts.append(json.dumps(self._facts.build.env, sort_keys=True))
        if self._facts.groups or self._facts.extras:
            parts.append(json.dumps([self._facts.groups, self._facts.extras]))
        if not says_all(name, text):
            parts.append(self._facts.release)
        return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]

    def _install(self, file: str, version: str, tree: Tree) -> None:
        name, text = posixpath.basename(file), tree.texts[file] or ""
        if name in _LOCKS and _beside(tree, file, "pyproject.toml") is None:
            raise Stop(
                f"the source has no pyproject.toml beside {file}.",
                "Commit both; the lock file alone does not say what the application asks for.",
            )
        if name == "uv.lock":
            self._sync(file)
        elif name == "poetry.lock":
            self._export_poetry(file, version)
            self._pip("--require-hashes", "--requirement", f"{self._venv}/requirements.txt")
        elif name == "pyproject.toml":
            # What it needs, and not itself: an application is no library, and most have no build of their own.
            refuse_without_dependencies(file, text)
            self._pip("--requirement", file, *self._asked(group=f"{file}:"))
        else:
            has_hashes = re.search(r"(^|\s)--hash[=\s]", text) is not None
            self._pip(*(["--require-hashes"] if has_hashes else []), "--requirement", file)

    def _asked(self, group: str = "") -> list[str]:
        """Options of uv's for what the stack asks for beside the project's main dependencies.

        :param group: what its pip wants before the name of a group
        """
        names = [f"--group={group}{one}" for one in self._facts.groups]
        return names + [f"--extra={one}" for one in self._facts.extras]

    def _pip(self, *arguments: str) -> None:
        install = ["pip", "install", "--quiet", "--python", f"{self._venv}/bin/python", "--compile-bytecode"]
        self._run_uv([*install, *arguments], "uv could not install the application's dependencies.")

    def _run_uv(self, arguments: list[str], fault: str, todo: str = "") -> None:
        command = self._uv.as_owner(self._venv, *arguments)
        status, lines = self._context.runner.run_and_keep(command)
        if status != 0:
            told = advice.for_packages(lines, self._version) or todo
            raise Stop(fault, f"{_ABOVE} {told}".rstrip())

    def _sync(self, file: str) -> None:
        asked = "--quiet --frozen --no-install-project --no-editable --compile-bytecode".split()
        # What is left out wins over what is asked for.
        asked += self._asked() if groups.asks_for(self._facts.groups, "dev") else ["--no-dev", *self._asked()]
        where = ["--python", f"{self._venv}/bin/python", "--directory", self._folder(file)]
        self._run_uv(
            ["sync", *asked, *where],
            f"uv could not install what {file} pins.",
            "Where the file cannot be read, make it again with 'uv lock' and commit it.",
        )

    def _export_poetry(self, file: str, version: str) -> None:
        """What poetry.lock pins, with its hashes, as a requirements file. Poetry reads the lock and asks no index.

        That the release's Python is another than the project's shows in no error: nothing would be installed.
        """
        place = self._uv.tool("poetry")
        program = f"{self._context.place.library}/program/release/application/poetry_asked.py"
        ask = [f"{place}/bin/python", "-I", program, f"{self._folder(file)}/pyproject.toml", version]
        for line in self._context.runner.lines_of(self._source.as_owner(*ask)):
            raise _misfit(line, version)
        asked = "export --no-interaction --no-ansi --format requirements.txt".split()
        asked.append(f"--only={','.join(('main', *self._facts.groups))}")
        asked += [f"--extras={one}" for one in self._facts.extras]
        where = ["--directory", self._folder(file), "--output", f"{self._venv}/requirements.txt"]
        quiet = {"POETRY_VIRTUALENVS_CREATE": "false", "POETRY_KEYRING_ENABLED": "false"}
        export = self._source.as_owner(f"{place}/bin/poetry", *asked, *where, environment=quiet)
        if self._context.runner.run(export) != 0:
            raise Stop(
                f"poetry could not read {file}, or it does not fit its pyproject.toml.",
                "Its last lines are above. Make the file anew with 'poetry lock' and commit it; "
                "nothing that runs was changed.",
            )

    def _install_server(self) -> None:
        """Where the application does not bring it.

        What it needs in turn may be there, in the application's version.
        """
        there = self._there()
        # One library for WebSockets is enough.
        there |= _WEBSOCKETS if there & _WEBSOCKETS else set()
        pins = (self._uv.pins / f"{self._facts.server}.txt").read_text()
        wanted = self._context.place.ledger / "server.txt"
        self._context.files.put(wanted, without(pins, there))
        written = f"{self._venv}/server.txt"
        self._context.runner.run(self._source.as_owner("sh", "-c", 'cat >"$1"', "sh", written), stdin=wanted)
        self._context.files.remove(wanted)
        self._pip("--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement", written)

    def _there(self) -> set[str]:
        """The packages that the environment has."""
        freeze = self._uv.as_owner(self._venv, "pip", "freeze", "--python", f"{self._venv}/bin/python")
        return {re.split(r"[ =]", line)[0] for line in self._context.runner.lines_of(freeze)}

    def _folder(self, file: str) -> str:
        folder = posixpath.dirname(file)
        return f"{self._source.directory}/{folder}" if folder else f"{self._source.directory}"


def refuse_without_dependencies(file: str, text: str) -> None:
    """Many files of this name hold the settings of tools, and no more."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise Stop(f"{file} cannot be read: {fault}.") from fault
    project = told.get("project", {})
    is_dynamic = "dependencies" in project.get("dynamic", [])
    if not is_dynamic and "dependencies" not in project and "poetry" not in told.get("tool", {}):
        raise Stop(
            f"{file} names no dependencies: it has no 'dependencies' in [project].",
            "Name the file that has them with app.requirements; a Pipfile is not read ('pipenv requirements' "
            "makes a requirements.txt of its lock).",
        )


def without(pins: str, there: set[str]) -> str:
    """The pins of a requirements file without those of packages that are there; the hashes of each are below it."""
    kept: list[str] = []
    is_wanted = False
    for line in pins.splitlines():
        if line and not line.startswith(" "):
            is_wanted = not line.startswith("#") and line.split("==")[0] not in there
        if is_wanted:
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def _misfit(asked: str, version: str) -> Stop:
    """What the source asks of its Python is not what this release would run with."""
    short = ".".join(version.split(".")[:2])
    return Stop(
        f"the source's {asked}, and this release would run with Python {short}.",
        'Name a version that fits, such as app.python: "3.12"; where the host has none, Berth brings it.',
    )


def _beside(tree: Tree, file: str, name: str) -> str | None:
    return tree.texts.get(posixpath.join(posixpath.dirname(file), name))


def says_all(name: str, text: str) -> bool:
    """Whether a file alone says what is installed: it may name others, or code of the source."""
    if name in _OF_SOURCE:
        return re.search(_OF_SOURCE[name], text, re.MULTILINE) is None
    if name == "pyproject.toml":
        return False
    joined = re.sub(r"\\\n", " ", text)
    lines = (re.sub(r"(^|\s)(#|--hash[=\s]).*", "", line).strip() for line in joined.splitlines())
    return all(re.fullmatch(_OF_AN_INDEX, line) for line in lines if line)
