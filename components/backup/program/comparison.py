"""What a restored database is compared by with the one that lives. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

SEGMENT = 16 << 20
# A table that has less than half of the rows of before, and so many less, has lost them.
SHARE, SLACK = 0.5, 1000


@dataclass(frozen=True)
class End:
    """Where the log that is in the place ends."""

    # The last piece of it, in bytes from the beginning of the log.
    position: int | None
    # The last commit, in seconds since 1970.
    commit: float | None
    # What the tools said that could not get more of it.
    said: str


# A database and a table, by their numbers; 0 for the database itself.
Number = tuple[int, int]


@dataclass(frozen=True)
class Table:
    """One that lives: how many rows the statistics count, and the transaction that it comes from."""

    # 'the table shop: public.orders'
    name: str
    rows: int
    made: int


def end_of(log: str) -> End:
    """The same, of what PostgreSQL said as it followed the log."""
    done = re.findall(r"redo done at ([0-9A-F]+)/([0-9A-F]+)", log)
    times = re.findall(r"last completed transaction was at log time (\S+ \S+)", log)
    errors = [line for line in log.splitlines() if re.search(r"\bERROR: \[\d+\]", line)]
    return End(
        position_of("/".join(done[-1])) if done else None,
        moment(times[-1]) if times else None,
        errors[-1] if errors else "",
    )


def position_of(text: str) -> int:
    """Of '16/B374D848'."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def position(at: int) -> str:
    return f"{at >> 32:X}/{at & 0xFFFFFFFF:X}"


def moment(text: str) -> float:
    """Of '2026-11-28 14:03:07.123456+00', or with UTC at its end."""
    stripped = re.sub(r"(\s*UTC|\+00)$", "", text.strip())
    return datetime.fromisoformat(f"{stripped}+00:00").timestamp()


def segment_end(piece: str) -> int:
    """The position behind a piece of the log, by its name: the timeline, and the number in two parts."""
    return ((int(piece[8:16], 16) << 32) // SEGMENT + int(piece[16:24], 16) + 1) * SEGMENT


def next_segment(at: int) -> int:
    """Where the first piece begins that has not been followed."""
    return (at // SEGMENT + 1) * SEGMENT


def first_commit(records: str) -> float | None:
    """When the first commit was made, of what pg_waldump(1) prints."""
    found = re.search(r"desc: COMMIT (?:PREPARED \S+ )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? UTC)", records)
    return moment(found[1]) if found else None


def is_since(made: int, end: int) -> bool:
    """Whether a transaction comes after the end of the restored log; their numbers go round in a circle."""
    return made >= 3 and (made - end) % (1 << 32) < 1 << 31


def wrong_tables(
    restored: Mapping[Number, int],
    before: Mapping[Number, Table],
    now: Mapping[Number, Table],
    is_restored: Callable[[int], bool],
) -> list[str]:
    """What should have been restored and was not.

    @param restored: the rows that were
    @param before: what lived when the drill began
    @param now: and once all was restored
    @param is_restored: whether a transaction is among what was
    """
    wrong = []
    for number, table in now.items():
        if number not in restored:
            if is_restored(table.made):
                wrong.append(f"{table.name} is missing")
            continue
        rows = min(table.rows, before[number].rows if number in before else 0)
        there = restored[number]
        if there < rows * SHARE and rows - there > SLACK:
            wrong.append(f"{table.name} has {there} rows, and the live one about {rows}")
    return wrong


def shortened(wrong: Sequence[str], count: int = 3) -> str:
    more = f", and {len(wrong) - count} more" if len(wrong) > count else ""
    return "; ".join(wrong[:count]) + more
