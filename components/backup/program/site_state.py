"""The site while its data is put back: what runs of the application, its maintenance page, its health."""

import http.client
import socket
import ssl
import time
from pathlib import Path

from commands import run
from plan import Plan


class Running:
    """What runs of the application, stopped and started again."""

    def __init__(self, plan: Plan) -> None:
        self._name = plan.application

    def units(self) -> list[str]:
        """Sockets and timers before services: they would start those again."""
        patterns = [f"{self._name}-*@*.socket", f"{self._name}-*.timer", f"{self._name}-*@*.service"]
        return [unit for pattern in patterns for unit in _units_in("active,activating,reloading", pattern)]

    def stop(self, units: list[str]) -> None:
        """And what timers have started: it is not started again before its time comes."""
        begun = [unit for unit in _units_in("activating", f"{self._name}-*.service") if "@" not in unit]
        if units or begun:
            run(["systemctl", "stop", *units, *begun])

    def start(self, units: list[str]) -> None:
        if units:
            run(["systemctl", "start", *units])


def _units_in(states: str, pattern: str) -> list[str]:
    told = run(["systemctl", "list-units", "--plain", "--no-legend", f"--state={states}", pattern])
    return [line.split()[0] for line in told.splitlines() if line.strip()]


class Maintenance:
    """The page that visitors see meanwhile."""

    def __init__(self, plan: Plan) -> None:
        self.mark = Path(f"/etc/berth/{plan.application}/maintenance")

    def is_on(self) -> bool:
        return self.mark.exists()

    def turn(self, *, on: bool) -> None:
        if on:
            self.mark.touch()
        else:
            self.mark.unlink(missing_ok=True)


def health(plan: Plan) -> str | None:
    """What is wrong with what nginx answers to the health path; None where it is 200."""
    site = plan.site
    port = 443 if site.scheme == "https" else 80
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            # Whose certificate it is, is not asked here.
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            own = trusting.wrap_socket(plain, server_hostname=site.domain) if site.scheme == "https" else plain
            asking = http.client.HTTPConnection(site.domain, port)
            asking.sock = own
            asking.request("GET", site.health, headers={"Host": site.domain, "User-Agent": "berth-backup"})
            status = asking.getresponse().status
    except (OSError, http.client.HTTPException) as fault:
        return f"it does not answer: {fault}"
    return None if status == 200 else f"it answers {status}, not 200"


def healthy_within(plan: Plan, seconds: float) -> str | None:
    """The same, asked until it is healthy or the time is over."""
    end = time.monotonic() + seconds
    while (wrong := health(plan)) is not None and time.monotonic() < end:
        time.sleep(0.5)
    return wrong
