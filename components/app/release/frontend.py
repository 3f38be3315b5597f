"""An application with a package.json gets what that asks for: its packages, and its build where it has one."""

import json

from .context import Context
from .faults import Stop
from .source import Source, Tree
from .uv import Uv

FILES = ("package.json",)
LOCK = "package-lock.json"
_ABOVE = "Its last lines are above; nothing that runs was changed."


def build(context: Context, source: Source, uv: Uv, tree: Tree) -> bool:
    """Whether anything was built."""
    kind = _kind(tree.texts["package.json"])
    if kind == "none":
        return False
    if not tree.there[LOCK]:
        raise Stop(
            "the source has a package.json and no package-lock.json, so its packages are not pinned.",
            "Run 'npm install' in the source and commit package-lock.json.",
        )
    place = uv.tool("node")
    context.voice.say("npm ci and build" if kind == "build" else "npm ci")
    environment = {
        "PATH": f"{place}/bin:/usr/local/bin:/usr/bin:/bin",
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "NPM_CONFIG_GLOBALCONFIG": "/etc/npmrc",
    }
    steps = [("ci",), ("run", "build")] if kind == "build" else [("ci", "--omit=dev")]
    for step in steps:
        if context.runner.run(source.as_builder("npm", *step, environment=environment)) != 0:
            told = " ".join(["npm", *step[: 2 if step[0] == "run" else 1]])
            raise Stop(f"'{told}' failed.", _ABOVE)
    return True


def _kind(text: str | None) -> str:
    if text is None:
        return "none"
    try:
        package = json.loads(text)
        if "build" in package.get("scripts", {}):
            return "build"
        return "packages" if package.get("dependencies") else "none"
    except (ValueError, AttributeError, TypeError):
        raise Stop("the source's package.json is not valid JSON.") from None
