"""Tracebacks of Python in what programs print: the cause of a failure in few lines, and exceptions by their names."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from . import repeats

_BEGIN = "Traceback (most recent call last):"
_FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line (?P<line>\d+)(?:, in (?P<name>.*))?$')
# Between a traceback and the one of the exception that came of it.
_OTHERS = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
# Lines of a message below its first, as PostgreSQL and others write them.
_MORE = re.compile(r"^(DETAIL|HINT|CONTEXT|LINE \d+|STATEMENT): ?|^\s+\S")
_INTERRUPTED = ("KeyboardInterrupt", "SystemExit")
# How many of the last frames of the application's own are shown, and how many lines below the traceback.
_OWN, _BELOW = 8, 5


@dataclasses.dataclass(frozen=True)
class _Frame:
    # Its first line, and the one below its last.
    start: int
    end: int
    file: str
    told: str

    @property
    def is_own(self) -> bool:
        """Whether it is of the application's own code: in a release, and not in its environment."""
        return "/releases/" in self.file and not re.search(r"/(\.venv|site-packages|node_modules)/", self.file)


@dataclasses.dataclass(frozen=True)
class _Trace:
    start: int
    end: int
    frames: tuple[_Frame, ...]
    # The exception with the first line of its message.
    error: str

    @property
    def own(self) -> list[_Frame]:
        return [frame for frame in self.frames if frame.is_own]


# A traceback, and those of what came of it.
_Chain = list[_Trace]


def cause(lines: Sequence[str], most: int = 40) -> list[str]:
    """What to show of the lines of a program that failed: all, or its traceback without most of the libraries' frames.

    What it says over and over is shown once.

    :param most: how many lines are shown as they are; of more without a traceback, so many of the last
    """
    lines = repeats.once(lines)
    if len(lines) <= most:
        return lines
    chains = list(_chains(lines))
    if not chains:
        return list(lines[-most:])
    # A server prints tracebacks of its own below the one that counts.
    own = [chain for chain in chains if any(trace.own for trace in chain)]
    chain = own[-1] if own else chains[0]
    start, end = chain[0].start, chain[-1].end
    # What it was about to do, and what it said in the end.
    return [*lines[max(0, start - 2) : start], *_shortened(lines, chain, most), *lines[end:][-_BELOW:]]


def exceptions(lines: Sequence[str]) -> list[str]:
    """The exceptions in a log, each once, with where it was raised and how often."""
    counts = Counter(_told(chain) for chain in _chains(lines))
    return [told if count == 1 else f"{told}, {count} times" for told, count in counts.items()]


def kinds(lines: Sequence[str]) -> set[str]:
    """The same without how often."""
    return {_told(chain) for chain in _chains(lines)}


def _told(chain: _Chain) -> str:
    """The last exception, and the last place in the application's own code that led there."""
    frames = next((trace.own for trace in reversed(chain) if trace.own), None) or chain[-1].frames
    return f"{chain[-1].error} ({frames[-1].told})" if frames else chain[-1].error


def _chains(lines: Sequence[str]) -> Iterator[_Chain]:
    """All but those of programs that were told to end."""
    chain: _Chain = []
    for trace in _traces(lines):
        if chain and not _leads_on(lines[chain[-1].end : trace.start]):
            yield chain
            chain = []
        chain.append(trace)
        if trace.error.startswith(_INTERRUPTED):
            chain = []
    if chain:
        yield chain


def _leads_on(between: Sequence[str]) -> bool:
    said = [line for line in between if line.strip()]
    return len(said) == 1 and said[0] in _OTHERS


def _traces(lines: Sequence[str]) -> Iterator[_Trace]:
    index = 0
    while index < len(lines):
        start = index
        index += 1
        if lines[start] != _BEGIN:
            continue
        while index < len(lines) and lines[index].startswith(" "):
            index += 1
        # Of one that was cut off by another, the exception is not known.
        if index == len(lines) or lines[index] == _BEGIN:
            continue
        error = lines[index]
        frames = tuple(_frames(lines, start + 1, index))
        index += 1
        while index < len(lines) and _MORE.match(lines[index]):
            index += 1
        yield _Trace(start, index, frames, error)


def _frames(lines: Sequence[str], start: int, end: int) -> Iterator[_Frame]:
    found = [(index, match) for index in range(start, end) if (match := _FRAME.match(lines[index]))]
    ends = [*(index for index, _ in found[1:]), end]
    # One that somebody has printed without its frames has none.
    for (index, match), below in zip(found, ends[: len(found)], strict=True):
        short = match["file"].partition("/releases/")[2].partition("/")[2] or match["file"]
        within = f", in {match['name']}" if match["name"] else ""
        yield _Frame(index, below, match["file"], f"{short}, line {match['line']}{within}")


def _shortened(lines: Sequence[str], chain: _Chain, most: int) -> list[str]:
    if chain[-1].end - chain[0].start <= most:
        return list(lines[chain[0].start : chain[-1].end])
    shown: list[str] = []
    at = chain[0].start
    for trace in chain:
        # What leads from the exception before to this one.
        shown += lines[at : trace.start + 1]
        shown += _few_frames(lines, trace)
        shown += lines[trace.frames[-1].end if trace.frames else trace.start + 1 : trace.end]
        at = trace.end
    return shown


def _few_frames(lines: Sequence[str], trace: _Trace) -> list[str]:
    """Those of the application's own code, and the last one."""
    kept = {frame.start for frame in [*trace.own[-_OWN:], *trace.frames[-1:]]}
    shown: list[str] = []
    left = 0
    for frame in trace.frames:
        if frame.start not in kept:
            left += 1
            continue
        if left:
            shown.append(f"  … {left} more {'calls' if left > 1 else 'call'}")
        left = 0
        shown += lines[frame.start : frame.end]
    return shown
