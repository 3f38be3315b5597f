"""What a stack has run in a release while it can still be written: translations, style sheets, models."""

from . import symptoms
from .context import Context
from .facts import Build
from .faults import Stop
from .source import Source


def run(context: Context, source: Source, wanted: Build) -> bool:
    """Whether anything ran. As the owner of the code, and without the application's secrets."""
    for command in wanted.commands:
        context.voice.say(f"running '{command}'")
        status, lines = context.runner.run_and_keep(source.as_builder("bash", "-c", command))
        if status != 0:
            raise Stop(
                f"'{command}' failed (app.build.commands).",
                "Its last lines are above; nothing that runs was changed. It is given app.build.env and "
                "app.build.secrets, and none of the application's settings. "
                f"{symptoms.told_of_build(lines)}".rstrip(),
            )
    return bool(wanted.commands)
