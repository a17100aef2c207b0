"""Makes text of any encoding, with any line ends, into UTF-8 with clean lines; in Glue's driver and on a laptop."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass, replace
from pathlib import Path

from trainyard.errors import BadData
from trainyard.reading.opening import cleaning, encoding
from trainyard.reading.opening.dialect import Given, choose
from trainyard.reading.opening.records import Dialect, records
from trainyard.reading.opening.samples import sample
from trainyard.reading.opening.text_scan import Look, look
from trainyard.reading.sentences import refused

# Where carriage returns stand in more lines than this share they are no accident inside of texts.
RETURNS_END_LINES = 0.05


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text file on disk in the making of a table.

    `name`: as people know it; `key`: part of names in DuckDB; `folder`: where it may be written again. `encoding` is
    the one it came in, `rival` one that is as likely.
    """

    name: str
    path: Path
    key: str
    folder: Path
    source: str = ""
    read_as: tuple[str, ...] = ()
    encoding: str = ""
    rival: str = ""


def as_utf8(text: Text, *, encoding: str | None) -> Text:
    """The text in UTF-8 where people say another encoding, or where it has two or four bytes a character."""
    found = _named(text, encoding) if encoding else _wide(text)
    return _transcoded(text, found) if found else text


def in_clean_lines(text: Text, seen: Look, *, encoding: str | None) -> Text | None:
    """The text in UTF-8, with lines that end in LF and no NUL bytes; None where it is that already."""
    if not seen.utf8:
        text = _single_bytes(text, said=encoding)
        seen = look(text.path, text.name, delimiter="")
    elif not seen.nuls and not seen.mixed_ends:
        return None
    if not seen.nuls and not seen.mixed_ends:
        return text
    target = text.folder / "clean"
    cleaning.clean(text.path, target, returns_end_lines=_returns_end_lines(text.path, seen))
    words = ["NUL bytes dropped"] if seen.nuls else []
    if seen.returns:
        words.append("carriage returns")
    return replace(text, path=target, read_as=(*text.read_as, *words))


def legible(sample: bytes) -> str:
    """A sample as text from which dialect and header show: in UTF-8 where it is that."""
    clean = cleaning.cleaned(sample.rstrip(b"\r"), returns_end_lines=b"\n" not in sample)
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(clean)
    except UnicodeDecodeError:
        return clean.decode(encoding.WESTERN, errors="replace")


def rewrite(path: Path, target: Path, *, dialect: Dialect) -> None:
    """Write the file at `path` to `target` with commas between fields, and quotes where they are needed."""
    with path.open(encoding="utf-8", newline="") as file, target.open("w", encoding="utf-8", newline="") as copy:
        writer = csv.writer(copy, lineterminator="\n")
        for row, _, span in records(file, dialect):
            if row is None:
                # What is broken stays so, and the lines below keep their numbers.
                copy.write('"broken quotes"!' + "\n" * span)
            else:
                writer.writerow(row)


def _named(text: Text, encoding: str) -> str:
    """The encoding that people named, empty where it is what is read anyway."""
    try:
        found = codecs.lookup(encoding).name
    except LookupError as error:
        advice = f"correct files.{text.source or '<table>'}.encoding in run.json"
        problem = refused(text.name, expected="an encoding that is known", found=repr(encoding), advice=advice)
        raise BadData([problem]) from error
    return "" if found in {"utf-8", "utf-8-sig", "ascii"} else found


def _wide(text: Text) -> str:
    with text.path.open("rb") as file:
        return encoding.wide(file.read(2**16))


def _transcoded(text: Text, found: str) -> Text:
    target = text.folder / "utf8"
    encoding.transcode(text.path, target, encoding=found, name=text.name)
    return replace(text, path=target, encoding=found, read_as=(*text.read_as, encoding.shown(found)))


def _single_bytes(text: Text, *, said: str | None) -> Text:
    """The text in UTF-8 where some bytes are not that: all of it in another encoding, or lines of two encodings."""
    lines = encoding.lines_by_encoding(text.path)
    if said or (lines.utf8 and not encoding.is_western(lines.sample)):
        found = "other bytes" if said else f"UTF-8 in {lines.utf8:,} other lines, and here something else"
        advice = "save the whole file as UTF-8"
        problem = refused(text.name, f"line {lines.first:,}", expected="UTF-8 text", found=found, advice=advice)
        raise BadData([problem])
    target = text.folder / "utf8"
    if not lines.utf8:
        found_encoding = encoding.narrow(lines.sample)
        encoding.transcode(text.path, target, encoding=found_encoding.name, name=text.name)
        shown = encoding.shown(found_encoding.name)
        text = replace(text, encoding=shown, rival=encoding.shown(found_encoding.rival))
        return replace(text, path=target, read_as=(*text.read_as, shown))
    encoding.transcode_lines(text.path, target, encoding=encoding.WESTERN)
    many = "line" if lines.other == 1 else "lines"
    words = [f"{lines.other:,} {many} in {encoding.WESTERN} (line {lines.first:,})"] if lines.other else []
    return replace(text, path=target, read_as=(*text.read_as, *words))


def _returns_end_lines(path: Path, seen: Look) -> bool:
    """Whether carriage returns that no line feed follows end lines, as on old Macs, rather than stand in texts."""
    if not seen.feeds:
        return True
    if seen.returns <= RETURNS_END_LINES * seen.feeds:
        return False
    taken = sample(path)
    readings = []
    for end in (False, True):
        text = cleaning.cleaned(taken.head.rstrip(b"\r"), returns_end_lines=end).decode("utf-8-sig", errors="replace")
        readings.append(choose(text, whole=taken.whole, known=frozenset(), given=Given()).records)
    inside, ended = readings
    return ended.width > 1 and (inside.width < 2 or ended.misfits < inside.misfits or ended.total > 2 * inside.total)
