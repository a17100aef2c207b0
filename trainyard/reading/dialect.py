"""Finds out how the fields of a text file are separated and quoted, from a sample of its lines; runs in Glue's driver.

Each way to read the sample is tried, and judged by how many lines come apart into equally many fields, and how many of
the fields are something: a number, a date, a name that the recipe knows. Where two ways are equally good, it says so.
DuckDB's own sniffer takes what comes first then, knows no `::`, and reads a file of which one line is cut off as lines
of one field: so DuckDB reads the file, and only that.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

# In the order in which they are preferred where all else is equal.
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "::", "\x01": r"\x01", "^": "^", "~": "~"}
SPACE = " "
# What a delimiter of several characters is replaced by for the parser of the sample.
STAND_IN = "\x1f"
# Readings are compared by so much text.
COMPARED_CHARACTERS = 2**16
JUDGED_ROWS = 300
JUDGED_FIELDS = 5000
# A reading that leaves more lines than this share in pieces is none.
MAX_BAD_SHARE = 0.1
# Two readings whose shares of fields that are something differ by less are equally good.
CLEARLY_BETTER = 0.05
# Where a line may be bad although it is more than that share of the lines there are.
FEW_LINES = 3
# Titles and remarks above the first record.
MAX_ABOVE = 20
# How many fields must be something where spaces separate them, as they do words.
MOSTLY = 0.6
# Text whose quotes mean nothing would be read over and over otherwise.
MAX_PUT_BACK = 100
QUOTES = ('"', "'")
SOMETHING = re.compile(
    r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}\S*)?)?|"
    r"(?i:true|false|yes|no|na|nan|null|\\n)"
)


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
class Given:
    """What people said about the delimiter and the quote; None where they said nothing, an empty quote is none."""

    delimiter: str | None = None
    quote: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
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
        fields = [each.strip() for row in self.rows[1:JUDGED_ROWS] for each in row if each.strip()][:JUDGED_FIELDS]
        return sum(SOMETHING.fullmatch(each) is not None for each in fields) / max(len(fields), 1)

    def names(self, known: frozenset[str]) -> int:
        """How many fields of the first row are names that are known."""
        return sum(plain_name(each) in known for each in self.rows[0]) if self.rows else 0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The reading that was chosen, and the delimiter of another that is as good, empty where there is none."""

    reading: Reading
    rival: str = ""


def plain_name(name: str) -> str:
    """The name of a column without case, spaces and punctuation.

    >>> plain_name("User_ID") == plain_name("userId")
    True
    """
    return re.sub(r"[\W_]+", "", name).casefold()


def read(text: str, dialect: Dialect, *, whole: bool = True) -> Reading:
    """Take `text` apart; where it is not `whole`, the record that its end cuts off does not count."""
    found = list(records(io.StringIO(text, newline=""), dialect))
    if not whole and len(found) > 1:
        found.pop()
    width = _width([row for row, _, _ in found if row])
    above = next((index for index, (row, _, _) in enumerate(found) if _fits(row, width)), 0)
    if above > MAX_ABOVE or any(row is None for row, _, _ in found[:above]):
        above = 0
    kept = [(row, line, span) for row, line, span in found[above:] if row]
    total = sum(span for row, _, span in found[above:] if row is None or row)
    return Reading(
        dialect=dialect,
        rows=[row for row, _, _ in kept],
        lines=[line for _, line, _ in kept],
        width=width,
        bad=total - sum(span for row, _, span in kept if _fits(row, width)),
        total=total,
        several=sum(span > 1 for _, _, span in kept),
        above=[row for row, _, _ in found[:above] if row],
    )


def choose(text: str, *, whole: bool, known: frozenset[str], given: Given) -> Choice:
    """The way to take a sample apart; `known` are names of columns as `plain_name` writes them.

    `whole` says that `text` is no part of a longer one.
    """
    compared = (
        text if len(text) <= COMPARED_CHARACTERS else text[: text.rfind("\n", 0, COMPARED_CHARACTERS) + 1] or text
    )
    complete = whole and compared is text
    readings = _plausible(compared, complete, known=known, given=given)
    if not readings:
        return Choice(reading=read(compared, _one_text(compared, complete, given=given), whole=complete))
    best, *others = sorted(readings, key=lambda each: _merit(each, known), reverse=True)
    rival = next((each.dialect.delimiter for each in others if _as_good(each, best, known=known)), "")
    return Choice(reading=best, rival=rival)


