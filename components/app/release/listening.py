"""At which TCP ports a host answers others, as the kernel lists its sockets (proc_pid_net(5))."""

from .world import World

_LISTENS = "0A"
_LOOPBACK6 = "00000000000000000000000001000000"


def listening(world: World) -> set[int]:
    found: set[int] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = world.path(table).read_text().splitlines()[1:]
        except FileNotFoundError:
            # A host may have no IPv6.
            continue
        for _, local, _, state, *_ in map(str.split, lines):
            address, port = local.split(":")
            # What listens at the host's own address alone answers nobody else; its first byte comes last.
            if state == _LISTENS and address != _LOOPBACK6 and not address.endswith("7F"):
                found.add(int(port, 16))
    return found
