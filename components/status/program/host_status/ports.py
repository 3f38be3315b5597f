"""At which of its ports a process listens."""

import re

from host_status.reading import Host

_LISTENS = "0A"


def silent(host: Host, template: str) -> list[int]:
    """The ports of a process, by its template unit, at which nothing listens."""
    wanted = re.search(r"^\[X-Berth\]\nPorts=([0-9 ]+)$", host.text(f"etc/systemd/system/{template}"), re.MULTILINE)
    ports = [int(port) for port in wanted[1].split()] if wanted else []
    found = _listening(host) if ports else set()
    return [port for port in ports if port not in found]


def _listening(host: Host) -> set[int]:
    """As the kernel lists its sockets: proc_pid_net(5)."""
    lines = [line.split() for table in ("tcp", "tcp6") for line in host.text(f"proc/net/{table}").splitlines()[1:]]
    return {int(line[1].rsplit(":", 1)[1], 16) for line in lines if line[3] == _LISTENS}