def _plausible(text: str, whole: bool, *, known: frozenset[str], given: Given) -> list[Reading]:
    """The readings that take most lines apart into equally many fields, two at least."""
    lines = max(text.count("\n"), 1)
    candidates = (
        [given.delimiter] if given.delimiter else [each for each in DELIMITERS if text.count(each) >= lines / 2]
    )
    readings = [_best_quote(text, each, whole=whole, given=given) for each in candidates]
    if given.delimiter:
        return readings
    found = [each for each in readings if _holds(each, known)]
    if not found and text.count(SPACE) >= lines:
        spaced = _best_quote(text, SPACE, whole=whole, given=given)
        return [spaced] if _holds(spaced, known) and not spaced.bad and spaced.something >= MOSTLY else []
    return found


def _holds(reading: Reading, known: frozenset[str]) -> bool:
    few = reading.bad_share <= MAX_BAD_SHARE or (reading.bad == 1 and reading.total > FEW_LINES)
    return reading.width > 1 and (few or reading.names(known) > 1)


def _merit(reading: Reading, known: frozenset[str]) -> tuple[float, ...]:
    return (reading.names(known), -round(reading.bad_share, 2), -len(reading.above), reading.something)


def _as_good(reading: Reading, best: Reading, *, known: frozenset[str]) -> bool:
    *one, something = _merit(reading, known)
    *other, most = _merit(best, known)
    return one == other and most - something < CLEARLY_BETTER


def _best_quote(text: str, delimiter: str, *, whole: bool, given: Given) -> Reading:
    """The reading with this delimiter and the quotes that leave the fewest lines in pieces."""
    spaced = delimiter == SPACE or (f'{delimiter} "' in text and f'{delimiter}"' not in text)
    quotes = (
        [given.quote] if given.quote is not None else [each for each in QUOTES if _at_an_edge(text, each, delimiter)]
    )
    dialects = [Dialect(delimiter=delimiter, quote=each, escape=each, spaced=spaced) for each in quotes if each]
    dialects += [replace(each, escape="\\") for each in dialects if f"\\{each.quote}" in text]
    plain = read(text, Dialect(delimiter=delimiter, quote="", escape="", spaced=delimiter == SPACE), whole=whole)
    if given.quote == "":
        return plain
    if not dialects:
        usual = Dialect(delimiter=delimiter, spaced=delimiter == SPACE)
        return replace(plain, dialect=usual) if '"' not in text else plain
    readings = [read(text, each, whole=whole) for each in dialects]
    best = min(readings, key=lambda each: each.misfits)
    return best if given.quote or _quotes_mean_something(best, plain) else plain


def _quotes_mean_something(quoted: Reading, plain: Reading) -> bool:
    """Whether quotes enclose fields, rather than stand in texts that happen to begin with one.

    They do where lines come apart as well or better with them, and where all the fields of a column are enclosed. What
    they do in the rest of the file is looked at later.
    """
    mark = quoted.dialect.quote
    if mark == "'" and not _enclosed(plain, mark) and quoted.misfits >= plain.misfits:
        return False
    return quoted.misfits <= plain.misfits or _enclosed(plain, mark)


def encloses(text: str, dialect: Dialect) -> bool:
    """Whether quotes stand around all texts of some column."""
    return _enclosed(read(text, Dialect(delimiter=dialect.delimiter, quote="", escape="")), dialect.quote)


def _enclosed(plain: Reading, mark: str) -> bool:
    """Whether nine of ten texts of some column stand in quotes."""
    rows = [row for row in plain.rows[1:JUDGED_ROWS] if len(row) == plain.width]
    for column in zip(*rows, strict=True):
        texts = [each.strip() for each in column if each.strip()]
        enclosed = sum(len(each) > 1 and each[0] == each[-1] == mark for each in texts)
        if texts and enclosed >= 0.9 * len(texts) and enclosed > 1:
            return True
    return False


def _at_an_edge(text: str, mark: str, delimiter: str) -> bool:
    """Whether a field begins with the mark."""
    return text.startswith(mark) or any(f"{each}{mark}" in text for each in (delimiter, f"{delimiter} ", "\n"))


def _one_text(text: str, whole: bool, *, given: Given) -> Dialect:
    """The dialect of a file with one text a line, in quotes or without."""
    plain = Dialect(delimiter="", quote="", escape="")
    if given.quote is not None:
        return replace(plain, quote=given.quote, escape=given.quote)
    quoted = Dialect(delimiter="")
    found = read(text, quoted, whole=whole)
    enclosed = _enclosed(read(text, plain, whole=whole), '"')
    return quoted if enclosed or ('"' in text and not found.bad and not found.several) else plain


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
