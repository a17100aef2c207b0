"""Finds out how the fields of a text file are separated and quoted, from a sample of its lines; runs in Glue's driver.

Each way to read the sample is tried, and judged by how many lines come apart into equally many fields, and how many of
the fields are something: a number, a date, a name that the recipe knows. Where two ways are equally good, it says so.
DuckDB's own sniffer takes what comes first then, knows no `::`, and reads a file of which one line is cut off as lines
of one field: so DuckDB reads the file, and only that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainyard.reading.opening.records import JUDGED_ROWS, Dialect, Records, take_apart

# In the order in which they are preferred where all else is equal.
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "::", "\x01": r"\x01", "^": "^", "~": "~"}
SPACE = " "
# Readings are compared by so much text.
COMPARED_CHARACTERS = 2**16
# A reading that leaves more lines than this share in pieces is none.
MAX_BAD_SHARE = 0.1
# Two readings whose shares of fields that are something differ by less are equally good.
CLEARLY_BETTER = 0.05
# Where a line may be bad although it is more than that share of the lines there are.
FEW_LINES = 3
# How many fields must be something where spaces separate them, as they do words; or as many lines all have so many
# fields, as sentences do not have words.
MOSTLY = 0.6
MANY_FIELDS, MANY_LINES = 5, 30
QUOTES = ('"', "'")


@dataclass(frozen=True, kw_only=True)
class Given:
    """What people said about the delimiter and the quote; None where they said nothing, an empty quote is none."""

    delimiter: str | None = None
    quote: str | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The reading that was chosen, and the delimiter of another that is as good, empty where there is none."""

    records: Records
    rival: str = ""

    @property
    def delimiter(self) -> str:
        return self.records.dialect.delimiter


def choose(text: str, *, whole: bool, known: frozenset[str], given: Given) -> Choice:
    """The way to take a sample apart; `known` are names of columns as `plain_name` writes them.

    `whole` says that `text` is no part of a longer one.
    """
    if len(text) > COMPARED_CHARACTERS:
        text, whole = text[: text.rfind("\n", 0, COMPARED_CHARACTERS) + 1] or text, False
    readings = _plausible(text, whole=whole, known=known, given=given)
    if not readings:
        return Choice(records=take_apart(text, _one_text(text, whole=whole, given=given), whole=whole))
    best, *others = sorted(readings, key=lambda each: _merit(each, known), reverse=True)
    rival = next((each.dialect.delimiter for each in others if _as_good(each, best, known=known)), "")
    return Choice(records=best, rival=rival)


def word(delimiter: str) -> str:
    """A delimiter in words, empty where it is the usual one or none."""
    return "" if delimiter in {",", ""} else {SPACE: "space", **DELIMITERS}.get(delimiter, delimiter)


def _plausible(text: str, *, whole: bool, known: frozenset[str], given: Given) -> list[Records]:
    """The readings that take most lines apart into equally many fields, two at least."""
    lines = max(text.count("\n"), 1)
    if given.delimiter:
        return [_best_quote(text, given.delimiter, whole=whole, given=given)]
    # A cell in quotes may have a hundred lines, and hardly a delimiter in them.
    names = text.partition("\n")[0] if '"' in text else ""
    candidates = [each for each in DELIMITERS if text.count(each) >= lines / 2 or each in names]
    readings = [_best_quote(text, each, whole=whole, given=given) for each in candidates]
    found = [each for each in readings if _holds(each, known)]
    if not found and text.count(SPACE) >= lines:
        spaced = _best_quote(text, SPACE, whole=whole, given=given)
        told = spaced.something >= MOSTLY or (spaced.width >= MANY_FIELDS and spaced.total >= MANY_LINES)
        return [spaced] if _holds(spaced, known) and not spaced.bad and told else []
    return found


