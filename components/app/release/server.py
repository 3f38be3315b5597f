"""The web server of an instance: asked whether it is healthy, led to, and taken back."""

import threading
import urllib.parse

from .asking import Answer
from .context import Context
from .facts import Live
from .faults import Stop, Unhealthy
from .systemd import Look

# How long an instance has until it answers, in seconds: as long as it computes, and this beyond; with all, the other.
_PATIENCE = 40
_AT_MOST = 300
# For how long an answer must stay the same that waiting does not change, in seconds.
_SETTLED = 5
# Of a host that is not ready: a timeout, too early, too many requests.
_PASSING = (408, 425, 429)
# So that each worker has loaded what a request needs before people come.
_WARM = 8


class Server:
    def __init__(self, context: Context, facts: Live, instance: str) -> None:
        self._context = context
        self._facts = facts
        self.instance = instance
        self.unit = f"{context.place.web_unit(instance)}.service"
        self.socket_unit = f"{context.place.web_unit(instance)}.socket"
        self.socket = context.place.instance_socket(instance)
        self._seen: set[int] = set()

    def ask(self, seconds: float) -> int:
        """The status of its health path; 0 where it does not answer."""
        facts = self._facts
        return self._context.world.ask(self.socket, facts.domain, facts.scheme, facts.health, seconds)

    def ask_front(self) -> int:
        """The same at the front door, through nginx."""
        facts = self._facts
        return self._context.world.ask_front(facts.domain, facts.door, facts.health)

    def is_healthy(self) -> bool:
        return self.ask(10) == 200

    def open(self) -> None:
        """Its socket. systemd holds it, so that nobody is refused while the server starts."""
        self._context.files.directory(self._context.place.run, mode=0o755)
        if not self._context.systemd.start_and_wait([self.socket_unit]):
            raise Stop(f"the socket {self.socket} cannot be made.")

    def wait_until_healthy(self) -> None:
        began = self._context.world.now()
        end = began + _PATIENCE
        code = 0
        since = began
        while True:
            look = self._context.systemd.one(self.unit)
            if look.has_restarted:
                raise self.unhealthy(0)
            # A connection that nobody takes would keep the question waiting.
            before, code = code, self.ask(2)
            if code == 200:
                return
            since = since if code == before else self._context.world.now()
            if _is_settled(code) and self._context.world.now() - since >= _SETTLED:
                raise self.unhealthy(code)
            if code == 0 and self._context.systemd.is_at_work(look):
                end = min(self._context.world.now() + _PATIENCE, began + _AT_MOST)
            if self._context.world.now() >= end:
                code = self.ask(10)
                if code == 200:
                    return
                raise self.unhealthy(code)
            self._context.world.sleep(0.1)

    def warm(self) -> None:
        """Asks several times at once."""
        asking = [threading.Thread(target=self.ask, args=(20,)) for _ in range(_WARM)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        self._seen = self._ids(self._context.systemd.one(self.unit))

    def unhealthy(self, code: int) -> Unhealthy:
        answered = f"answers {code}" if code else "does not answer"
        path = self._facts.health
        more = self._where_it_leads(path) if 300 <= code < 400 else ""
        if 400 <= code < 500 and code not in (400, *_PASSING):
            more = " Write a path that answers 200 to everyone as app.health."
        return Unhealthy(self.unit, f"{path} {answered}, and 200 was expected.{more}", path=path if code >= 500 else "")

    def _where_it_leads(self, path: str) -> str:
        facts = self._facts

        def page(path: str) -> Answer:
            return self._context.world.page(self.socket, facts.domain, facts.scheme, path, 10)

        location = page(path).location
        leads = urllib.parse.urlsplit(location)
        if not location:
            return ""
        there = urllib.parse.urljoin(path, leads.path or "/")
        if leads.hostname not in (None, facts.domain.split(":")[0]) or there == path:
            return f" It leads to {location}. Write a path that answers 200 to everyone as app.health."
        if page(there).status != 200:
            return f" It leads to {there}, which does not answer 200 either."
        return f" It leads to {there}, which answers 200: write app.health: {there}."

    def has_crashed(self, look: Look) -> bool:
        """One of its processes that there were is gone."""
        return not self._seen <= self._ids(look)

    def _ids(self, look: Look) -> set[int]:
        return {look.main, *self._context.systemd.children(look)}

    def waits(self) -> bool:
        """Whether somebody waits at its socket."""
        return self._context.world.waiting(self.socket) > 0

    def give_back(self) -> None:
        """Nobody is sent here any more, and what waits at its socket goes to the instance that serves.

        systemd hands the socket on to its proxy (systemd-socket-proxyd(8)).
        """
        world, systemd, files = self._context.world, self._context.systemd, self._context.files
        folder = world.path(f"/run/systemd/system/{self.unit}.d")
        files.directory(folder.parent, mode=0o755)
        files.directory(folder, mode=0o755)
        files.put(folder / "give-back.conf", _PROXY.format(socket=self._context.place.socket), mode=0o644)
        systemd.reload()
        systemd.stop_and_wait([self.unit])
        end = world.now() + self._facts.timeout
        while (self.waits() or not systemd.one(self.unit).is_gone) and world.now() < end:
            world.sleep(0.1)
        systemd.stop_and_wait([self.socket_unit, self.unit])
        systemd.forget_failures([self.unit, self.socket_unit])
        files.remove(folder)
        systemd.reload()


def _is_settled(code: int) -> bool:
    """Whether it is what the application has decided: an error of a server may pass, and no answer may come."""
    return 300 <= code < 500 and code not in _PASSING


_PROXY = """\
[Service]
Type=notify
User=www-data
Group=www-data
WorkingDirectory=/
EnvironmentFile=
CacheDirectory=
ExecStart=
ExecStart=/usr/lib/systemd/systemd-socket-proxyd --exit-idle-time=2s {socket}
Restart=no
"""
