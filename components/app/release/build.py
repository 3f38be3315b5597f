"""What a stack has run in a release while it can still be written: translations, style sheets, models."""

from .context import Context
from .facts import Build
from .faults import Stop
from .source import Source


def run(context: Context, source: Source, wanted: Build) -> bool:
    """Whether anything ran. As the owner of the code, and without the application's secrets."""
    for command in wanted.commands:
        context.voice.say(f"running '{command}'")
        if context.runner.run(source.as_owner("bash", "-c", command, environment=dict(wanted.env))) != 0:
            raise Stop(
                f"'{command}' failed (berth:app.build.commands).",
                "Its last lines are above; nothing that runs was changed. It is given berth:app.build.env, and none of "
                "the application's settings.",
            )
    return bool(wanted.commands)
