"""Reads tables in which several cells of a line are rows, such as a basket a line; runs in Glue's driver.

People say so with a pattern in place of a column's name: `*` is each cell of a line, `Item *` those in such columns.
"""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trainyard.contract.sources import FileSettings, Source
from trainyard.reading.model import Found
from trainyard.reading.opening import plain_text
from trainyard.reading.opening.dialect import DELIMITERS, SPACE, word
from trainyard.reading.opening.opened_text import WRITTEN, OpenedText
from trainyard.reading.opening.parser import Parsed
from trainyard.reading.opening.records import Dialect, records
from trainyard.reading.opening.samples import sample
from trainyard.reading.sql import literal

ALL = "*"
# The column of the line's number, beside that of the list of its cells.
LINE = "#"
TYPES = ("BIGINT", "VARCHAR[]")
# A character that so many lines have separates their cells, for lines of one cell have none.
MIN_SHARE = 0.1
# Between cells that were taken out of quotes; not what lines are read with.
BETWEEN = "\x1e"


def said(settings: FileSettings) -> bool:
    """Whether people say that each cell of a line is a row."""
    return ALL in settings.columns.values()


def ragged(found: Found, *, lines: Sequence[str]) -> bool:
    """Whether a file without header, whose lines are one text each, looks like cells of which lines have any number."""
    if found.columns or found.typed or found.width != 1 or len(lines) < 2:
        return False
    delimiter = _delimiter(lines)
    return len({each.count(delimiter) for each in lines}) > 1


def basket_key(source: Source) -> str:
    """The column whose values may stand side by side in a line: the second of the two keys that a table needs."""
    keys = [each.name for each in source.columns if each.required and each.type == "id"]
    return keys[1] if len(keys) == 2 and sum(each.required for each in source.columns) == 2 else ""


def baskets(opened: OpenedText, settings: FileSettings) -> Found:
    """The table of a text: the number of each line, and the list of its cells, without those that are blank."""
    text, skip = opened.text, int(bool(settings.header))
    delimiter = WRITTEN.get((settings.delimiter or "").lower(), settings.delimiter) or _delimiter(sample_lines(opened))
    path, split = text.path, delimiter
    quote = '"' if settings.quote is None and opened.seen.quotes else settings.quote or ""
    if quote and _without_quotes(path, text.folder / "cells", dialect=Dialect(delimiter=delimiter, quote=quote)):
        path, split = text.folder / "cells", BETWEEN
    rejects = f"rejected_{text.key}"
    lines = Parsed(path=path, dialect=Dialect(delimiter="", quote="", escape=""), width=1, skip=skip)
    cells = f"list_transform(string_split(c0, {literal(split)}), lambda each: trim(each))"
    numbered = f"(SELECT row_number() OVER () + {skip} AS line, c0 FROM {lines.relation(rejects=rejects)})"
    return Found(
        name=text.name,
        source=text.source,
        relation=f"(SELECT line AS c0, list_filter({cells}, lambda each: each <> '') AS c1 FROM {numbered})",
        columns=(LINE, ALL),
        width=2,
        read_as=(f"lines of cells separated by {word(delimiter) or 'comma'}", *text.read_as),
        typed=True,
        lines=opened.seen.lines,
        rejects=rejects,
    )


def with_pattern(found: Found, settings: FileSettings, *, types: Sequence[str]) -> tuple[Found, tuple[str, ...]]:
    """A table with columns that a pattern in the settings means as one list more, and the number of its line."""
    # All cells of a line are a list only in files without a header, which `baskets` reads.
    patterns = [each for each in settings.columns.values() if ALL in each and each not in {ALL, *found.columns}]
    if not patterns or not found.columns:
        return found, tuple(types)
    pattern = patterns[0]
    meant = [f"trim(c{at}::VARCHAR)" for at, name in enumerate(found.columns) if fnmatch.fnmatchcase(name, pattern)]
    if not meant:
        return found, tuple(types)
    cells = f"list_filter([{', '.join(meant)}], lambda each: each <> '')"
    number, cell = f"c{found.width}", f"c{found.width + 1}"
    changed = replace(
        found,
        relation=f"(SELECT *, row_number() OVER () AS {number}, {cells} AS {cell} FROM {found.relation})",
        columns=(*found.columns, LINE, pattern),
        width=found.width + 2,
        as_integers="",
        only_digits=False,
        empty_rows=False,
    )
    return changed, (*types, *TYPES)


def sample_lines(opened: OpenedText) -> list[str]:
    """Lines at the beginning of a text, without blank ones."""
    lines = plain_text.legible(sample(opened.text.path).head).split("\n")
    return [each.rstrip("\r") for each in lines if each.strip()]


def _delimiter(lines: Sequence[str]) -> str:
    """What separates the cells of lines; spaces where nothing else does and all they separate are numbers.

    Of several characters it is the one that makes cells of which most come again, as what is bought does: commas may
    stand between `role::program` and others.
    """
    counts = {each: sum(each in line for line in lines) for each in DELIMITERS}
    many = [each for each in counts if counts[each] >= MIN_SHARE * len(lines)]
    if many:
        return min(many, key=lambda each: (_different(lines, each), -counts[each]))
    numbers = all(cell.isdecimal() for line in lines for cell in line.split())
    return SPACE if numbers else ","


def _different(lines: Sequence[str], delimiter: str) -> float:
    """How many of the cells are different ones, as a share."""
    cells = [cell.strip() for line in lines for cell in line.split(delimiter)]
    return len(set(cells)) / len(cells)


def _without_quotes(path: Path, target: Path, *, dialect: Dialect) -> bool:
    """Write the cells of each record to a line, taken out of their quotes; False where quotes do not enclose cells."""
    with path.open(encoding="utf-8-sig", newline="") as file, target.open("w", encoding="utf-8", newline="") as copy:
        for row, _, span in records(file, dialect):
            if row is None:
                return False
            copy.write(BETWEEN.join(" ".join(each.split()) for each in row) + "\n" * span)
    return True
