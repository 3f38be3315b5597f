"""Runs code of the application where it reaches a scratch cluster and nothing else.

It has the settings of the live release in the network of that cluster, where 127.0.0.1 is the cluster and nothing else
answers. Of the host it sees no socket, and it writes nowhere: no mail is queued, no task is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands import Failed
from plan import Django
from scratch import Served
from watch import Watch

_SHUT_IN = (
    "UMask=0077",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateIPC=yes",
    "ProtectProc=invisible",
    # The sockets of what runs on the host are there.
    "TemporaryFileSystem=/run:ro",
    "TasksMax=200",
    "MemoryMax=40%",
    "OOMScoreAdjust=900",
    "CPUWeight=10",
    "IOWeight=10",
    "IOSchedulingClass=idle",
    "Nice=19",
)


@dataclass(frozen=True)
class Closed:
    """@param within: the unit with which it ends, also where that is killed"""

    application: str
    release: Django
    served: Served
    watch: Watch
    within: str
    seconds: int

    def run(self, unit: str, command: Sequence[str], more: Sequence[str] = ()) -> tuple[int, str]:
        """Its status, and what it said.

        @param more: further properties of its unit
        """
        inside = [f"User={self.application}", f"Group={self.application}", *self.release.properties, *_SHUT_IN]
        inside += [f"NetworkNamespacePath=/proc/{self.served.process}/ns/net", f"RuntimeMaxSec={self.seconds}"]
        # Many an application opens its log as it is loaded.
        logs = Path(self.release.live).parents[2] / "logs"
        inside += [f"TemporaryFileSystem={logs}:mode=1777,size=64M", f"BindsTo={self.within}", *more]
        # What looks like a variable in an argument is the argument's own.
        fixed = ["--quiet", "--wait", "--pipe", "--collect", "--expand-environment=no", f"--unit={unit}"]
        words = ["systemd-run", *fixed, *(f"--property={one}" for one in inside), "--", *command]
        status = ["sh", "-c", '"$@" 2>&1; printf "\\n%s" "$?"', "status", *words]
        said, _, code = self.watch.run(status).rpartition("\n")
        if not code.isdigit():
            raise Failed("what ran of the application did not end")
        return int(code), said
