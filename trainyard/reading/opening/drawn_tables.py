"""Takes tables out of Markdown, and out of what the clients of databases draw; runs in Glue's driver and on a laptop.

Such a table has a rule of dashes below the names of its columns, and bars between its cells.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import IO

from trainyard.errors import BadData
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.opening.samples import sample
from trainyard.reading.sentences import refused

BAR = re.compile(r"(?<!\\)\|")
# What stands before a quote that opens a cell.
BEFORE_A_CELL = "\n,;\t|^~"
# One dash alone is what people write for nothing.
DASHES = re.compile(r":?(-{2,}|={2,}):?")
RULE = re.compile(rf"[|+]?( *{DASHES.pattern} *[|+])* *{DASHES.pattern} *[|+]?")
# Each byte is a character, so that cells come out in the encoding that they are in.
BYTES = "latin-1"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Where a table is drawn: the line with its names, from 1, the names, and whether bars stand at both its ends."""

    line: int
    names: tuple[str, ...]
    framed: bool

    def cells(self, line: str) -> list[str]:
        """The cells of a line, without the spaces around them and the bars at its ends."""
        found = [each.strip().replace(r"\|", "|") for each in BAR.split(line.strip())]
        return found[1 : -1 if len(found) > 2 and not found[-1] else None] if self.framed else found


def undrawn(text: Text) -> Text:
    """The text with commas between the cells of a table that is drawn in it; any other text as it is.

    Rows stay in their lines. What stands above the table and below it is left out. Raises BadData where another table
    follows.
    """
    drawing = _drawing(sample(text.path).head.removeprefix(codecs.BOM_UTF8).decode(BYTES))
    if drawing is None:
        return text
    target = text.folder / "undrawn"
    with text.path.open(encoding=BYTES) as lines, target.open("w", encoding=BYTES, newline="") as copy:
        writer = csv.writer(copy, lineterminator="\n")
        for cells in _rows(lines, drawing, name=text.name):
            if cells:
                writer.writerow(cells)
            else:
                copy.write("\n")
    return replace(text, path=target, read_as=(*text.read_as, "bars and dashes"))


def _drawing(head: str) -> Drawing | None:
    """The first table in a text: a line of names with a rule below it that has as many parts; None where none is.

    What is drawn inside of a cell in quotes is that cell's.
    """
    lines = head.splitlines()
    for number, (names, rule) in enumerate(pairwise(lines), start=1):
        if "|" in names and _is_rule(rule) and not _quoted("\n".join(lines[:number])):
            drawing = Drawing(line=number, names=(), framed=names.lstrip().startswith("|"))
            found = tuple(drawing.cells(names))
            if len(found) == len(DASHES.findall(rule)):
                return replace(drawing, names=found)
    return None


def _rows(lines: IO[str], drawing: Drawing, *, name: str) -> Iterator[list[str]]:
    """The names, then the rows, each in its line; nothing for lines that are none of the table's."""
    for _ in range(drawing.line):
        yield []
        next(lines)
    # The rule has the line after the names: these take its place.
    next(lines)
    yield list(drawing.names)
    table = itertools.takewhile(lambda line: "|" in line or _is_rule(line), lines)
    yield from ([] if _is_rule(line) else drawing.cells(line) for line in table)
    if any("|" in above and _is_rule(below) for above, below in pairwise(lines)):
        found, advice = "another one below it", "save each table as a file of its own"
        raise BadData([refused(name, expected="one table", found=found, advice=advice)])


def _quoted(text: str) -> bool:
    """Whether a quote that opens a cell is not closed in the text down to the line of names."""
    before, quote, _ = text.replace('""', "").rpartition('"')
    return bool(quote) and before.count('"') % 2 == 0 and (before.rstrip(" ")[-1:] or "\n") in BEFORE_A_CELL


def _is_rule(line: str) -> bool:
    line = line.strip()
    return RULE.fullmatch(line) is not None and ("|" in line or "+" in line)
