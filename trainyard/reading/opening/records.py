"""Takes text apart into records as a dialect says, and tells how well that went; runs in Glue's driver and on a laptop.

The parser is the one of Python, which takes a sample apart in milliseconds; files are read by DuckDB.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from statistics import median

from trainyard.contract.sources import plain_name

# What a delimiter of several characters is replaced by for the parser of the sample.
STAND_IN = "\x1f"
JUDGED_FIELDS = 5000
SOMETHING = re.compile(
    r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}\S*)?)?|"
    r"(?i:true|false|yes|no|na|nan|null|\\n)"
)
# Rows of a table have something in most of its columns; titles above it in one or two.
MOST_CELLS = 0.6
# Titles and remarks above the first record.
MAX_ABOVE = 20
# Text whose quotes mean nothing would be read over and over otherwise.
MAX_PUT_BACK = 100
JUDGED_ROWS = 300


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How text is taken apart: `delimiter` is empty where a line is one text, `quote` where quotes mean nothing.

    `escape` stands before a quote inside of quotes: the quote itself, or a backslash. `spaced`: spaces after delimiters
    belong to no field.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    spaced: bool = False


@dataclass(frozen=True, kw_only=True)
class Records:
    """Text as a dialect takes it apart.

    `rows` are the records, blank lines and what stands above the first whole one apart, and `lines` the line that each
    begins in, from 1; `width` is the number of fields that most have. `bad` of `total` lines are in records of another
    width or with broken quotes, `several` records have more than one line, `above` are records above the first row.
    """

    dialect: Dialect
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    width: int
    bad: int
    total: int
    several: int
    above: Sequence[Sequence[str]]

    @property
    def misfits(self) -> int:
        """Lines that do not fit, those above the first row included."""
        return self.bad + len(self.above)

    @property
    def bad_share(self) -> float:
        return self.bad / max(self.total, 1)

    @cached_property
    def something(self) -> float:
        """The share of fields, of those with a text, that are a number, a date, or yes or no."""
        texts = (text for row in self.rows[1:JUDGED_ROWS] for each in row if (text := each.strip()))
        fields = list(islice(texts, JUDGED_FIELDS))
        return sum(SOMETHING.fullmatch(each) is not None for each in fields) / max(len(fields), 1)

    def names(self, known: frozenset[str]) -> int:
        """How many fields of the first row are names that are known."""
        return sum(plain_name(each) in known for each in self.rows[0]) if self.rows else 0


def take_apart(text: str, dialect: Dialect, *, whole: bool = True) -> Records:
    """Take `text` apart; where it is not `whole`, the record that its end cuts off does not count."""
    text = text if whole else _closed(text, dialect)
    found = list(records(io.StringIO(text, newline=""), dialect))
    if not whole and len(found) > 1:
        found.pop()
    width = _width([row for row, _, _ in found if row])
    above = next((index for index, (row, _, _) in enumerate(found) if _fits(row, width)), 0)
    above += _titles([row or [] for row, _, _ in found[above : above + JUDGED_ROWS]])
    if above > MAX_ABOVE or any(row is None for row, _, _ in found[:above]):
        above = 0
    kept = [(row, line, span) for row, line, span in found[above:] if row]
    total = sum(span for row, _, span in found[above:] if row is None or row)
    return Records(
        dialect=dialect,
        rows=[row for row, _, _ in kept],
        lines=[line for _, line, _ in kept],
        width=width,
        bad=total - sum(span for row, _, span in kept if _fits(row, width)),
        total=total,
        several=sum(span > 1 for _, _, span in kept),
        above=[row for row, _, _ in found[:above] if row],
    )


def _closed(text: str, dialect: Dialect) -> str:
    """The lines of a text up to the last one that ends outside of quotes; all where that would be less than half.

    Inside of quotes an odd number of them stands before, for one that belongs to the text is written twice.
    """
    mark, end = dialect.quote, len(text)
    if not mark or dialect.escape != mark:
        return text
    marks = text.count(mark)
    while marks % 2 and (begin := text.rfind("\n", 0, end)) > len(text) // 2:
        marks -= text.count(mark, begin, end)
        end = begin
    return text if marks % 2 else text[: end + 1]


def _titles(rows: Sequence[Sequence[str]]) -> int:
    """How many rows that spreadsheets have filled up with delimiters stand above a row of names."""
    filled = [len([each for each in row if each and not each.isspace()]) for row in rows]
    usual = median(each for each in filled if each) if any(filled) else 0
    index = next((at for at, each in enumerate(filled) if each >= MOST_CELLS * usual), 0)
    names = rows[index] if rows else ()
    # The name of a column may be No, which is something below it.
    return 0 if any(SOMETHING.fullmatch(each.strip()) and not each.strip().isalpha() for each in names) else index


def _fits(row: Sequence[str] | None, width: int) -> bool:
    """Whether a row has so many fields, or an empty one more: a delimiter at the end of its line."""
    return row is not None and (len(row) == width or (len(row) == width + 1 and not row[-1]))


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many fields most rows have; where the header has one less and the last is always empty, that one less."""
    widths = Counter(len(row) for row in rows)
    width = max(widths, key=lambda each: (widths[each], each), default=0)
    ended = all(not row[-1] for row in rows[1:] if len(row) == width)
    return width - 1 if len(rows) > 1 and len(rows[0]) == width - 1 and ended else width


def records(lines: Iterable[str], dialect: Dialect) -> Iterator[tuple[list[str] | None, int, int]]:
    """Each record, the line it begins in and how many it has; None where quotes are broken, empty where a line is."""
    delimiter = dialect.delimiter or STAND_IN
    if len(delimiter) > 1:
        lines = (each.replace(dialect.delimiter, STAND_IN) for each in lines)
        delimiter = STAND_IN
    doubled = dialect.escape == dialect.quote
    source = _Lines(lines)
    reader = csv.reader(
        source,
        delimiter=delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        doublequote=doubled,
        escapechar=None if doubled else dialect.escape,
        skipinitialspace=dialect.spaced,
        strict=True,
    )
    line = 1
    while True:
        source.taken.clear()
        row: list[str] | None = None
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # A quote that opens and never closes breaks its own line, not those that it swallowed.
            source.put_back()
        yield [] if row == [""] else row, line, len(source.taken)
        line += len(source.taken)


class _Lines:
    """Lines that a parser takes, and that can be put back but for the first."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines, self.waiting = iter(lines), deque[str]()
        self.taken: list[str] = []
        self.patience = MAX_PUT_BACK

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.lines)
        self.taken.append(line)
        return line

    def put_back(self) -> None:
        """Give all lines that were taken once more, but for the first."""
        if self.patience > 0:
            self.patience -= len(self.taken) > 1
            self.waiting.extendleft(reversed(self.taken[1:]))
            del self.taken[1:]
