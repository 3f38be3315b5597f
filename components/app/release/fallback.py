"""Back from an instance that is unhealthy: people are led to the one before, and what was started is told to end.

Then it is asked whose fault it was. Only what is the release's own is marked, so that it is not tried again by itself.
"""

import re
import threading
from typing import TYPE_CHECKING

from . import states, symptoms
from .context import Context
from .facts import Live
from .faults import FullDisk, LostLock, Stop, Unhealthy
from .front import lead_to
from .journal import of_systemd, printed
from .migrate import MigrationFailed
from .processes import ALONE
from .retire import leave, start_tidying
from .services import away
from .settings import Settings
from .tracebacks import cause, kinds
from .voice import Heard

if TYPE_CHECKING:
    from .live import Switch

# How many lines are shown of what an unhealthy release printed.
_WORDS = 80
# How systemd and the servers tell of a process that was killed.
_KILLED = re.compile(r"status=9/KILL|was sent SIGKILL|killed by signal 9")


# Nobody can tell whether a database is another one than before.
_AGAIN = "The next 'pulumi up' tries it again, because the data may have been repaired by then."


class FallBack:
    def __init__(self, context: Context, facts: Live, settings: Settings, switch: "Switch") -> None:
        self._context = context
        self._facts = facts
        self._settings = settings
        self._switch = switch
        self._away: list[str] = []
        self._is_short = False
        self._ended_before = _ended_by_kernel(context)

    def from_fault(self, fault: Exception) -> Stop:
        """Undoes what was begun, and tells what ends the step."""
        context, switch = self._context, self._switch
        if context.ledger.live() == switch.instance.name and switch.before != switch.instance.name:
            # It had become the one that boots: there is nothing to go back from.
            return context.as_stop(fault)
        words: list[str] = []
        asking = threading.Thread(target=self._ask_services)
        if isinstance(fault, Unhealthy):
            # While they are asked, nobody waits for it.
            asking.start()
            words = self._last_words(fault)
            context.voice.show(words)
            if switch.instance.name == switch.before:
                asking.join()
                return self._of_live(fault)
        if switch.instance.name != switch.before:
            try:
                self._take_back()
            except LostLock:
                raise
            except Exception as error:  # noqa: BLE001  # What went wrong first is what is told.
                context.as_stop(error)
        if asking.ident is not None:
            asking.join()
        if isinstance(fault, Unhealthy):
            # Nobody waits for it any longer.
            raised = self._raised(fault, words)
            context.voice.show(raised)
            words += raised
        if isinstance(fault, MigrationFailed):
            words = fault.words
        stop, event = self._judged(fault, words)
        is_of_data = isinstance(fault, MigrationFailed) or symptoms.is_of_data(words)
        self._record(event, stop.what, words, is_of_data=is_of_data)
        return stop

    def _of_live(self, fault: Unhealthy) -> Stop:
        """The one that is live already, which has fallen ill: there is no other."""
        self._context.ledger.move_instance(self._switch.instance, "unhealthy")
        todo = f"Its log: journalctl -u {fault.unit}"
        if self._away:
            todo = f"{_sentence(self._away)} {todo}"
        return Stop(f"the application is unhealthy: {fault.reason}", todo)

    def _ask_services(self) -> None:
        self._away = away(self._context.world, self._settings)

    def _judged(self, fault: Exception, words: list[str]) -> tuple[Stop, str]:
        """What ends the step, and the event by which the instance goes."""
        if isinstance(fault, MigrationFailed):
            todo = (
                f"Its last lines are above. The site still runs the previous release. {symptoms.told(words)}".rstrip()
            )
            return Stop(fault.reason, f"{todo} {_AGAIN}"), "own fault"
        if not isinstance(fault, Unhealthy):
            stop = self._context.as_stop(fault)
            return stop, "disk full" if isinstance(stop, FullDisk) else "held up"
        try:
            self._context.voice.refuse_full_disk()
        except FullDisk as full:
            return full, "disk full"
        what = f"release {self._facts.release} is unhealthy: {fault.reason}"
        todo = self._next(fault.unit)
        if self._away:
            again = "That is not the release's fault: the next 'pulumi up' tries it again."
            return Stop(what, f"{todo} {_sentence(self._away)} {again}"), "service away"
        if self._is_short:
            return Stop(what, f"{todo} {self._memory(fault.unit)}"), "short of memory"
        told = f"{todo} {symptoms.told(words)}".rstrip()
        if not fault.held_up and symptoms.is_of_data(words):
            told = f"{told} {_AGAIN}"
        return Stop(what, told), "held up" if fault.held_up else "own fault"

    def _memory(self, unit: str) -> str:
        process = self._switch.processes.of(unit)
        limit = (
            f"raise app.processes.{process}.memory"
            if self._context.systemd.has_limit(unit)
            else "give the host more, or lower app.workers"
        )
        return (
            "But memory was short, and the kernel ended processes. While a release goes live, the previous one runs "
            f"next to it. That is not the release's fault: {limit}, and the next 'pulumi up' tries it again."
        )

    def _next(self, unit: str) -> str:
        switch = self._switch
        if not switch.is_switched:
            return switch.serving(unit)
        after = f" The previous release, {switch.came_from}, serves again." if switch.before else ""
        return f"It was healthy before the switch.{after}"

    def _record(self, event: str, reason: str, words: list[str], *, is_of_data: bool) -> None:
        """Where not even that can be written, the next run finds it as interrupted, and tries it again."""
        instance = self._switch.instance
        if instance.state not in (states.STARTING, states.TRIAL):
            return
        kept: dict[str, str] = {}
        if event == "own fault":
            masked = [self._context.voice.mask(line) for line in words]
            kept = {"reason": self._context.voice.mask(reason), "words": "\n".join(masked)}
            # Tried with nothing, it is tried again.
            kept |= {"tried_with": ""} if is_of_data else {}
        try:
            self._context.ledger.move_instance(instance, event, **kept)
        except OSError:
            return

    def _take_back(self) -> None:
        """What it had at hand goes to the one before; of what there may be only one, the old one runs again."""
        context, switch = self._context, self._switch
        place, processes = context.place, switch.processes
        if switch.is_switched and place.web:
            if switch.before:
                lead_to(context, switch.before)
            else:
                context.files.remove(place.socket)
        started = [*processes.beside, *processes.alone]
        context.systemd.stop(started)
        if switch.before:
            end = context.world.now() + ALONE
            while not context.systemd.all_gone(processes.alone) and context.world.now() < end:
                context.world.sleep(0.1)
            processes.start(processes.unwanted(context.ledger.instance(switch.before), alone=True))
        if place.web and context.systemd.one(switch.server.socket_unit).active != "inactive":
            self._give_back()
        leave(context, switch.instance.name, started)
        start_tidying(context)

    def _give_back(self) -> None:
        """What waits is asked again elsewhere; where that fails, it is still told to end."""
        server = self._switch.server
        try:
            server.give_back()
        except OSError as error:
            self._context.voice.log(f"what waits at {server.unit} cannot be handed on: {error}")
            self._context.systemd.stop([server.unit, server.socket_unit])

    def _last_words(self, fault: Unhealthy) -> list[str]:
        """What it printed since this step began: all that shows why it is unhealthy."""
        context, unit = self._context, fault.unit
        lines = printed(context, [unit], at_once=self._switch.is_switched)
        # In systemd's own words. It sees that in its unified hierarchy alone; elsewhere one of them was killed, and the
        # kernel has counted one, which may also be another's.
        is_told = any("killed by the OOM killer" in line for line in of_systemd(context, unit))
        is_killed = any(_KILLED.search(line) for line in lines)
        self._is_short = is_told or (is_killed and _ended_by_kernel(context) > self._ended_before)
        # gunicorn puts some thirty lines of its own below the exception.
        return cause(lines, _WORDS)

    def _raised(self, fault: Unhealthy, words: list[str]) -> list[str]:
        """The exception of a page of Django's, which is in no log unless the project's LOGGING says so."""
        context, facts = self._context, self._facts
        if not fault.path or facts.django is None:
            return []
        heard = Heard(context.voice)
        place, release = context.place, context.ledger.release(facts.release)
        python = f"{place.told_root}/releases/{release.id}/.venv/bin/python"
        program = f"{place.library}/program/release/application/django_page.py"
        argv = [python, program, fault.path, facts.domain, facts.scheme]
        context.inside.run(release, argv, heard, more=["RuntimeMaxSec=60"])
        found = cause(heard.lines)
        return found if kinds(found) - kinds(words) else []


def _ended_by_kernel(context: Context) -> int:
    """How many processes the kernel has ended since it booted because memory was short: proc_vmstat(5)."""
    try:
        text = context.world.path("/proc/vmstat").read_text()
    except OSError:
        return 0
    found = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _sentence(missing: list[str]) -> str:
    return f"But {'; '.join(missing)}."
