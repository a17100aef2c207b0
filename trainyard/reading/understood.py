"""Says how a file was understood, where that differs from what the recipe names; runs in Glue and on a laptop."""

from __future__ import annotations

import re

from trainyard.reading.column_questions import INDEX, listed
from trainyard.reading.columns import Mapped

FEW_COLUMNS = 8


def understood(mapped: Mapped) -> str:
    """The dialect, columns of other names, and columns that are lacking while others are not read; empty for none."""
    read_as = f"read as {', '.join(mapped.found.read_as)}" if mapped.found.read_as else ""
    named = ", ".join(f"{name} is the column {each}" for name, each in mapped.named.items())
    lacking = [name for name, cell in mapped.cells.items() if cell is None]
    unread = _unread(mapped)
    without = f"without {listed(lacking)}; not read: {listed(unread, most=FEW_COLUMNS)}" if lacking and unread else ""
    return "; ".join(filter(None, [read_as, named, without]))


def _unread(mapped: Mapped) -> list[str]:
    """The columns of a file with a header that nothing is read of, but for what only counts rows."""
    read = {int(at) for cell in mapped.cells.values() if cell for at in re.findall(r"\bc(\d+)\b", cell.sql)}
    if mapped.source.other_columns:
        return []
    return [each for at, each in enumerate(mapped.found.columns) if at not in read and not INDEX.fullmatch(each)]
