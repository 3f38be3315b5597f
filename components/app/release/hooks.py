"""Tells others that a release is live: the URL or the command of the stack's `app.hooks`.

A unit of its own does it after the switch. Nothing waits for it, and nothing depends on how it ends: that is kept for
`npm run status`.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from .context import Context
from .faults import LostLock, Stop
from .settings import Settings
from .world import Command

# What of the history is told, and by which hook.
_EVENTS = {"release": "released", "rollback": "rolledBack"}
# In seconds: how long a command may take; the POST with all its tries; both with all around them.
_COMMAND, _POST, _ALTOGETHER = 300, 300, 600
# Code of the application, shut in as its processes are (processes/sandbox.conf.liquid).
_SHUT_IN = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "ProtectProc=invisible",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
    "TasksMax=256",
    "OOMScoreAdjust=900",
    "CPUWeight=20",
    "Nice=10",
)
# What speaks with others is an account that exists only meanwhile and reads nothing but the URL.
_POSTING = (
    *(one for one in _SHUT_IN if not one.startswith(("TasksMax", "OOMScoreAdjust"))),
    "DynamicUser=yes",
    "InaccessiblePaths=-/srv",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "MemoryMax=128M",
    "TasksMax=16",
)


def start(context: Context, line: Mapping[str, Any]) -> None:
    """Starts the hook for a line of the history, and waits for nothing."""
    event = _EVENTS.get(line["result"])
    if event is None:
        return
    try:
        _give_up_earlier(context)
        hook = _wanted(context).get(event)
        if hook is not None:
            _start(context, event, hook, line)
    except LostLock:
        raise
    except Exception as fault:  # noqa: BLE001  # The release is live, whatever becomes of this.
        context.voice.say(f"app.hooks.{event} could not be started: {fault}")


def _start(context: Context, event: str, hook: str, line: Mapping[str, Any]) -> None:
    place, files = context.place, context.files
    files.directory(place.hooks)
    number = f"{int(context.world.time() * 1000)}"
    settings = Settings(place.settings, place.files).values
    stack = {"stack": settings.get("BERTH_STACK"), "site": settings.get("SITE_URL")}
    record = json.dumps({"event": event, "application": place.name, **stack, **line})
    files.put(place.hooks / f"{number}.line", f"{record}\n")
    state = {"event": event, "release": line["to"], "at": context.world.time(), "hook": _digest(hook)}
    files.put(place.hooks / f"{number}.json", json.dumps({**state, "state": "waiting", "why": None}))
    properties = [f"RuntimeMaxSec={_ALTOGETHER}", "Nice=10"]
    options = [f"--property={one}" for one in properties]
    fixed = ["--quiet", "--collect", "--no-block", f"--unit={_unit(context, number)}", *options]
    command = Command(["systemd-run", *fixed, f"{place.library}/berth-release", "hook", number])
    if context.world.run(command, lambda text, _: context.voice.log(text)) != 0:
        _end(context, number, "systemd did not start it")


def _give_up_earlier(context: Context) -> None:
    """What is told of an earlier release must not arrive after what is told of this one."""
    for number, told in _runs(context).items():
        if told["state"] == "waiting":
            units = [f"{_unit(context, number)}{kind}.service" for kind in ("", "-run")]
            stop = Command(["systemctl", "stop", "--no-block", *units])
            context.world.run(stop, lambda text, _: context.voice.log(text))
        _forget(context, number)


def run(context: Context, number: str) -> None:
    """Runs one to its end, in the unit that was started for it."""
    if not re.fullmatch(r"\d+", number):
        raise Stop(f"expected the number of a hook's run; found '{number}'.", "A release starts its hooks by itself.")
    told = _runs(context).get(number, {})
    hook = _wanted(context).get(told.get("event", ""))
    # It was changed or taken out meanwhile.
    if hook is None or _digest(hook) != told["hook"]:
        _forget(context, number)
        return
    # A command says what it likes to the journal; the URL is nobody's business.
    context.voice.needles = [hook] if is_url(hook) else []
    # By a file of root's that only this unit is given, and so in no command line.
    context.files.put(context.place.hooks / f"{number}.hook", f"{hook}\n")
    why = _post(context, number) if is_url(hook) else _command(context, number)
    _end(context, number, why)


def outcomes(context: Context) -> list[dict[str, object]]:
    """How the last run of each hook went that the stack still has."""
    wanted = _wanted(context)
    last = {told["event"]: told for _, told in sorted(_runs(context).items(), key=lambda one: int(one[0]))}
    return [
        {name: told[name] for name in ("event", "release", "at", "state", "why")}
        for event, told in sorted(last.items())
        if event in wanted and told["hook"] == _digest(wanted[event])
    ]


def is_url(hook: str) -> bool:
    return re.match(r"https?://", hook) is not None


def _post(context: Context, number: str) -> str:
    """Why it has not arrived; nothing where it has."""
    place = context.place
    more = [f"LoadCredential=hook:{place.hooks / f'{number}.hook'}", f"RuntimeMaxSec={_POST}"]
    argv = ["/usr/bin/python3", "-IB", f"{place.library}/program/release/hook_post.py"]
    said: list[str] = []
    options = _options(context, number, [*_POSTING, *more])
    command = Command(["systemd-run", "--pipe", *options, "--", *argv])
    status = context.world.run(
        command, lambda text, _: said.append(text), stdin=place.hooks / f"{number}.line", apart=True
    )
    answers = [text for text in said if text.startswith("berth: ")]
    if status == 0:
        return ""
    return answers[-1].removeprefix("berth: ") if answers else f"it took longer than {_POST} s, or could not be sent"


def _command(context: Context, number: str) -> str:
    """Why it has failed; nothing where it has not. It runs in the live release, as the application's account."""
    place = context.place
    live = f"{place.told_root}/config/web/current"
    home = f"/var/cache/berth-{place.name}"
    more = [
        f"User={place.name}",
        f"Group={place.name}",
        f"WorkingDirectory={live}/release",
        f"Environment=PATH={live}/release/.venv/bin:/usr/local/bin:/usr/bin:/bin",
        f"Environment=HOME={home} XDG_CACHE_HOME={home}/.cache TMPDIR=/var/tmp",
        f"EnvironmentFile={live}/env",
        f"EnvironmentFile={live}/release.env",
        f"BindReadOnlyPaths=-{live}/files:{place.told_root}/config/files",
        f"CacheDirectory=berth-{place.name}",
        "CacheDirectoryMode=0750",
        f"ReadWritePaths={place.told_media} {place.told_root}/data {place.told_root}/logs",
        f"LoadCredential=hook:{place.hooks / f'{number}.hook'}",
        f"StandardInput=file:{place.hooks / f'{number}.line'}",
        f"SyslogIdentifier={place.name}-hooks",
        "UMask=0027",
        f"RuntimeMaxSec={_COMMAND}",
        "TimeoutStopSec=10",
    ]
    unit = f"{_unit(context, number)}-run.service"
    options = _options(context, number, [*_SHUT_IN, *more])
    command = Command(["systemd-run", *options, "--", "/bin/bash", f"/run/credentials/{unit}/hook"])
    began = context.world.now()
    status = context.world.run(command, lambda text, _: context.voice.log(text))
    if status == 0:
        return ""
    if context.world.now() - began >= _COMMAND:
        return f"it did not end within {_COMMAND} s"
    return f"it ended with status {status}"


