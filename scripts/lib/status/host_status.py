"""What runs on a host and how it is, as one JSON object: 'npm run status' sends this program there, where root runs it.

It changes nothing, and prints no secret: see masking().
"""

import base64
import concurrent.futures
import dataclasses
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

# In seconds: a command, a connection; and all of it, after which what is known is told.
PATIENCE, ALTOGETHER = 5, 7
Facts = Mapping[str, object]
# A setting as components/app/settings/settings.ts writes it; see components/app/release/settings.py.
_SETTING = re.compile(r"""^(\w+)=(?:'([^']*)'|"((?:[^"\\]|\\.)*)")$""", re.MULTILINE | re.DOTALL)
# A shorter value would blot out ordinary words.
_SHORTEST = 6
_LONGEST_LINE = 300
# What a container has of its computer is not the host's own.
_IN_CONTAINER = "run/systemd/container"


@dataclasses.dataclass(frozen=True)
class Told:
    """What the one who asks knows of the host."""

    # The application, by its name.
    name: str
    # How the site is asked.
    scheme: str
    domain: str
    health: str


class Unknown(Exception):
    """What could not be found out, and why."""


class Host:
    """All that is read and run on the host; tests have another root and other answers."""

    def __init__(self, root: Path = Path("/"), run: Callable[[Sequence[str]], str] | None = None) -> None:
        self._root = root
        self.run = run or answer_of

    def path(self, path: str) -> Path:
        return self._root / path

    def text(self, path: str) -> str:
        """A file; nothing where there is none."""
        try:
            return self.path(path).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def since(self, path: str) -> float | None:
        """When a file was last written, in seconds since 1970."""
        try:
            return self.path(path).stat().st_mtime
        except OSError:
            return None

    def names(self, pattern: str) -> list[str]:
        return sorted(path.name for path in self._root.glob(pattern))


