"""When what was told to end has ended: what lies of instances that are live no more goes, their settings and units.

The step that makes a release live starts this and does not wait.
"""

from . import states
from .context import Context
from .records import Instance


def tidy(context: Context) -> None:
    """Steps hold the lock meanwhile: none of them starts one of these.

    The one that was waited for may itself have made a release live, and started no other for what that has left.
    """
    while True:
        while _is_ending(context):
            context.world.sleep(0.5)
        context.world.take_lock()
        if not _is_ending(context):
            break
        context.world.drop_lock()
    # Until then, one that crashed as it ended has had its requests asked again there (site.conf).
    context.files.remove(context.place.before_socket)
    for instance in _left(context):
        _take_away(context, instance)


def _left(context: Context) -> list[Instance]:
    live = context.ledger.live()
    return [context.ledger.instance(name) for name in context.instances.others(live, set())]


def units_of(context: Context, instance: Instance) -> list[str]:
    units = [unit.name for unit in instance.units]
    web = context.place.web_unit(instance.name)
    return [*units, f"{web}.service", f"{web}.socket"] if context.place.web else units


def _is_ending(context: Context) -> bool:
    units = [unit for instance in _left(context) for unit in units_of(context, instance)]
    return any(look.is_ending for look in context.systemd.look(units))


def _take_away(context: Context, instance: Instance) -> None:
    looks = context.systemd.look(units_of(context, instance))
    # A process is left on it (onRelease: keep), or it is one that a killed step has begun.
    if instance.state in (states.STARTING, states.TRIAL) or not all(look.is_gone for look in looks):
        return
    context.systemd.forget_failures([look.unit for look in looks if look.active == "failed"])
    context.instances.take_away(instance.name, instance.units)
    if instance.state == states.LEAVING:
        context.ledger.move_instance(instance, "ended")
