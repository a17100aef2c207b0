"""Makes a table of DuckDB's out of a text file of any encoding and dialect; runs in Glue's driver and on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from trainyard.contract.sources import FileSettings, Source
from trainyard.errors import BadData
from trainyard.reading import plain_text, quotes
from trainyard.reading.dialect import (
    DELIMITERS,
    SPACE,
    STAND_IN,
    Choice,
    Dialect,
    Given,
    Reading,
    choose,
    encloses,
    plain_name,
    read,
)
from trainyard.reading.header import Header, decimal, header, numeric
from trainyard.reading.model import Found
from trainyard.reading.plain_text import Text
from trainyard.reading.samples import sample
from trainyard.reading.sentences import literal, refused
from trainyard.reading.text_scan import MAX_LINE_BYTES, Look, look, plain_numbers

# What people write in run.json where a character is hard to type.
WRITTEN = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " ", r"\x01": "\x01"}
# Of the beginning of a file so many rows say how fractions are written.
FIRST_ROWS = 300
SEP = "sep="
# DuckDB takes no longer delimiter.
MAX_DELIMITER_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A text file as UTF-8 in clean lines, what a look at all of it found, and how its sample is taken apart."""

    text: Text
    seen: Look
    choice: Choice
    top: Header
    spread: Sequence[Sequence[str]]

    @property
    def reading(self) -> Reading:
        return self.choice.reading

    @property
    def first(self) -> int:
        """The line of the first row of data."""
        lines = self.reading.lines
        if self.top.above:
            return lines[0]
        if self.top.present:
            return lines[1] if len(lines) > 1 else self.seen.lines + 1
        # What stands above data that have no header is data that do not fit, but for remarks.
        remarks = all(row[0].startswith(("#", SEP)) for row in self.reading.above)
        return lines[0] if remarks else 1

    @property
    def rows(self) -> Sequence[Sequence[str]]:
        """The rows of data in the sample."""
        return self.reading.rows[self.top.present and not self.top.above :]


def csv_table(
    connection: duckdb.DuckDBPyConnection, text: Text, *, settings: FileSettings, sources: Sequence[Source]
) -> Found:
    """The table in a text file as `as_utf8` gives it; raises BadData for a file without text and for lines of more than 1 MiB."""
    opened = _opened(text, settings, known=names_known(sources))
    opened, unsure = _with_quotes_settled(connection, opened, settings)
    doubts = _doubts(opened, settings, unsure=unsure)
    if doubts and text.source:
        raise BadData(doubts)
    return _found(opened, settings, doubts=doubts)


def names_known(sources: Sequence[Source]) -> frozenset[str]:
    """All names that columns of the recipe's tables go by."""
    columns = [column for source in sources for column in source.columns]
    return frozenset(plain_name(name) for each in columns for name in (each.name, *each.synonyms))


def _opened(text: Text, settings: FileSettings, *, known: frozenset[str]) -> _Opened:
    choice = _choice(text, settings, known=known)
    seen = look(text.path, text.name, delimiter=choice.reading.dialect.delimiter)
    if cleaner := plain_text.in_clean_lines(text, seen, encoding=settings.encoding):
        text, choice = cleaner, _choice(cleaner, settings, known=known)
        seen = look(text.path, text.name, delimiter=choice.reading.dialect.delimiter)
    if choice.reading.dialect.spaced or len(choice.reading.dialect.delimiter.encode()) > MAX_DELIMITER_BYTES:
        text, choice = _rewritten(text, choice)
        seen = look(text.path, text.name, delimiter=",")
    if not choice.reading.rows:
        found = "an empty file" if not seen.size else "blank lines only"
        raise BadData([refused(text.name, expected="a table", found=found, advice="export it once more")])
    top = header(choice.reading, known=known, given=settings.header)
    return _Opened(text=text, seen=seen, choice=choice, top=top, spread=_spread(text, choice.reading))


def _choice(text: Text, settings: FileSettings, *, known: frozenset[str]) -> Choice:
    taken = sample(text.path)
    head = plain_text.legible(taken.head)
    said = settings.delimiter
    if said is None and head.startswith(SEP):
        # A first line for Excel, such as sep=;
        said = head.partition("\n")[0].removeprefix(SEP).strip("\r") or None
    delimiter = None if said is None else WRITTEN.get(said.lower(), said)
    return choose(head, whole=taken.whole, known=known, given=Given(delimiter=delimiter, quote=settings.quote))


def _spread(text: Text, reading: Reading) -> Sequence[Sequence[str]]:
    """Rows of the sample, also from later places: those lines that are whole by themselves."""
    later = [read(plain_text.legible(each), reading.dialect).rows for each in sample(text.path).spread]
    return [*reading.rows[:FIRST_ROWS], *(row for rows in later for row in rows if len(row) == reading.width)]


def _rewritten(text: Text, choice: Choice) -> tuple[Text, Choice]:
    """The text with commas and quotes, where DuckDB has no word for how it is separated."""
    path = text.folder / "commas"
    plain_text.rewrite(text.path, path, dialect=choice.reading.dialect)
    reading = replace(choice.reading, dialect=Dialect())
    words = [word for word in [_word(choice.reading.dialect.delimiter)] if word]
    return replace(text, path=path, read_as=(*text.read_as, *words)), replace(choice, reading=reading)


