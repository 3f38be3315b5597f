"""An application with a package.json gets what that asks for: its packages, and its build where it has one."""

import dataclasses
import json
import re
from collections.abc import Mapping

from . import advice
from .context import Context
from .faults import Stop
from .source import Source, Tree
from .uv import Uv

# By which lock file packages are pinned: the first that the source has, unless package.json names a manager.
LOCKS = {"package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn"}
FILES = ("package.json", *LOCKS)
# Its own directory as the owner of the code finds it: root goes into none that another account can change.
_THERE = 'cd -- "$1" && shift && exec "$@"'
_ABOVE = "Its last lines are above; nothing that runs was changed."
# By the lock files that they write, where package.json does not say it: pnpm's by their version.
_YARN_CLASSIC, _YARN = "1.22.22", "4.9.2"
_PNPM = {"5": "7.33.7", "6": "8.15.9", "9": "10.12.1"}


@dataclasses.dataclass(frozen=True)
class Manager:
    """npm, or what npm brings: pnpm or yarn, with its version."""

    name: str
    version: str = ""

    @property
    def _is_classic(self) -> bool:
        return self.name == "yarn" and self.version.startswith("1.")

    def install(self, *, is_build: bool) -> list[str]:
        """The arguments by which it installs what the lock file pins, and nothing else."""
        if self.name == "npm":
            return ["ci"] if is_build else ["ci", "--omit=dev"]
        if self.name == "pnpm":
            return ["install", "--frozen-lockfile", *([] if is_build else ["--prod"])]
        if self._is_classic:
            return ["install", "--frozen-lockfile", "--non-interactive", *([] if is_build else ["--production"])]
        return ["install", "--immutable"]

    def command(self, *arguments: str) -> list[str]:
        if self.name == "npm":
            return ["npm", *arguments]
        package = self.name if self.name == "pnpm" or self._is_classic else "@yarnpkg/cli-dist"
        return ["npm", "exec", "--yes", f"--package={package}@{self.version}", "--", self.name, *arguments]


def files(folder: str | None) -> list[str]:
    """What decides how the front end in this directory of a release is built."""
    return [] if folder is None else [_in(folder, file) for file in FILES]


def _in(folder: str, file: str) -> str:
    return file if folder == "." else f"{folder}/{file}"


def build(context: Context, source: Source, uv: Uv, tree: Tree, folder: str | None) -> bool:
    """Whether anything was built.

    :param folder: where its package.json is; None: nowhere
    """
    if folder is None:
        return False
    texts = {file: tree.texts[_in(folder, file)] for file in FILES}
    text = texts["package.json"]
    kind = _kind(text, _in(folder, "package.json"))
    if text is None and folder != ".":
        raise Stop(
            f"the source has no {folder}/package.json (app.build.frontEnd).",
            "Name the directory with the front end's package.json, or take the key out.",
        )
    if text is None or kind == "none":
        return False
    manager = manager_of(text, texts, folder)
    place = uv.tool("node")
    install = manager.install(is_build=kind == "build")
    context.voice.say(f"{manager.name} {install[0]}{' and build' if kind == 'build' else ''}")
    environment = {
        "PATH": f"{place}/bin:/usr/local/bin:/usr/bin:/bin",
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "NPM_CONFIG_GLOBALCONFIG": "/etc/npmrc",
    }
    for step in [install, ["run", "build"]] if kind == "build" else [install]:
        there = [] if folder == "." else ["sh", "-c", _THERE, "sh", folder]
        command = source.as_builder(*there, *manager.command(*step), environment=environment)
        status, lines = context.runner.run_and_keep(command)
        if status != 0:
            told = " ".join([manager.name, *step[: 2 if step[0] == "run" else 1]])
            raise Stop(f"'{told}' failed.", f"{_ABOVE} {advice.for_front_end(lines, manager.name)}".rstrip())
    return True


def manager_of(package: str, texts: Mapping[str, str | None], folder: str = ".") -> Manager:
    """What installs the packages: as package.json names it, or else by the lock file."""
    named = re.match(r"(npm|pnpm|yarn)@(\d+\.\d+\.\d+[\w.-]*)", f"{json.loads(package).get('packageManager', '')}")
    locks = [file for file in LOCKS if texts.get(file) is not None]
    own = [file for file in locks if named is None or LOCKS[file] == named[1]]
    if not own:
        found = f" ({', '.join(locks)} is of another than its packageManager)" if locks else ""
        raise Stop(
            f"the source has a {_in(folder, 'package.json')} and no package-lock.json, pnpm-lock.yaml or yarn.lock, so "
            f"its packages are not pinned{found}.",
            "Run 'npm install' there and commit package-lock.json. If what is built is in the source, write "
            "'frontEnd: false' below app.build.",
        )
    name = LOCKS[own[0]]
    if name == "npm":
        return Manager("npm")
    if named is not None:
        return Manager(name, named[2])
    text = texts[own[0]] or ""
    if name == "yarn":
        return Manager(name, _YARN_CLASSIC if "# yarn lockfile v1" in text[:400] else _YARN)
    version = re.match(r"\s*lockfileVersion:\s*['\"]?(\d+)", text)
    return Manager(name, _PNPM.get(version[1] if version else "", _PNPM["9"]))


def _kind(text: str | None, path: str) -> str:
    if text is None:
        return "none"
    try:
        package = json.loads(text)
        if "build" in package.get("scripts", {}):
            return "build"
        return "packages" if package.get("dependencies") else "none"
    except (ValueError, AttributeError, TypeError):
        raise Stop(f"the source's {path} is not valid JSON.") from None
