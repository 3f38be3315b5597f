"""What there is on a host beside the application. A further one is one entry of SERVICES."""

import dataclasses
import socket
from collections.abc import Callable

from host_status.reading import PATIENCE, Facts, Host, Unknown
from host_status.units import Units

# See components/redis/ports.ts.
CACHE_PORT = 6381


@dataclasses.dataclass(frozen=True)
class Figure:
    """How much of something is used: connections, or bytes."""

    what: str
    used: int
    # None where it has no limit of its own.
    limit: int | None
    bytes: bool = False


@dataclasses.dataclass(frozen=True)
class Service:
    # As it is shown.
    name: str
    # Its units, none where Berth has not set it up on this host.
    units: Callable[[Host], list[str]]
    # What it answers when it is asked; raises Unknown where it does not. None where it is asked by another way.
    ask: Callable[[Host], list[Figure]] | None = None


def _where(sign: str, *units: str) -> Callable[[Host], list[str]]:
    return lambda host: list(units) if host.path(sign).exists() else []


def _clusters(host: Host) -> list[str]:
    return [path.parts[-4] for path in host.path("etc/postgresql").glob("*/main/conf.d/berth.conf")]


def _postgres(host: Host) -> list[Figure]:
    [version, *_] = _clusters(host)
    query = (
        "SELECT (SELECT count(*) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()), "
        "current_setting('max_connections'), "
        "(SELECT sum(pg_database_size(oid)) FROM pg_database WHERE NOT datistemplate)"
    )
    psql = f"/usr/lib/postgresql/{version}/bin/psql"
    said = host.run(["runuser", "-u", "postgres", "--", psql, "-XAtq", "-d", "postgres", "-c", query])
    connections, most, size = (int(word) for word in said.strip().split("|"))
    return [Figure("connections", connections, most), Figure("size", size, None, bytes=True)]


def _redis(server: str, port: int) -> Callable[[Host], list[Figure]]:
    return lambda host: _ask_redis(host, server, port)


def _ask_redis(host: Host, server: str, port: int) -> list[Figure]:
    # Root has a login of its own there: see components/redis/server.sh.
    password = host.text(f"etc/berth/{server}/own-password").strip()
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            connection.sendall(f"AUTH berth {password}\r\nPING\r\nINFO everything\r\nQUIT\r\n".encode())
            said = b""
            while part := connection.recv(1 << 16):
                said += part
    except OSError as fault:
        raise Unknown(f"127.0.0.1:{port}: {fault.strerror or fault}") from fault
    return redis_figures(said.decode(errors="replace"), "cache" if port == CACHE_PORT else "memory")


def redis_figures(said: str, memory: str = "memory") -> list[Figure]:
    """What Redis answers to AUTH, PING and INFO.

    :param memory: what its memory is called
    """
    lines = said.splitlines()
    if "+PONG" not in lines:
        refused = next((line[1:] for line in lines if line.startswith("-")), "it did not answer to PING")
        raise Unknown(refused)
    info = dict(line.partition(":")[::2] for line in lines)
    for key in ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"):
        if info.get(key, "ok") != "ok":
            raise Unknown(f"it cannot write to its disk: {key} is {info[key]}")
    # On a host that was set up before root's login could ask for it, there is nothing more.
    if "used_memory" not in info:
        return []
    used, most = int(info["used_memory"]), int(info.get("maxmemory", "0"))
    return [
        Figure(memory, used, most or None, bytes=True),
        Figure("connections", int(info["connected_clients"]) - 1, int(info["maxclients"])),
    ]


SERVICES = (
    Service("nginx", _where("etc/nginx/conf.d/berth.conf", "nginx.service")),
    Service("PostgreSQL", lambda host: [f"postgresql@{one}-main.service" for one in _clusters(host)], _postgres),
    *(
        Service(f"{title}{of}", _where(f"etc/berth/{server}/{file}.conf", unit), _redis(server, port))
        for server, title in (("redis", "Redis"), ("valkey", "Valkey"))
        for of, file, unit, port in (
            ("", server, f"{server}-server.service", 6379),
            (" cache", "cache", f"{server}-server@cache.service", CACHE_PORT),
        )
    ),
    Service("MongoDB by FerretDB", _where("etc/systemd/system/ferretdb.service", "ferretdb.service")),
    Service("Docker", _where("etc/berth/docker.nft", "docker.service")),
    *(
        Service(f"metrics of {title}", _where(f"etc/systemd/system/{unit}", unit))
        for title, unit in (
            ("the host", "berth-metrics-host.service"),
            ("nginx", "berth-metrics-nginx.service"),
            ("PostgreSQL", "berth-metrics-postgres.service"),
            ("the queue", "berth-metrics-redis.service"),
            ("the cache", "berth-metrics-cache.service"),
        )
    ),
)


def _own_unit(unit: str) -> Service:
    return Service(unit.removeprefix("service-").removesuffix(".service"), lambda _: [unit])


def _own(host: Host) -> list[Service]:
    """The services of a team's own: see components/own-service."""
    return [_own_unit(path.name) for path in sorted(host.path("etc/systemd/system").glob("service-*.service"))]


def services(host: Host, units: Units) -> list[Facts]:
    found: list[Facts] = []
    for service in (*SERVICES, *_own(host)):
        names = service.units(host)
        if not names:
            continue
        figures, problem = [], None
        if service.ask:
            try:
                figures = service.ask(host)
            except (Unknown, ValueError, KeyError) as fault:
                problem = f"{fault}"
        found.append({"name": service.name, "units": units.of(names), "figures": figures, "problem": problem})
    return found
