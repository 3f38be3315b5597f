"""What the program says, to people and to the step's log: no secret is in it, whoever printed it."""

import collections
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .faults import FullDisk, Stop
from .tracebacks import cause
from .world import Command, World

# In KiB: with less a disk is full; and with less than the second, what is set aside on it is given back.
_FREE_AT_LEAST, _ENOUGH = 2048, 256 * 1024
# What is shown of a line, in characters: nobody reads more, and a build may print what it likes.
_LONGEST = 4000
# How many lines are kept of what a program prints, the last ones: it may print for ever.
MOST_LINES = 5000
# What a terminal takes for an order, such as to write its clipboard, or to show text in another place or direction.
_ORDERS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
SPACE = "Free some space on the host or give it a larger disk, then run 'pulumi up' again; it goes on where it stopped."


class Voice:
    def __init__(self, world: World, step: str, log: Path) -> None:
        self.step = step
        self.log_path = log
        self.needles: Sequence[str] = ()
        self._world = world
        # What stands in the log from here on is of this run.
        self._from = log.stat().st_size if log.exists() else 0

    def mask(self, text: str) -> str:
        """A line as it may be printed: no secret is in it, no order to a terminal, and no more than anybody reads."""
        for needle in self.needles:
            text = text.replace(needle, "[secret]")
        text = _UNPRINTABLE.sub("?", _ORDERS.sub("", text))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … (a line of {len(text)} characters)"

    def say(self, text: str) -> None:
        """A line of progress, for a person."""
        self.show([f"{self.step}: {text}"])

    def show(self, lines: Iterable[str]) -> None:
        """Whoever listened may have gone."""
        try:
            for line in lines:
                sys.stderr.write(f"{self.mask(line)}\n")
            sys.stderr.flush()
        except OSError:
            return

    def log(self, line: str) -> None:
        try:
            with open(self.log_path, "a", errors="surrogateescape") as log:
                log.write(f"{self.mask(line)}\n")
        except OSError:
            return

    def fail(self, stop: Stop) -> None:
        self.show([f"berth: {self.step}: {stop}"])

    def refuse_full_disk(self) -> None:
        """A full disk explains most other failures, so it is asked first.

        Who could not write often takes away what it had written before it ends, so what it said counts as well.
        """
        if any(free < _ENOUGH for _, free in self._world.free()):
            for line in self._world.give_space_back():
                self.say(f"the disk {line}")
        for place, free in self._world.free():
            if free < _FREE_AT_LEAST:
                raise FullDisk(f"the disk is full: {place} has {free} KiB left.", SPACE)
        for line in self.logged():
            if "No space left on device" in line:
                raise FullDisk(f"the disk is full, or was a moment ago: '{line.strip()}'.", SPACE)

    def logged(self) -> list[str]:
        """What this run has logged."""
        try:
            with open(self.log_path, errors="surrogateescape") as log:
                log.seek(self._from)
                return log.read().splitlines()
        except OSError:
            return []


def kept_lines() -> collections.deque[str]:
    return collections.deque(maxlen=MOST_LINES)


class Heard:
    """What a program of the application prints: logged, and kept without secrets."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._out = kept_lines()
        self._errors = kept_lines()

    def __call__(self, line: str, is_error: bool) -> None:
        self._voice.log(line)
        (self._errors if is_error else self._out).append(self._voice.mask(line))

    @property
    def lines(self) -> list[str]:
        """Errors come last. The two arrive by threads of their own, and would tear a traceback apart."""
        return [*self._out, *self._errors]


class Runner:
    """Runs programs with what they print in the step's log, and shows the cause where one fails."""

    def __init__(self, world: World, voice: Voice) -> None:
        self.world = world
        self.voice = voice

    def run(self, command: Command, *, stdin: Path | None = None) -> int:
        status, _ = self.run_and_keep(command, stdin=stdin)
        return status

    def run_and_keep(self, command: Command, *, stdin: Path | None = None) -> tuple[int, list[str]]:
        """Its status, and the lines that it printed."""
        kept = kept_lines()

        def listen(line: str, _: bool) -> None:
            self.voice.log(line)
            kept.append(self.voice.mask(line))

        status = self.world.run(command, listen, stdin=stdin)
        lines = list(kept)
        if status != 0:
            self.voice.show(cause(lines))
            self.voice.refuse_full_disk()
        return status, lines

    def lines_of(self, command: Command) -> list[str]:
        """What a program prints; its errors go to the log. It must not fail."""
        lines: list[str] = []

        def listen(line: str, is_error: bool) -> None:
            if is_error:
                self.voice.log(line)
            else:
                lines.append(line)

        status = self.world.run(command, listen, apart=True)
        if status != 0:
            self.voice.refuse_full_disk()
            raise Stop(
                f"'{' '.join(command.argv)}' ended with status {status}.",
                f"What it printed is in {self.voice.log_path} on the host.",
            )
        return lines
