"""What runs now and in which state, which releases there are, and the history: as JSON, for `npm run releases`."""

import json

from . import hooks, states
from .context import Context
from .records import Instance, Release
from .tidy import units_of


def status(context: Context) -> str:
    ledger = context.ledger
    live = ledger.live()
    return json.dumps(
        {
            "application": context.place.name,
            "live": live or None,
            "instances": [_instance(context, one, live) for one in ledger.instances()],
            "releases": [_release(context, one) for one in ledger.releases()],
            "hooks": hooks.outcomes(context),
            "history": [json.loads(line) for line in ledger.history()],
        }
    )


def _instance(context: Context, instance: Instance, live: str) -> dict[str, object]:
    looks = [] if instance.state == states.FAILED else context.systemd.look(units_of(context, instance))
    return {
        "instance": instance.name,
        "release": instance.release,
        # The link decides, where a run was interrupted between the two.
        "state": states.LIVE if instance.name == live else instance.state,
        "since": instance.since,
        "reason": instance.reason or None,
        "units": [
            {
                "unit": look.unit,
                "state": f"{look.active} ({look.sub})" if look.sub else look.active,
                "restarts": look.restarts,
            }
            for look in looks
            if not look.unit.endswith(".socket")
        ],
    }


def _release(context: Context, release: Release) -> dict[str, object]:
    return {
        "release": release.id,
        "state": release.state,
        "since": release.since,
        "commit": release.commit or None,
        "server": release.server,
        "released_at": release.released_at or None,
        "kept": release.state == states.PROVEN and context.ledger.is_there(release),
    }
