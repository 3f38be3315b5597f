"""The machine itself, its system, and what it keeps for its stack."""

import json
import os
import re
import time

from host_status.reading import IN_CONTAINER, PATIENCE, Facts, Host, Late, Unknown


def system(host: Host) -> Facts:
    names = dict(line.partition("=")[::2] for line in host.text("etc/os-release").splitlines())
    booted = re.search(r"^btime (\d+)$", host.text("proc/stat"), re.MULTILINE)
    # A container's own first process tells when it began.
    container = host.text(IN_CONTAINER).strip()
    since = host.since("proc/1") if container else float(booted[1]) if booted else None
    version = host.text("etc/debian_version").strip()
    name = names.get("PRETTY_NAME", "").strip('"')
    return {
        "system": f"Debian {version}" if names.get("ID") == "debian" and version[:1].isdigit() else name,
        "up": since,
        "container": container or None,
    }


# Where the parts of a host write; of each file system the first is shown.
PLACES = (
    "",
    "boot",
    "var",
    "var/log",
    "srv",
    "tmp",
    "var/lib/postgresql",
    "var/lib/redis",
    "var/lib/valkey",
    "var/lib/berth/data",
)


def disks(host: Host, name: str) -> list[Facts]:
    """:param name: of the application, whose uploads may be on a volume of their own"""
    told = json.loads(host.text(f"usr/local/lib/berth/{name}/application.json") or "{}")
    uploads = f"{told.get('media', '')}".lstrip("/")
    found: dict[int, Facts] = {}
    for place in (*PLACES, *([uploads] if uploads else [])):
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
        "pressure": pressure(host.text(_pressure_of(host))),
        "killed": killed,
        "lastKilled": _last_kill(host) if killed else None,
    }


def kills(host: Host) -> int | None:
    """How many processes the kernel has killed for want of memory since the boot; None where a container can't know."""
    own = re.search(r"^oom_kill (\d+)$", host.text("sys/fs/cgroup/memory.events"), re.MULTILINE)
    all_of_them = re.search(r"^oom_kill (\d+)$", host.text("proc/vmstat"), re.MULTILINE)
    if own:
        return int(own[1])
    if all_of_them and not host.path(IN_CONTAINER).exists():
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


def _pressure_of(host: Host) -> str:
    """A container sees that of its computer, and beside it its own."""
    return "sys/fs/cgroup/memory.pressure" if host.path(IN_CONTAINER).exists() else "proc/pressure/memory"


def pressure(text: str) -> float | None:
    """Of the last five minutes, in percent: how long everything waited for memory (PSI)."""
    full = re.search(r"^full .*\bavg300=([\d.]+)", text, re.MULTILINE)
    return float(full[1]) if full else None


def load(host: Host) -> Facts:
    one, five, fifteen = (float(word) for word in host.text("proc/loadavg").split()[:3])
    return {"averages": [one, five, fifteen], "processors": len(os.sched_getaffinity(0))}


def upgrades(host: Host) -> Facts:
    """Of what apt knows already: nothing is fetched."""
    # As root it would write what it works out into its cache. So it works long each time, and longer on a busy host.
    try:
        waiting = upgradable(host.run(["runuser", "-u", "nobody", "--", "apt", "list", "--upgradable"]))
    except Late as fault:
        raise Unknown(f"it was not answered in {PATIENCE} s") from fault
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
    if host.path(IN_CONTAINER).exists():
        return {"now": now, "synchronised": None}
    said = host.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    return {"now": now, "synchronised": said.strip() == "yes"}


def claim(host: Host) -> Facts | None:
    """Which stack the machine belongs to: see components/host/connect.sh."""
    lines = host.text("var/lib/berth/claim").splitlines()
    return {"id": lines[0], "text": " ".join(lines[1:2])} if lines else None


def notices(host: Host) -> Facts | None:
    """What this host remembers of the messages that it sends: see ../notices. None without any."""
    if not host.path("etc/berth/notices/plan.json").exists():
        return None
    told = json.loads(host.text("var/lib/berth/notices.json") or "{}")
    return {
        "since": host.since("etc/berth/notices/plan.json"),
        "looked": told.get("looked"),
        "refused": told.get("refused", {}),
        "targets": {
            name: {"waiting": len(box["messages"]), "since": box["since"], "why": box["why"]}
            for name, box in told.get("boxes", {}).items()
        },
    }


def backups(host: Host) -> Facts | None:
    """What this host remembers of its backups: see components/backup. The place is not asked."""
    program = "usr/local/lib/berth/berth-backup"
    if not host.path(program).exists():
        return None
    told: Facts = json.loads(host.run([f"/{program}", "status"]))
    return told
