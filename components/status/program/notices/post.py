"""Hands messages to Apprise. It runs as an account that can do nothing else: answers come from outside."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from notices.message import Message
from notices.outbox import Outcome
from notices.plan import TARGETS

# For all targets at once, in seconds; apprised.py ends itself before.
_PATIENCE = 60
_SANDBOX = (
    "DynamicUser=yes",
    f"LoadCredential=targets:{TARGETS}",
    f"RuntimeMaxSec={_PATIENCE}",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "ProtectProc=invisible",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "InaccessiblePaths=-/srv",
    "CapabilityBoundingSet=",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes",
    "SystemCallFilter=@system-service",
    "MemoryMax=256M",
    "TasksMax=64",
    "Nice=10",
    "LogLevelMax=notice",
)


def post(messages: Mapping[str, Sequence[Message]]) -> dict[str, Outcome]:
    """Sends them, and tells of each target what came of it."""
    given = {name: [one.stored() for one in some] for name, some in messages.items()}
    options = ["--quiet", "--pipe", "--wait", "--collect", *(f"--property={one}" for one in _SANDBOX)]
    program = Path(__file__).with_name("apprised.py").resolve()
    try:
        done = subprocess.run(
            ["systemd-run", *options, "--", "/usr/bin/python3", "-I", str(program)],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=_PATIENCE + 30,
            check=False,
        )
        said = done.stdout
    except (subprocess.TimeoutExpired, OSError):
        said = ""
    return outcomes_of(said, messages)


def outcomes_of(said: str, names: Iterable[str]) -> dict[str, Outcome]:
    """What apprised.py has printed, the last line of each target; it may have been cut off."""
    outcomes = dict.fromkeys(names, Outcome(0, "it took too long"))
    for line in said.splitlines():
        try:
            told = json.loads(line)
            name = told.pop("name")
            if name in outcomes:
                outcomes[name] = Outcome(**told)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return outcomes
