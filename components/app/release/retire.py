"""What was live before: it takes nothing new, finishes what it has begun, and ends; then what lies of it goes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from . import states
from .context import Context
from .facts import Live
from .files import link_target
from .prepare import forget, in_use, known_releases
from .processes import Processes
from .records import Instance
from .server import Server
from .world import Command

_FAILURES_KEPT = 20
_GOING = (states.STARTING, states.LIVE, states.LEAVING)


def retire_others(context: Context, facts: Live, instance: str, processes: Processes) -> None:
    """All other instances end. The step does not wait for what they have begun."""
    place, systemd = context.place, context.systemd
    running = systemd.instances_of(f"{place.name}-web") if place.web else set()
    others = [context.ledger.instance(name) for name in context.instances.others(instance, running)]
    told: dict[str, list[str]] = {}
    late: list[Server] = []
    for other in others:
        _record_replaced(context, other)
        told[other.name] = processes.unwanted(other)
        if place.web:
            server = Server(context, facts, other.name)
            if server.waits():
                late.append(server)
            else:
                # Its socket as well, which would start it again.
                told[other.name] += [server.unit, server.socket_unit]
        systemd.stop(told[other.name])
    for server in late:
        end = context.world.now() + facts.timeout
        while server.waits():
            if context.world.now() > end:
                context.voice.say(f"{server.unit} has not taken all that waits at its socket in {facts.timeout} s")
                break
            context.world.sleep(0.1)
        systemd.stop([server.unit, server.socket_unit])
        told[server.instance] += [server.unit, server.socket_unit]
    for name, units in told.items():
        leave(context, name, units)
    start_tidying(context)


def _record_replaced(context: Context, instance: Instance) -> None:
    """Where that cannot be written, it ends all the same; the next run finds that it is not what boots."""
    if instance.state in _GOING:
        with suppress(OSError):
            context.ledger.move_instance(instance, "replaced")


def leave(context: Context, instance: str, units: list[str]) -> None:
    """Says what of an instance goes on. A socket goes with its server."""
    looks = context.systemd.look([unit for unit in units if not unit.endswith(".socket")])
    left = " ".join(look.unit for look in looks if not look.is_gone)
    if left:
        release = context.ledger.instance(instance).release
        context.voice.say(f"{left}: finishes its requests and tasks, on release {release}, and then ends")


def start_tidying(context: Context) -> None:
    """When that has ended. One that is there already looks after it as well."""
    fixed = ["--quiet", "--collect", "--no-block", f"--unit=berth-{context.place.name}-tidy"]
    program = f"{context.place.library}/berth-release"
    context.world.run(Command(["systemd-run", *fixed, program, "tidy"]), lambda line, _: context.voice.log(line))


@contextmanager
def prune_beside(context: Context, facts: Live) -> Iterator[None]:
    """Takes old releases away while something else goes on, which touches none of them."""
    faults: list[Exception] = []

    def work() -> None:
        try:
            prune(context, facts.release, facts.keep)
        except Exception as fault:  # noqa: BLE001  # It is raised where the thread is waited for.
            faults.append(fault)

    pruning = threading.Thread(target=work)
    pruning.start()
    try:
        yield
    finally:
        pruning.join()
    for fault in faults:
        raise fault


def prune(context: Context, release: str, keep: int) -> None:
    """The last proven releases stay; with the others go their static files and environments."""
    place, ledger = context.place, context.ledger
    proven = [one for one in ledger.releases() if one.state == states.PROVEN]
    kept = {release, *(one.id for one in proven[:keep])}
    for name in sorted(known_releases(context) - kept):
        if not in_use(context, name):
            forget(context, ledger.release(name))
    used = {link_target(path / ".venv") for path in place.releases.iterdir()}
    for path in place.venvs.iterdir():
        if place.told(path) not in used:
            ledger.forget_environment(path.name)
            context.files.discard(path, place.gone)
    # By themselves: a release that failed may have migrated, and its dump is of before.
    dumps = sorted(place.dumps.glob("*.dump"), key=lambda path: path.stat().st_mtime, reverse=True)
    # A release has one for each database that it has migrated.
    of_releases = list(dict.fromkeys(path.name.split(".")[0] for path in dumps))
    for path in dumps:
        if path.name.split(".")[0] in of_releases[keep:]:
            context.files.remove(path)
    failed = [one for one in ledger.instances() if one.state == states.FAILED]
    for one in failed[_FAILURES_KEPT:]:
        ledger.move_instance(one, "surplus")