def _with_quotes_settled(
    connection: duckdb.DuckDBPyConnection, opened: _Opened, settings: FileSettings
) -> tuple[_Opened, bool]:
    """The same with a dialect that fits the whole file as to its quotes, and whether another fits as well."""
    reading, dialect = opened.reading, opened.reading.dialect
    if dialect.quote == '"' and not opened.seen.quotes:
        return _in(opened, replace(dialect, quote="", escape="")), False
    odd = opened.seen.uneven or opened.seen.loose if dialect.quote == '"' else dialect.quote
    if not odd or settings.quote is not None or reading.width < 2:
        return opened, False
    task = quotes.Task(
        path=opened.text.path,
        key=opened.text.key,
        dialect=dialect,
        width=reading.width,
        skip=opened.first - 1,
        enclosed=encloses(plain_text.legible(sample(opened.text.path).head), dialect),
        numeric=numeric(opened.rows, width=reading.width),
    )
    path, settled, unsure = quotes.settled(connection, task, target=opened.text.folder / "mended")
    text = replace(opened.text, path=path)
    if settled.quote != dialect.quote:
        text = replace(text, read_as=(*text.read_as, "no quotes"))
    return _in(replace(opened, text=text), settled), unsure


def _in(opened: _Opened, dialect: Dialect) -> _Opened:
    return replace(opened, choice=replace(opened.choice, reading=replace(opened.reading, dialect=dialect)))


def _found(opened: _Opened, settings: FileSettings, *, doubts: tuple[str, ...]) -> Found:
    text, reading, top, seen = opened.text, opened.reading, opened.top, opened.seen
    dialect = reading.dialect
    only_digits = seen.only_digits and (top.present or _first_line_is_numbers(text.path, dialect))
    mark = settings.decimal or decimal(opened.spread[top.present and not top.above :])
    relation = relation_of(opened)
    if not dialect.delimiter and not top.present:
        # A blank line between two texts is no text.
        relation = f"(SELECT c0 FROM {relation} WHERE c0 IS NOT NULL)"
    return Found(
        name=text.name,
        source=text.source,
        relation=relation,
        as_integers=relation_of(opened, kind="BIGINT") if only_digits else "",
        columns=top.names[: reading.width],
        width=reading.width,
        read_as=(*_words(opened, mark=mark), *text.read_as),
        decimal=mark,
        lines=seen.lines,
        first_row=opened.first,
        only_digits=only_digits,
        doubts=doubts,
        rejects=f"rejected_{text.key}",
        text=text.path,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
    )


def relation_of(opened: _Opened, *, kind: str = "VARCHAR") -> str:
    """What stands after FROM to read a text file; lines that do not fit are listed in `rejected_<key>`."""
    text, dialect = opened.text, opened.reading.dialect
    columns = ", ".join(f"'c{index}': '{kind}'" for index in range(opened.reading.width))
    return (
        f"read_csv({literal(str(text.path))}, columns = {{{columns}}}, header = false, skip = {opened.first - 1}, "
        f"auto_detect = false, delim = {literal(dialect.delimiter or STAND_IN)}, quote = {literal(dialect.quote)}, "
        f"escape = {literal(dialect.escape)}, strict_mode = true, max_line_size = {MAX_LINE_BYTES}, "
        f"store_rejects = true, rejects_table = 'rejected_{text.key}', rejects_scan = 'scanned_{text.key}')"
    )


def _first_line_is_numbers(path: Path, dialect: Dialect) -> bool:
    with path.open("rb") as file:
        return plain_numbers(b"\n" + file.readline(MAX_LINE_BYTES), delimiter=dialect.delimiter.encode())


def _words(opened: _Opened, *, mark: str) -> tuple[str, ...]:
    delimiter = opened.reading.dialect.delimiter
    words = [word for word in [_word(delimiter)] if word]
    if mark == ",":
        words.append("decimal comma")
    if opened.reading.dialect.quote == "'":
        words.append("single quotes")
    if opened.reading.dialect.escape == "\\":
        words.append("quotes after backslashes")
    if not opened.top.present:
        words.append("no header" if delimiter else "one text a line")
    if opened.top.present and opened.reading.above[opened.top.above :]:
        words.append(f"header in line {opened.first - 1}")
    return tuple(words)


def _word(delimiter: str) -> str:
    """A delimiter in words, empty where it is the usual one or none."""
    return "" if delimiter in {",", ""} else {SPACE: "space", **DELIMITERS}.get(delimiter, delimiter)


def _doubts(opened: _Opened, settings: FileSettings, *, unsure: bool) -> tuple[str, ...]:
    """What people are asked where two ways to read the file are equally good."""
    table = opened.text.source or "<table>"
    found = []
    if opened.choice.rival and settings.delimiter is None:
        one, other = (DELIMITERS[each] for each in (opened.reading.dialect.delimiter, opened.choice.rival))
        found.append(("one delimiter", f"{one} or {other}, equally well", "delimiter"))
    if not opened.top.sure and settings.header is None:
        shown = ", ".join(opened.reading.rows[0])[:60]
        found.append(("names of columns, or data,", f"in its first row what may be either: {shown!r}", "header"))
    if not opened.top.fits:
        names, width = len(opened.top.names), opened.reading.width
        found.append((f"as many fields as there are names ({names})", f"{width} in most lines", "delimiter or .quote"))
    if unsure and settings.quote is None:
        found.append(("quotes that enclose fields, or mean nothing,", "what may be either", "quote"))
    if opened.text.rival and settings.encoding is None:
        found.append(("one encoding", f"{opened.text.encoding} or {opened.text.rival}, equally likely", "encoding"))
    return tuple(
        refused(opened.text.name, expected=what, found=seen, advice=f"say which in run.json (files.{table}.{setting})")
        for what, seen, setting in found
    )