def _holds(reading: Records, known: frozenset[str]) -> bool:
    if reading.dialect.spaced and reading.total <= FEW_LINES and not reading.names(known):
        # A sentence or two, with commas in them.
        return False
    few = reading.bad_share <= MAX_BAD_SHARE or (reading.bad == 1 and reading.total > FEW_LINES)
    return reading.width > 1 and (few or reading.names(known) > 1)


def _merit(reading: Records, known: frozenset[str]) -> tuple[float, ...]:
    # Tabs that take all lines apart are in no text by chance, as commas are.
    tabs = reading.dialect.delimiter == "\t"
    return (reading.names(known), -round(reading.bad_share, 2), -len(reading.above), tabs, reading.something)


def _as_good(reading: Records, best: Records, *, known: frozenset[str]) -> bool:
    *one, something = _merit(reading, known)
    *other, most = _merit(best, known)
    return one == other and most - something < CLEARLY_BETTER


def _best_quote(text: str, delimiter: str, *, whole: bool, given: Given) -> Records:
    """The reading with this delimiter and the quotes that leave the fewest lines in pieces."""
    always = text.count(delimiter) == text.count(f"{delimiter} ")
    spaced = delimiter == SPACE or always or (f'{delimiter} "' in text and f'{delimiter}"' not in text)
    found = [each for each in QUOTES if _at_an_edge(text, mark=each, delimiter=delimiter)]
    quotes = found if given.quote is None else [given.quote]
    dialects = [Dialect(delimiter=delimiter, quote=each, escape=each, spaced=spaced) for each in quotes if each]
    dialects += [replace(each, escape="\\") for each in dialects if f"\\{each.quote}" in text]
    plain = take_apart(text, Dialect(delimiter=delimiter, quote="", escape="", spaced=spaced), whole=whole)
    if given.quote == "":
        return plain
    if not dialects:
        usual = Dialect(delimiter=delimiter, spaced=spaced)
        return replace(plain, dialect=usual) if '"' not in text else plain
    readings = [take_apart(text, each, whole=whole) for each in dialects]
    best = min(readings, key=lambda each: each.misfits)
    return best if given.quote or _quotes_mean_something(best, plain) else plain


def _quotes_mean_something(quoted: Records, plain: Records) -> bool:
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
    return _enclosed(take_apart(text, Dialect(delimiter=dialect.delimiter, quote="", escape="")), dialect.quote)


def _enclosed(plain: Records, mark: str) -> bool:
    """Whether nine of ten texts of some column stand in quotes."""
    rows = [row for row in plain.rows[1:JUDGED_ROWS] if len(row) == plain.width]
    for column in zip(*rows, strict=True):
        texts = [each.strip() for each in column if each.strip()]
        enclosed = sum(len(each) > 1 and each[0] == each[-1] == mark for each in texts)
        if texts and enclosed >= 0.9 * len(texts) and enclosed > 1:
            return True
    return False


def _at_an_edge(text: str, *, mark: str, delimiter: str) -> bool:
    """Whether a field begins with the mark."""
    return text.startswith(mark) or any(f"{each}{mark}" in text for each in (delimiter, f"{delimiter} ", "\n"))


def _one_text(text: str, *, whole: bool, given: Given) -> Dialect:
    """The dialect of a file with one text a line, in quotes or without."""
    plain = Dialect(delimiter="", quote="", escape="")
    if given.quote is not None:
        return replace(plain, quote=given.quote, escape=given.quote)
    quoted = Dialect(delimiter="")
    found = take_apart(text, quoted, whole=whole)
    enclosed = _enclosed(take_apart(text, plain, whole=whole), '"')
    held = '"' in text and not found.bad and not (found.several and _quotes_inside(found, text))
    return quoted if enclosed or held else plain


def _quotes_inside(found: Records, text: str) -> bool:
    """Whether some record begins without a quote and has one later, as what people say in a text."""
    lines = text.split("\n")
    begun = [lines[number - 1].lstrip() for number in found.lines]
    return any('"' in each and not each.startswith('"') for each in begun)
