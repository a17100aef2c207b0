"""Opens a text file: makes it clean UTF-8, and finds out how it is taken apart; in Glue's driver and on a laptop."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from trainyard.contract.sources import FileSettings
from trainyard.errors import BadData
from trainyard.reading.opening import plain_text
from trainyard.reading.opening.dialect import Choice, Given, choose, word
from trainyard.reading.opening.header import Header, header
from trainyard.reading.opening.parser import Parsed
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.opening.records import Dialect, Records, take_apart
from trainyard.reading.opening.samples import sample
from trainyard.reading.opening.text_scan import CHUNK_BYTES, Look, look
from trainyard.reading.sentences import refused

# What people write in run.json where a character is hard to type.
WRITTEN = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " ", r"\x01": "\x01"}
# The first line of some files for Excel, such as sep=;
SEP = "sep="
# DuckDB takes no longer delimiter.
MAX_DELIMITER_BYTES = 4
# Of the beginning of a file so many rows say how fractions are written.
FIRST_ROWS = 300


@dataclass(frozen=True, kw_only=True)
class OpenedText:
    """A text file as UTF-8 in clean lines, what a look at all of it found, and how its sample is taken apart."""

    text: Text
    seen: Look
    choice: Choice
    top: Header

    @property
    def sample(self) -> Records:
        return self.choice.records

    @property
    def rows(self) -> Sequence[Sequence[str]]:
        """The rows of data at the beginning of the file."""
        return self.sample.rows[self.top.present and not self.top.above :]

    @cached_property
    def spread_rows(self) -> list[Sequence[str]]:
        """Rows of data at the beginning, and of later places those lines that are whole by themselves."""
        pieces = sample(self.text.path).spread
        later = [take_apart(plain_text.legible(each), self.sample.dialect).rows for each in pieces]
        return [
            *self.rows[:FIRST_ROWS],
            *(row for rows in later for row in rows if len(row) == self.sample.width),
        ]

    @property
    def first(self) -> int:
        """The line of the first row of data."""
        lines = self.sample.lines
        if self.top.above:
            return lines[0]
        if self.top.present:
            return lines[1] if len(lines) > 1 else self.seen.lines + 1
        # What stands above data that have no header is data that do not fit, but for remarks.
        remarks = all(row[0].startswith(("#", SEP)) for row in self.sample.above)
        return lines[0] if remarks else 1

    @property
    def parsed(self) -> Parsed:
        return Parsed(path=self.text.path, dialect=self.sample.dialect, width=self.sample.width, skip=self.first - 1)

    def taken_apart(self, dialect: Dialect) -> OpenedText:
        """The same with another dialect."""
        return replace(self, choice=replace(self.choice, records=replace(self.sample, dialect=dialect)))


def opened_text(text: Text, settings: FileSettings, *, known: frozenset[str]) -> OpenedText:
    """A text as `as_utf8` gives it, opened; `known` are names of columns as `plain_name` writes them.

    Raises BadData for a file without text, for lines of more than 1 MiB, and for bytes that are no text.
    """
    choice = detected(text, settings, known=known)
    seen = look(text.path, text.name, delimiter=choice.delimiter)
    if clean := plain_text.in_clean_lines(text, seen, encoding=settings.encoding):
        text, choice = clean, detected(clean, settings, known=known)
        seen = look(text.path, text.name, delimiter=choice.delimiter)
    if choice.records.dialect.spaced or len(choice.delimiter.encode()) > MAX_DELIMITER_BYTES:
        text, choice = _rewritten(text, choice)
        seen = look(text.path, text.name, delimiter=choice.delimiter)
    if not choice.records.rows:
        found = "an empty file" if not seen.size else "blank lines only"
        raise BadData([refused(text.name, expected="a table", found=found, advice="export it once more")])
    top = header(choice.records, known=known, given=settings.header)
    return _with_plain_head(OpenedText(text=text, seen=seen, choice=choice, top=top))


def detected(text: Text, settings: FileSettings, *, known: frozenset[str]) -> Choice:
    """How a text is taken apart, as people say or as its sample shows."""
    taken = sample(text.path)
    head = plain_text.legible(taken.head)
    said = settings.delimiter
    if said is None and head.startswith(SEP):
        said = head.partition("\n")[0].removeprefix(SEP) or None
    delimiter = None if said is None else WRITTEN.get(said.lower(), said)
    return choose(head, whole=taken.whole, known=known, given=Given(delimiter=delimiter, quote=settings.quote))


def _with_plain_head(opened: OpenedText) -> OpenedText:
    """The same where no quote above the data is open at the end of its line: the parser skips lines of data after one.

    Such quotes become spaces, so that lines and bytes stay at their places.
    """
    text, mark, skipped = opened.text, opened.sample.dialect.quote.encode(), opened.first - 1
    with text.path.open("rb") as file:
        head = [file.readline() for _ in range(skipped if mark else 0)]
        if all(line.count(mark) % 2 == 0 for line in head):
            return opened
        path = text.folder / "head"
        with path.open("wb") as copy:
            copy.write(b"".join(head).replace(mark, b" "))
            shutil.copyfileobj(file, copy, CHUNK_BYTES)
    return replace(opened, text=replace(text, path=path))


def _rewritten(text: Text, choice: Choice) -> tuple[Text, Choice]:
    """The text with commas and quotes, where DuckDB has no word for how it is separated."""
    path = text.folder / "commas"
    plain_text.rewrite(text.path, path, dialect=choice.records.dialect)
    read_as = (*text.read_as, *filter(None, [word(choice.delimiter)]))
    records = replace(choice.records, dialect=Dialect())
    return replace(text, path=path, read_as=read_as), replace(choice, records=records)
