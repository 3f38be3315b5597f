"""What programs print over and over, once: a server that is asked ten times a second fails ten times a second."""

import re
from collections.abc import Sequence

# What differs between lines that say the same: times, processes, addresses in memory.
_VARIES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*|\d\d/\w{3}/\d{4}[: ]\d\d:\d\d:\d\d|\b\d\d:\d\d:\d\d\b|\[\d+\]|0x[0-9a-f]+"
)
# How long a block is that may repeat, in lines: a traceback through Django and its templates.
_LONGEST = 120


def once(lines: Sequence[str]) -> list[str]:
    """Lines without the blocks that are the same as the one above; how many there were is said."""
    same = [_VARIES.sub("", line) for line in lines]
    shown: list[str] = []
    index = 0
    while index < len(lines):
        length, times = _block(same, index)
        shown += lines[index : index + length]
        if times > 1:
            shown.append(f"  … the same {times - 1} more times" if times > 2 else "  … the same once more")
        index += length * times
    return shown


def _block(same: Sequence[str], start: int) -> tuple[int, int]:
    """How long the block is that begins there, and how often it stands there; a line alone where none repeats."""
    for length in range(1, min(_LONGEST, (len(same) - start) // 2) + 1):
        if same[start] != same[start + length]:
            continue
        block = same[start : start + length]
        times = 1
        while same[start + times * length : start + (times + 1) * length] == block:
            times += 1
        # Two short lines are shown sooner than counted.
        if length * (times - 1) > 1:
            return length, times
    return 1, 1
