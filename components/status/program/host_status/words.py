"""Times and sizes as people read them; rounded down, so that nothing seems longer or fuller than it is."""

import time

from host_status.limits import DAY, HOUR


def counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def long(seconds: float) -> str:
    """How long it is, in one unit: '12 s', '5 min', '3 h', '2 days'."""
    whole = int(max(0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // 60} min"
    return f"{whole // HOUR} h" if whole < 2 * DAY else counted(whole // DAY, "day")


def size(count: float) -> str:
    """A size with two digits that matter: '512 KiB', '1.4 GiB'."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1000:
            return f"{count:.1f} {unit}" if count < 10 and unit != "bytes" else f"{round(count)} {unit}"
        count /= 1024
    return f"{count:.1f} TiB" if count < 10 else f"{round(count)} TiB"


def percent(share: float) -> str:
    return f"{int(share * 100)} %"


def date(seconds: float) -> str:
    """A day: '2027-01-31'."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
