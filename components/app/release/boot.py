"""Starts the instance that is live, and it alone, as the host boots: its server and its processes.

Where a switch was cut short, all links are made to follow the one that says which instance boots.
"""

from .context import Context
from .front import lead_to


def start(context: Context) -> None:
    place, files, ledger = context.place, context.files, context.ledger
    instance = ledger.live()
    if not instance:
        return
    # By hand it may be started while a step is at work, whose affairs these are.
    if context.world.take_lock(wait=False):
        context.recover()
    files.link(place.current, place.told(place.release(ledger.instance(instance).release)))
    units = [unit.name for unit in ledger.instance(instance).units]
    if place.web:
        files.directory(place.run, mode=0o755)
        lead_to(context, instance)
        files.remove(place.before_socket)
        web = place.web_unit(instance)
        units = [f"{web}.socket", f"{web}.service", *units]
    context.systemd.start(units)


def give_up(context: Context, wanted: list[str]) -> str:
    """Ends what this host runs of that of which there may be only one and which has moved to another host.

    The first unit that does not end; nothing where all have.
    """
    for instance in context.ledger.instances():
        for unit in instance.units:
            moved = unit.alone and unit.process not in wanted and not context.systemd.one(unit.name).is_gone
            if moved and not context.systemd.stop_and_wait([unit.name]):
                return unit.name
    return ""
