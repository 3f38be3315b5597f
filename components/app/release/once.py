"""Commands that run once in a stack's life: the first superuser, the site's name, data to begin with.

They run where and as migrations do, and before anything goes live. Each that has ended well is recorded by its name.
"""

import dataclasses
import json

from . import symptoms
from .context import Context
from .facts import Live, Once
from .faults import Stop
from .records import Release
from .tracebacks import cause
from .voice import Heard


def run(context: Context, facts: Live, release: Release) -> None:
    """Those that are not done yet, in their order."""
    if not context.place.web or facts.kept:
        return
    for once in facts.once:
        done = context.ledger.done(once.name)
        if done is None:
            _run(context, release, once)
            context.ledger.keep_done(once.name, {**dataclasses.asdict(once), "release": release.id})
        elif done != once.command:
            context.voice.say(
                f"app.once '{once.name}' is done already, with another command, and does not run again: "
                "give it another name to run it"
            )


def _run(context: Context, release: Release, once: Once) -> None:
    voice = context.voice
    heard = Heard(voice)
    voice.say(f"running '{once.name}', once")
    end = context.world.now() + once.timeout
    more = [f"RuntimeMaxSec={once.timeout}", "TimeoutStopSec=10"]
    status = context.inside.run(release, ["/bin/bash", "-c", once.command], heard, more=more)
    if status == 0:
        return
    voice.show(cause(heard.lines))
    voice.refuse_full_disk()
    how = f"did not end within {once.timeout} s" if context.world.now() >= end else f"failed with status {status}"
    raise Stop(
        f"the command '{once.name}' of app.once {how}: {json.dumps(once.command)}.",
        "Its last lines are above. Nothing went live, and the next 'pulumi up' tries it again. "
        f"{symptoms.told(heard.lines)}".rstrip(),
    )
