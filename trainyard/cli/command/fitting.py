"""Fits tables of many columns into the width of a terminal, in several parts if need be; nothing is cut; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

GAP = 2


def fitted(columns: Sequence[str], rows: Sequence[Sequence[str]], *, width: int, title: str) -> Iterator[Table]:
    """Tables with the first column each and as many of the others as fit beside it, one below the other.

    A column that does not fit by itself is folded. Columns but the first are aligned right.
    """
    widths = [max(map(cell_len, cells)) + GAP for cells in zip(columns, *rows, strict=True)]
    for part in _parts(widths, width):
        table = Table(title=title or None, title_justify="left", title_style="bold", box=None, padding=(0, GAP, 0, 0))
        for place in (0, *part):
            table.add_column(Text(columns[place]), justify="right" if place else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(row[place]) for place in (0, *part)))
        yield table
        title = ""


def _parts(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """The places of columns that fit beside the first, part by part.

    >>> list(_parts([10, 20, 20, 60, 5], 50))
    [[1, 2], [3], [4]]
    """
    part: list[int] = []
    for place in range(1, len(widths)):
        if part and widths[0] + sum(widths[each] for each in part) + widths[place] > width:
            yield part
            part = []
        part.append(place)
    yield part
