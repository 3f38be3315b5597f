"""Groups and extras of dependencies that the stack asks for, as the project itself names them."""

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from .faults import Stop


def check(file: str, name: str, text: str, groups: Iterable[str], extras: Iterable[str]) -> None:
    """Refuses what the project does not have: a group that nothing installs would be missing in production only.

    :param name: the name of the file without its folder
    :param text: the pyproject.toml that belongs to it
    """
    asked = {"groups": [*groups], "extras": [*extras]}
    if not asked["groups"] and not asked["extras"]:
        return
    if name not in ("uv.lock", "poetry.lock", "pyproject.toml"):
        key = "groups" if asked["groups"] else "extras"
        raise Stop(
            f"app.{key} asks for {_listed(asked[key])}, and {file} has no {key}.",
            f"Take the key out, and name what is needed in {file}; or commit a uv.lock or poetry.lock.",
        )
    try:
        project = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise Stop(f"the pyproject.toml beside {file} cannot be read: {fault}.") from fault
    there = {"groups": groups_of(project, name), "extras": _extras_of(project, name)}
    for key, names in asked.items():
        known = {_plain(one) for one in there[key]}
        unknown = [one for one in names if _plain(one) not in known]
        if unknown:
            raise Stop(
                f"app.{key} asks for {_listed(unknown)}, which pyproject.toml does not have.",
                f"It has {_listed(there[key])}." if there[key] else f"It has no {key}: take the key out.",
            )


def groups_of(project: dict[str, Any], name: str) -> list[str]:
    found = [*_table(project.get("dependency-groups"))]
    tool = _table(project.get("tool"))
    if name == "poetry.lock":
        poetry = _table(tool.get("poetry"))
        found += _table(poetry.get("group"))
        found += ["dev"] if "dev-dependencies" in poetry else []
    elif "dev-dependencies" in _table(tool.get("uv")):
        found.append("dev")
    return sorted(set(found))


def _extras_of(project: dict[str, Any], name: str) -> list[str]:
    found = [*_table(_table(project.get("project")).get("optional-dependencies"))]
    if name == "poetry.lock":
        found += _table(_table(_table(project.get("tool")).get("poetry")).get("extras"))
    return sorted(set(found))


def asks_for(names: Iterable[str], one: str) -> bool:
    return one in {_plain(name) for name in names}


def _plain(name: str) -> str:
    """Names are the same where they differ in case or in what parts their words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{one}'" for one in names)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
