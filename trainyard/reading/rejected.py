"""Sets lines aside that cannot be read: where they stand, why, and what to say of them; in Glue and on a laptop."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trainyard.reading.sentences import refused

FOLDER = "rejected"
HEADER = ("file", "line", "reason", "text")
# A table may be large and wrong from beginning to end: more than this nobody reads.
MAX_REJECTED = 100_000
MAX_TEXT = 500
# From so many lines on, one that is cut off is an accident whatever the share says.
ROWS_WITH_AN_ACCIDENT = 100
SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with `count` lines of a file in the same way; `place` and `found` are those of the first of them.

    `everywhere` says that it is wrong with every line, so that the column is another one than was thought; `instead` is
    what may be done rather than correct the lines.
    """

    name: str
    count: int
    place: str
    expected: str
    found: str
    everywhere: str = ""
    instead: str = ""


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A line that was set aside."""

    place: str
    reason: str
    text: str


def tolerated(rows: int, share: float) -> int:
    """How many of so many lines may be set aside: the share rounded down, one at least of a hundred or more."""
    return max(int(rows * share), 1 if share > 0 and rows >= ROWS_WITH_AN_ACCIDENT else 0)


def problem(fault: Fault, *, rows: int, share: float) -> str:
    """The sentence that refuses a file for a fault that too many lines have."""
    if fault.everywhere:
        found = f"{fault.found} and the like in {'the one line' if rows == 1 else f'all {fault.count:,} lines'}"
        return refused(fault.name, expected=fault.expected, found=found, advice=fault.everywhere)
    such = "the one such line" if fault.count == 1 else f"all {fault.count:,} such lines"
    more = f" (of {rows:,} lines; data.max_bad_share lets {tolerated(rows, share):,} be left out)" if rows > 1 else ""
    return refused(
        fault.name,
        fault.place,
        expected=fault.expected,
        found=fault.found,
        advice=f"correct {such}{more}{fault.instead}",
    )


def warning(fault: Fault, *, table: str, rows: int) -> str:
    """The sentence about lines that were left out."""
    more = f"; {fault.count:,} such lines" if fault.count > 1 else ""
    return (
        f"{fault.name}, {fault.place}: left out: expected {fault.expected}, found {fault.found}{more} "
        f"({fault.count:,} of {rows:,} lines; all of them in ingest/{FOLDER}/{table}.csv)."
    )


def write(folder: Path, table: str, *, name: str, rows: Iterable[BadRow]) -> int:
    """Append lines of a file to `<folder>/<table>.csv`, up to MAX_REJECTED of a table, and return how many."""
    path = folder / f"{table}.csv"
    folder.mkdir(exist_ok=True)
    kept = _lines(path)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if not kept:
            writer.writerow(HEADER)
        count = 0
        for row in rows:
            if kept + count >= MAX_REJECTED:
                break
            writer.writerow((name, row.place, row.reason, row.text[:MAX_TEXT]))
            count += 1
    return count


def _lines(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open(encoding="utf-8", newline="") as file:
        return max(sum(1 for _ in csv.reader(file)) - 1, 0)