def answer_of(command: Sequence[str]) -> str:
    """What a command prints; it must not fail."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "3"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as fault:
        raise Unknown(f"{Path(command[0]).name} did not answer in {PATIENCE} s") from fault
    except OSError as fault:
        raise Unknown(f"{Path(command[0]).name}: {fault.strerror}") from fault
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise Unknown(f"{Path(command[0]).name} ended with {done.returncode}: {said}")
    return done.stdout


# Units


_ASKED = "Id,LoadState,ActiveState,SubState,NRestarts,StateChangeTimestamp,Result"


@dataclasses.dataclass(frozen=True)
class Unit:
    unit: str
    # As systemd has them: active (running), failed (failed), activating (auto-restart).
    state: str = "inactive"
    sub: str = "dead"
    since: float | None = None
    restarts: int = 0
    result: str = "success"
    # The last line of its log, where it is not active.
    line: str | None = None


def units_of(text: str) -> dict[str, Unit]:
    """What 'systemctl show' prints of units, by their names."""
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n")]
    found = (
        Unit(
            block["Id"],
            block.get("ActiveState", "inactive"),
            block.get("SubState", ""),
            _time(block.get("StateChangeTimestamp", "")),
            int(block.get("NRestarts") or 0),
            block.get("Result") or "success",
        )
        for block in blocks
        if "Id" in block and block.get("LoadState") != "not-found"
    )
    return {unit.unit: unit for unit in found}


def _time(text: str) -> float | None:
    """A time as 'systemctl --timestamp=unix' prints it."""
    return float(text[1:]) if re.fullmatch(r"@\d+", text) else None


# As judge.ts has them: how often a unit was restarted, and for how long it has been up since, to be in a loop.
_LOOP_RESTARTS, _LOOP_SECONDS = 3, 120

# Of how many units the last line is looked up: each takes a moment, and nobody reads more.
_LINES = 20


class Units:
    """All units that systemd has loaded, asked once."""

    def __init__(self, host: Host, mask: Callable[[str], str | None]) -> None:
        self._host = host
        self._mask = mask
        self._lines: dict[str, str | None] = {}
        self._all = units_of(host.run(["systemctl", "show", "--timestamp=unix", f"--property={_ASKED}", "*"]))

    def of(self, names: Iterable[str]) -> list[Unit]:
        """These, with the last line of each that is not active. One that systemd has not loaded is inactive."""
        return [self._with_line(self._all.get(name, Unit(name))) for name in names]

    def failed(self) -> list[Unit]:
        """Those that have failed, and those that are started again and again."""
        return self.of(sorted(one.unit for one in self._all.values() if self._is_down(one)))

    def _is_down(self, unit: Unit) -> bool:
        if unit.state == "failed" or unit.sub.startswith("auto-restart"):
            return True
        # One that is started again and again may be caught while it runs.
        changed = time.time() - unit.since if unit.since is not None else _LOOP_SECONDS
        return unit.restarts >= _LOOP_RESTARTS and changed < _LOOP_SECONDS

    def _with_line(self, unit: Unit) -> Unit:
        if unit.state == "active":
            return unit
        if unit.unit not in self._lines and len(self._lines) < _LINES:
            self._lines[unit.unit] = self._line(unit.unit)
        return dataclasses.replace(unit, line=self._lines.get(unit.unit))

    def _line(self, unit: str) -> str | None:
        """The last line that its own programs have logged in this boot, else that of systemd about it."""
        for of in (f"_SYSTEMD_UNIT={unit}", f"--unit={unit}"):
            try:
                said = self._host.run(["journalctl", "--quiet", "-b", "-n", "1", "-o", "cat", "--no-pager", of])
            except Unknown:
                continue
            if said.strip():
                return self._mask(said.strip().splitlines()[-1])
        return None


def masking(host: Host, name: str) -> Callable[[str], str | None]:
    """What makes of a line of a log one that may be shown: each value of the application's settings, which of them is
    secret is not known here, is replaced by its name. Where they cannot be read, no line is shown."""
    try:
        root = json.loads(host.text(f"usr/local/lib/berth/{name}/application.json") or "{}").get("root", "")
        texts = [host.text(f"{root.lstrip('/')}/config/env")] if root else []
        texts += [path.read_text() for path in host.path(root.lstrip("/")).glob("config/web/*/env")] if root else []
    except (OSError, ValueError):
        return lambda _: None
    needles: dict[str, str] = {}
    for key, plain, escaped in (found for text in texts for found in _SETTING.findall(text)):
        value = plain or re.sub(r"\\(.)", r"\1", escaped, flags=re.DOTALL)
        for one in (value, _password_of(value)):
            for line in one.splitlines():
                needles.update((form, key) for form in _forms(line) if len(form) >= _SHORTEST)

    def mask(line: str) -> str:
        for needle in sorted(needles, key=len, reverse=True):
            line = line.replace(needle, f"[{needles[needle]}]")
        return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"

    return mask


def _password_of(url: str) -> str:
    try:
        return urllib.parse.unquote(urllib.parse.urlsplit(url).password or "")
    except ValueError:
        return ""


def _forms(line: str) -> list[str]:
    """A value as it is, and as JSON, Python, URLs and base64 have it."""
    escaped = line.replace("\\", "\\\\")
    quoted = urllib.parse.quote(line, safe="")
    in_base64 = base64.b64encode(line.encode()).decode()
    return [line, escaped, escaped.replace('"', '\\"'), escaped.replace("'", "\\'"), quoted, in_base64]


# Services: what there is on a host beside the application. A further one is one entry of SERVICES.


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


def _redis(host: Host) -> list[Figure]:
    # Root has a login of its own there: see components/redis/server.sh.
    password = host.text("etc/berth/redis/own-password").strip()
    try:
        with socket.create_connection(("127.0.0.1", 6379), PATIENCE) as connection:
            connection.sendall(f"AUTH berth {password}\r\nPING\r\nINFO everything\r\nQUIT\r\n".encode())
            said = b""
            while part := connection.recv(1 << 16):
                said += part
    except OSError as fault:
        raise Unknown(f"127.0.0.1:6379: {fault.strerror or fault}") from fault
    return redis_figures(said.decode(errors="replace"))


def redis_figures(said: str) -> list[Figure]:
    """What Redis answers to AUTH, PING and INFO."""
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
        Figure("memory", used, most or None, bytes=True),
        Figure("connections", int(info["connected_clients"]) - 1, int(info["maxclients"])),
    ]


SERVICES = (
    Service("nginx", _where("etc/nginx/conf.d/berth.conf", "nginx.service")),
    Service("PostgreSQL", lambda host: [f"postgresql@{one}-main.service" for one in _clusters(host)], _postgres),
    Service("Redis", _where("etc/berth/redis/redis.conf", "redis-server.service"), _redis),
)


def services(host: Host, units: Units) -> list[Facts]:
    found: list[Facts] = []
    for service in SERVICES:
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


# The application


def application(host: Host, told: Told, units: Units) -> Facts:
    """The release that is live, and the processes of all that run."""
    program = f"usr/local/lib/berth/{told.name}/berth-release"
    if not host.path(program).exists():
        return {"release": None, "lastTried": None, "processes": []}
    status = json.loads(host.run([f"/{program}", "status"]))
    live = status["live"]
    return {
        "release": release_of(status),
        "lastTried": status["history"][-1] if status["history"] else None,
        "processes": [
            {**dataclasses.asdict(unit), "process": process_of(told.name, unit.unit), "live": one["instance"] == live}
            for one in status["instances"]
            if one["state"] != "failed"
            for unit in units.of(unit["unit"] for unit in one["units"])
        ],
    }


def release_of(status: Mapping[str, Any]) -> Facts | None:
    """The release that is live, of what 'berth-release status' tells."""
    instance = next((one for one in status["instances"] if one["instance"] == status["live"]), None)
    if instance is None:
        return None
    name = instance["release"]
    commits = [one["commit"] for one in status["releases"] if one["release"] == name]
    made = [one for one in status["history"] if one["to"] == name and one["result"] != "failed"]
    return {
        "id": name,
        "since": instance["since"],
        "commit": commits[0] if commits else None,
        "by": made[-1]["who"] if made else None,
        "from": made[-1]["address"] if made else None,
    }


def process_of(name: str, unit: str) -> str:
    """'worker' of 'shop-worker@INSTANCE.service'."""
    return unit.removeprefix(f"{name}-").split("@", 1)[0]


def timers(host: Host, told: Told, units: Units) -> list[Facts]:
    names = host.names(f"etc/systemd/system/{told.name}-*.timer")
    if not names:
        return []
    rows = json.loads(host.run(["systemctl", "list-timers", "--all", "--output=json", *names]) or "[]")
    times = {row["unit"]: row for row in rows}
    return [
        {
            **dataclasses.asdict(unit),
            "timer": unit.unit.removeprefix(f"{told.name}-").removesuffix(".timer"),
            "next": _of_microseconds(times.get(unit.unit, {}).get("next")),
            "last": _of_microseconds(times.get(unit.unit, {}).get("last")),
        }
        for unit in units.of(names)
    ]


def _of_microseconds(found: int | None) -> float | None:
    return found / 1e6 if found else None


# The site


def site(host: Host, told: Told) -> Facts | None:
    """What nginx on this host answers to the health path."""
    if not host.path(f"etc/nginx/sites-enabled/{told.name}.conf").exists():
        return None
    began = time.monotonic()
    try:
        status = _ask(told, has_tls=_certificate_of(host, told) is not None)
    except (OSError, http.client.HTTPException) as fault:
        return {"status": None, "milliseconds": None, "problem": f"{fault}" or type(fault).__name__}
    return {"status": status, "milliseconds": round((time.monotonic() - began) * 1000), "problem": None}


def _certificate_of(host: Host, told: Told) -> str | None:
    """The path of the certificate that nginx's site names; none where it has none, and TLS may end in front of it."""
    text = host.text(f"etc/nginx/sites-enabled/{told.name}.conf")
    named = re.search(r"^\s*ssl_certificate\s+(\S+);", text, re.MULTILINE)
    return named[1] if named else None