def _options(context: Context, number: str, properties: list[str]) -> list[str]:
    fixed = ["--quiet", "--wait", "--collect", "--expand-environment=no", f"--unit={_unit(context, number)}-run"]
    return [*fixed, *(f"--property={one}" for one in properties)]


def _unit(context: Context, number: str) -> str:
    return f"berth-{context.place.name}-hook-{number}"


def _end(context: Context, number: str, why: str) -> None:
    told = _runs(context).get(number)
    for kind in ("line", "hook"):
        context.files.remove(context.place.hooks / f"{number}.{kind}")
    # A later release has taken its place.
    if told is None:
        return
    told |= {"state": "failed" if why else "done", "why": context.voice.mask(why) or None}
    context.files.put(context.place.hooks / f"{number}.json", json.dumps(told))
    ended = f"has not been told of {told['release']}: {why}" if why else f"has been told of {told['release']}"
    context.voice.show([f"app.hooks.{told['event']} {ended}"])


def _forget(context: Context, number: str) -> None:
    for kind in ("line", "hook", "json"):
        context.files.remove(context.place.hooks / f"{number}.{kind}")


def _wanted(context: Context) -> dict[str, str]:
    """The hooks of the stack, by their events."""
    try:
        told: dict[str, str] = json.loads(context.place.wanted_hooks.read_text())
    except FileNotFoundError:
        return {}
    return told


def _runs(context: Context) -> dict[str, dict[str, Any]]:
    """What is known of runs, by their numbers."""
    found: dict[str, dict[str, Any]] = {}
    for path in context.place.hooks.glob("*.json"):
        if path.stem.isdigit():
            # A later release forgets it while somebody looks.
            with contextlib.suppress(FileNotFoundError):
                found[path.stem] = json.loads(path.read_text())
    return found


def _digest(hook: str) -> str:
    return hashlib.sha256(hook.encode()).hexdigest()[:16]
