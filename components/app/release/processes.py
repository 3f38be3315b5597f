"""The processes of an instance next to its web server: which of them must run, and of which there may be only one."""

from .context import Context
from .facts import Process
from .listening import listening
from .procfile import Procfile
from .records import Instance
from .systemd import Look

# How long a process counts as starting up, in seconds: at least, and then until it rests. One that works already rests
# when there is no work, so it ends at this computing time, or at the last.
_AT_LEAST = 0.7
_COMPUTING = 5
_AT_MOST = 30
# The computing time between two looks of one that does not rest.
_COMPUTES = 0.025
# How long that of which there may be only one has to end, in seconds.
ALONE = 40
_SHELLS = ("bash", "dash", "sh")


class Processes:
    def __init__(
        self,
        context: Context,
        wanted: tuple[Process, ...],
        procfile: Procfile,
        instance: Instance,
        others: list[Instance],
        secrets: tuple[str, ...],
    ) -> None:
        self._context = context
        self._instance = instance
        self._secrets = secrets
        # At which port each listens, with its unit.
        self._ports = [
            (port, unit.name)
            for process in wanted
            for unit in instance.units
            if unit.process == process.name
            for port in process.ports
        ]
        self._started = 0.0
        self._computed: dict[str, float] = {}
        self._left = {
            process.name: place
            for process in wanted
            if process.keep and (place := self._place_of(process.name, procfile.command(process), others))
        }
        units = [unit for unit in instance.units if unit.process not in self._left]
        self.beside = [unit.name for unit in units if not unit.alone]
        self.alone = [unit.name for unit in units if unit.alone]
        self._alone_now = {unit.process for unit in units if unit.alone}

    def _place_of(self, process: str, command: str, others: list[Instance]) -> str:
        """The instance on which a process runs and is left ('onRelease: keep').

        It is not left when its command, its count or a secret is another now: a password of before ends some time.
        """
        own = _names(self._instance, process)
        for other in others:
            units = _names(other, process)
            if (
                units
                and len(units) == len(own)
                and self._context.instances.runs(process, other.name, command)
                and self._context.instances.has_secrets_of_now(other.name, self._secrets)
                and self._context.systemd.all_active(units)
            ):
                return other.name
        return ""

    def unwanted(self, other: Instance, *, alone: bool = False) -> list[str]:
        """The units of another instance that must not run any more; if asked so, only those that must be alone."""
        return [
            unit.name
            for unit in other.units
            if (unit.alone or unit.process in self._alone_now or not alone)
            and self._left.get(unit.process) != other.name
        ]

    def start(self, units: list[str]) -> None:
        if units:
            self._started, self._computed = self._context.world.now(), {}
            self._context.systemd.start(units)

    def still_starting(self, looks: list[Look]) -> bool:
        """Whether those that were started last still start up."""
        age = self._context.world.now() - self._started
        if not looks or age >= _AT_MOST:
            return False
        busy = [look for look in looks if self._is_busy(look)]
        self._computed = {look.unit: look.computed for look in looks}
        return age < _AT_LEAST or any(look.computed < _COMPUTING for look in busy)

    def _is_busy(self, look: Look) -> bool:
        """It has computed since the last look, or waits for a processor, the disk or systemd: others may have these."""
        computed = look.computed - self._computed.get(look.unit, 0.0)
        return look.has_job or computed >= _COMPUTES or self._context.systemd.is_at_work(look)

    def settle(self, units: list[str]) -> list[Look]:
        """Waits until they have started up, or one has fallen; how they are then."""
        while True:
            looks = self._context.systemd.look(units)
            if any(look.has_fallen for look in looks) or not self.still_starting(looks):
                return looks
            self._context.world.sleep(0.1)

    def unheard(self) -> tuple[int, str] | None:
        """A port at which nothing listens after a while, and the unit that should."""
        end = self._context.world.now() + _AT_MOST
        while True:
            heard = listening(self._context.world) if self._ports else set()
            missing = [(port, unit) for port, unit in self._ports if port not in heard]
            if not missing:
                return None
            if self._context.world.now() > end:
                return missing[0]
            self._context.world.sleep(0.1)

    def shelled(self, looks: list[Look]) -> str:
        """The first whose main process is a shell that waits for the command, and would pass on no signal to it."""
        systemd = self._context.systemd
        for look in looks:
            if systemd.program(look) in _SHELLS and systemd.children(look):
                return look.unit
        return ""

    def of(self, unit: str) -> str:
        """The name of the process that a unit runs."""
        return unit.removeprefix(f"{self._context.place.name}-").split("@", 1)[0]


def _names(instance: Instance, process: str) -> list[str]:
    return [unit.name for unit in instance.units if unit.process == process]