def _ask(told: Told, *, has_tls: bool) -> int:
    port = 443 if has_tls else 80
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        # Whose certificate it is, is looked at by itself.
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        own = trusting.wrap_socket(plain, server_hostname=told.domain) if has_tls else plain
        asking = http.client.HTTPConnection(told.domain, port)
        asking.sock = own
        asking.request("GET", told.health, headers={"Host": told.domain, "User-Agent": "berth-status"})
        return asking.getresponse().status


def certificate(host: Host, told: Told) -> Facts | None:
    """The certificate that nginx's site names; none where it has none."""
    path = _certificate_of(host, told)
    if path is None:
        return None
    # A file may hold a key next to it.
    found = re.search(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", host.text(path.lstrip("/")), re.S)
    if not found:
        raise Unknown(f"{path}, which nginx's site names, holds none")
    return {"path": path, "pem": found[0], "source": _source(host), "waits": _waits(host)}


def _source(host: Host) -> str | None:
    """Where it comes from, by the name of what is served: see components/nginx/certificate/program/door.py."""
    try:
        return os.readlink(host.path("etc/ssl/berth/live")).rpartition("-")[0]
    except OSError:
        return None


def _waits(host: Host) -> Facts | None:
    """What keeps the site from the certificate of its authority: see .../program/record.py."""
    told = json.loads(host.text("var/lib/berth/certificate.json") or "null")
    return {key: told[key] for key in ("reason", "since", "tried", "next")} if told else None


def maintenance(host: Host, told: Told) -> Facts:
    since = host.since(f"etc/berth/{told.name}/maintenance")
    return {"on": since is not None, "since": since}


def backups(host: Host) -> Facts | None:
    """What this host remembers of its backups: see components/backup. The place is not asked."""
    program = "usr/local/lib/berth/berth-backup"
    if not host.path(program).exists():
        return None
    told: Facts = json.loads(host.run([f"/{program}", "status"]))
    return told


# The system


def system(host: Host) -> Facts:
    names = dict(line.partition("=")[::2] for line in host.text("etc/os-release").splitlines())
    booted = re.search(r"^btime (\d+)$", host.text("proc/stat"), re.MULTILINE)
    # A container's own first process tells when it began.
    container = host.text(_IN_CONTAINER).strip()
    since = host.since("proc/1") if container else float(booted[1]) if booted else None
    version = host.text("etc/debian_version").strip()
    name = names.get("PRETTY_NAME", "").strip('"')
    return {
        "system": f"Debian {version}" if names.get("ID") == "debian" and version[:1].isdigit() else name,
        "up": since,
        "container": container or None,
    }


# Where the parts of a host write; of each file system the first is shown.
PLACES = ("", "boot", "var", "var/log", "srv", "tmp", "var/lib/postgresql", "var/lib/redis", "var/lib/berth/data")


def disks(host: Host) -> list[Facts]:
    found: dict[int, Facts] = {}
    for place in PLACES:
        path = host.path(place)
        if not path.is_dir() or path.stat().st_dev in found:
            continue
        room = os.statvfs(path)
        # What root alone may use is nobody else's: free and used are as df(1) has them.
        used, free = (room.f_blocks - room.f_bfree) * room.f_frsize, room.f_bavail * room.f_frsize
        found[path.stat().st_dev] = {
            "place": f"/{place}",
            "size": room.f_blocks * room.f_frsize,
            "free": free,
            "used": share(used, free),
            "inodesUsed": share(room.f_files - room.f_ffree, room.f_favail),
        }
    return list(found.values())


def share(used: int, free: int) -> float:
    """How much of it is used, from 0 to 1."""
    return round(used / (used + free), 4) if used + free > 0 else 0.0


def memory(host: Host) -> Facts:
    rows = dict(re.findall(r"^(\w+):\s+(\d+) kB$", host.text("proc/meminfo"), re.MULTILINE))
    kib = {name: int(value) << 10 for name, value in rows.items()}
    total, available = kib["MemTotal"], kib["MemAvailable"]
    # A container with a limit has one of its own (cgroups(7)).
    limit, current = host.text("sys/fs/cgroup/memory.max").strip(), host.text("sys/fs/cgroup/memory.current").strip()
    if limit.isdigit() and current.isdigit():
        files = re.search(r"^inactive_file (\d+)$", host.text("sys/fs/cgroup/memory.stat"), re.MULTILINE)
        total = min(total, int(limit))
        available = max(0, min(available, total - int(current) + int(files[1] if files else 0)))
    killed = kills(host)
    return {
        "total": total,
        "available": available,
        "swap": kib.get("SwapTotal", 0),
        "swapFree": kib.get("SwapFree", 0),
        "pressure": pressure(host.text("proc/pressure/memory")),
        "killed": killed,
        "lastKilled": _last_kill(host) if killed else None,
    }


def kills(host: Host) -> int | None:
    """How many processes the kernel has killed for want of memory since the boot; None where a container can't know."""
    own = re.search(r"^oom_kill (\d+)$", host.text("sys/fs/cgroup/memory.events"), re.MULTILINE)
    all_of_them = re.search(r"^oom_kill (\d+)$", host.text("proc/vmstat"), re.MULTILINE)
    if own:
        return int(own[1])
    if all_of_them and not host.path(_IN_CONTAINER).exists():
        return int(all_of_them[1])
    return None


def _last_kill(host: Host) -> float | None:
    words = "--grep=oom-kill:|Out of memory|killed by the OOM killer"
    try:
        said = host.run(
            ["journalctl", "--quiet", "-b", "_TRANSPORT=kernel", "+", "_PID=1", "-n", "1", "-o", "json", words]
        )
        return int(json.loads(said)["__REALTIME_TIMESTAMP"]) / 1e6
    except (Unknown, ValueError, KeyError):
        return None


def pressure(text: str) -> float | None:
    """Of the last five minutes, in percent: how long everything waited for memory (PSI)."""
    full = re.search(r"^full .*\bavg300=([\d.]+)", text, re.MULTILINE)
    return float(full[1]) if full else None


def load(host: Host) -> Facts:
    one, five, fifteen = (float(word) for word in host.text("proc/loadavg").split()[:3])
    return {"averages": [one, five, fifteen], "processors": len(os.sched_getaffinity(0))}


def upgrades(host: Host) -> Facts:
    """Of what apt knows already: nothing is fetched."""
    # As root it would write what it works out into its cache.
    waiting = upgradable(host.run(["runuser", "-u", "nobody", "--", "apt", "list", "--upgradable"]))
    stamps = "var/lib/apt/periodic"
    reboot = host.since("run/reboot-required")
    return {
        "waiting": len(waiting),
        "security": sorted(
            name for name, suites in waiting.items() if any(one.endswith("-security") for one in suites)
        ),
        # When the lists of packages were fetched, and when upgrades were last installed by themselves.
        "looked": _latest(host, f"{stamps}/update-success-stamp", "var/lib/apt/lists"),
        "installed": _latest(host, f"{stamps}/unattended-upgrades-stamp", f"{stamps}/upgrade-stamp"),
        "rebootSince": reboot,
        "rebootFor": sorted(set(host.text("run/reboot-required.pkgs").split())),
    }


def upgradable(text: str) -> dict[str, list[str]]:
    """The suites of each package that 'apt list --upgradable' prints."""
    rows = re.findall(r"^([^/\s]+)/(\S+) .*\[upgradable from: ", text, re.MULTILINE)
    return {name: suites.split(",") for name, suites in rows}


def _latest(host: Host, *paths: str) -> float | None:
    return max((found for path in paths if (found := host.since(path)) is not None), default=None)


def clock(host: Host) -> Facts:
    now = time.time()
    # It is the computer's there.
    if host.path(_IN_CONTAINER).exists():
        return {"now": now, "synchronised": None}
    said = host.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    return {"now": now, "synchronised": said.strip() == "yes"}


def claim(host: Host) -> Facts | None:
    """Which stack the machine belongs to: see components/host/connect.sh."""
    lines = host.text("var/lib/berth/claim").splitlines()
    return {"id": lines[0], "text": " ".join(lines[1:2])} if lines else None


# All of it


def parts(host: Host, told: Told) -> Mapping[str, Callable[[], object]]:
    units = Units(host, masking(host, told.name))
    return {
        "clock": lambda: clock(host),
        "system": lambda: system(host),
        "claim": lambda: claim(host),
        "application": lambda: application(host, told, units),
        "timers": lambda: timers(host, told, units),
        "services": lambda: services(host, units),
        "failedUnits": units.failed,
        "site": lambda: site(host, told),
        "certificate": lambda: certificate(host, told),
        "maintenance": lambda: maintenance(host, told),
        "backups": lambda: backups(host),
        "disks": lambda: disks(host),
        "memory": lambda: memory(host),
        "load": lambda: load(host),
        "upgrades": lambda: upgrades(host),
    }


def gather(asked: Mapping[str, Callable[[], object]], seconds: float = ALTOGETHER) -> dict[str, object]:
    """All parts, asked at once. One that cannot be found out is null, and its reason is in 'unknown'."""
    pool = concurrent.futures.ThreadPoolExecutor(len(asked))
    running = {name: pool.submit(ask) for name, ask in asked.items()}
    concurrent.futures.wait(running.values(), seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    facts: dict[str, object] = {}
    unknown: dict[str, str] = {}
    for name, one in running.items():
        facts[name] = None
        if not one.done():
            unknown[name] = f"it was not answered in {seconds:g} s"
            continue
        try:
            facts[name] = one.result()
        except Exception as fault:  # noqa: BLE001  # The other parts are told, whatever it is.
            unknown[name] = f"{fault}" if isinstance(fault, Unknown) else f"{type(fault).__name__}: {fault}"
    return {**facts, "unknown": unknown}


def main(arguments: Sequence[str]) -> None:
    # Nobody waits for longer.
    signal.alarm(ALTOGETHER + 2 * PATIENCE)
    told = Told(**json.loads(arguments[0]))
    try:
        facts = gather(parts(Host(), told))
    except Unknown as fault:
        sys.exit(f"{fault}")
    sys.stdout.write(json.dumps(facts, default=dataclasses.asdict) + "\n")
    sys.stdout.flush()
    # What has not answered is not waited for.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
