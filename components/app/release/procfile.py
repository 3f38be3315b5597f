"""The Procfile of a release, and what of it can be run as the processes that the stack names.

https://devcenter.heroku.com/articles/procfile
"""

import re
import shlex

from .facts import Process

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*?)\s*$")
_WITH_BEAT = re.compile(r" (-B|-EB|-BE|--beat)( |$)")
_SCHEDULE = re.compile(r" (-s|-S|--schedule|--scheduler)([ =]|$)")


class Procfile:
    def __init__(self, text: str, kinds: tuple[tuple[str, str], ...]) -> None:
        found = (_LINE.match(line) for line in text.splitlines())
        self.lines = {match[1]: match[2] for match in found if match}
        self._kinds = kinds

    def kind_of(self, command: str) -> str:
        """What a command runs, as the stack's program tells it."""
        return next((kind for kind, pattern in self._kinds if re.search(pattern, command)), "command")

    def unfit(self, process: Process) -> str:
        """Why its line cannot be run as this process; nothing where it can, or where the stack has the command."""
        if process.command is not None:
            return ""
        name, line = process.name, self.lines.get(process.name, "")
        told = self.kind_of(line)
        if line == "":
            return f"its Procfile has no line '{name}', and the stack no command for it"
        if told not in ("command", process.kind):
            return f"its Procfile's '{name}' is of the kind {told}, and the stack has it as {process.kind}"
        if told == "celery" and _WITH_BEAT.search(line):
            return (
                f"its Procfile's '{name}' is a worker with beat (-B); "
                "while one takes over from the other there would be two beats"
            )
        return ""

    def unnamed(self, processes: tuple[str, ...]) -> list[str]:
        """Its processes that the stack does not name."""
        return [name for name in self.lines if name not in ("web", "release", *processes)]

    def command(self, process: Process) -> str:
        """What runs as a process, as the text of a shell; nothing where the release has nothing to run.

        The process that systemd watches must be the command itself.
        """
        if self.unfit(process):
            return ""
        command = self.lines[process.name] if process.command is None else process.command
        if process.kind == "celery-beat" and not _SCHEDULE.search(command):
            command += ' --schedule "$STATE_DIRECTORY/celerybeat-schedule"'
        return f"exec bash -c {shlex.quote(command)}\n"
