"""Says on which line of a text file a row of its table stands; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import bisect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from trainyard.reading.model import Found


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Where rows stand: `rejected` are the lines (in order) that are no rows, by their first byte in `offsets`.

    Rows count from 1, without the rejected lines. Where each line is a row or was rejected, a line is found by
    counting; where fields go on in the next line, or lines are blank, `known` has those that were looked up.
    """

    found: Found
    rows: int
    rejected: Sequence[int] = ()
    known: Mapping[int, int] = field(default_factory=dict)

    @property
    def countable(self) -> bool:
        """Whether each line below the header is a row or was rejected."""
        return self.found.lines - self.found.first_row + 1 == self.rows + len(self.rejected)

    def line(self, row: int) -> int | None:
        """The line (from 1) of a row, None where it is not known."""
        if not self.countable:
            return self.known.get(row)
        line = self.found.first_row + row - 1
        # Each rejected line before it moves the row down by one, perhaps beyond another one.
        for rejected in self.rejected[: bisect.bisect_right(self.rejected, line + len(self.rejected))]:
            line += rejected <= line
        return line

    def place(self, row: int) -> str:
        """`line 12`, or `data row 11` where lines are not known."""
        line = self.line(row)
        return f"data row {row:,}" if line is None else f"line {line:,}"


def look_up(found: Found, *, rows: int, wanted: Collection[int], offsets: Collection[int]) -> dict[int, int]:
    """The lines of some of `rows` rows, by going through the text; `offsets` are the first bytes of rejected lines.

    A line in which quotes are open goes on in the next one, and one of delimiters only is no row. Nothing is said where
    that gives another number of rows.
    Runs only where something is wrong with a file whose lines cannot be counted.
    """
    if found.text is None or not wanted:
        return {}
    skipped, known, row, at, open_field = set(offsets), {}, 0, 0, False
    with found.text.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if number >= found.first_row:
                if not open_field and not _is_empty(line, found=found) and at not in skipped:
                    row += 1
                    if row in wanted:
                        known[row] = number
                open_field = _goes_on(line, open_field, found=found) and at not in skipped
            at += len(line)
    return known if row == rows else {}


def _is_empty(line: bytes, *, found: Found) -> bool:
    """Whether there is nothing in a line but delimiters, or in a table of one column nothing at all."""
    return not line.strip(b"\r\n" + (found.delimiter.encode() if found.width > 1 else b""))


def _goes_on(line: bytes, inside: bool, *, found: Found) -> bool:
    """Whether a quoted field goes on after a line that begins inside of one, or not."""
    mark = found.quote.encode()
    if not mark:
        return False
    quoted = inside or line.startswith(mark) or found.delimiter.encode() + mark in line
    return quoted and (inside + line.count(mark)) % 2 == 1
