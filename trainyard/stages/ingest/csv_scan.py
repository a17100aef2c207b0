"""Looks at every byte of an uploaded file before a CSV parser sees it, in bounded memory; runs in Glue's driver."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trainyard.errors import BadData

# A line may not be longer than a chunk, so that no chunk lies wholly inside a line that is accepted.
CHUNK_BYTES = MAX_LINE_BYTES = 2**20
DIGITS_AND_SEPARATORS = b'0123456789-,;|\t"\r\n'


@dataclass(frozen=True, kw_only=True)
class PlainFile:
    """A source file that holds nothing but UTF-8 text in lines of bounded length.

    `name` is what it was uploaded as, `path` where it lies unpacked, `lines` how many lines it has (the last one may
    lack its line feed). `only_digits` says that after the first line there is nothing but whole numbers, separated.
    """

    name: str
    path: Path
    lines: int
    size: int
    only_digits: bool = False


def refused(name: str, place: str, *, expected: str, found: str, advice: str) -> str:
    """The one sentence that every refusal of a file is; `place` is such as `line 12`, or empty for the whole file."""
    where = f"{name}, {place}" if place else name
    return f"{where}: expected {expected}, found {found}; {advice} and upload the file again."


def plain(path: Path, name: str, *, scratch: Path) -> PlainFile:
    """The file at `path`, unpacked into `scratch` if its name ends in .gz, after a look at every byte.

    Raises BadData for an empty file, a damaged archive, bytes that are no UTF-8 text, and lines of more than 1 MiB. It
    stops at the first such byte, so that neither a huge line nor a huge archive is read to its end.
    """
    packed = name.endswith(".gz")
    target = scratch / f"{path.name}.unpacked" if packed else path
    look = _Look(name)
    if packed:
        with target.open("wb") as file:
            for chunk in _unpacked(path, look):
                look.at(chunk)
                file.write(chunk)
    else:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                look.at(chunk)
    look.end()
    return PlainFile(
        name=name, path=target, lines=look.lines + bool(look.tail), size=look.size, only_digits=look.only_digits
    )


def _unpacked(path: Path, look: _Look) -> Iterator[bytes]:
    try:
        with gzip.open(path) as file:
            while chunk := file.read1(CHUNK_BYTES):
                yield chunk
    except EOFError:
        look.refuse(
            "a complete gzip file",
            f"one that ends after {look.size:,} unpacked bytes",
            advice="compress it again",
            line=None,
        )
    except (gzip.BadGzipFile, zlib.error) as error:
        advice = "compress it with gzip, or take .gz off its name,"
        look.refuse("a gzip file, as its name says", f"other or damaged bytes ({error})", advice=advice, line=None)


@dataclass
class _Look:
    """What is known of the bytes seen so far. `lines` counts line feeds, `tail` the bytes since the last one."""

    name: str
    lines: int = 0
    size: int = 0
    tail: int = 0
    only_digits: bool = True
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def at(self, chunk: bytes) -> None:
        """Take in the next chunk, of at most CHUNK_BYTES."""
        if not self.size and chunk.startswith(b"\x1f\x8b"):
            self.refuse("plain text, as its name says", "a gzip file", advice="add .gz to its name", line=None)
        self._text(chunk, final=False)
        if (place := chunk.find(b"\0")) >= 0:
            self.refuse(
                "text", "a NUL byte", advice="save it as UTF-8 without NUL bytes", line=1 + chunk.count(b"\n", 0, place)
            )
        first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
        if self.tail + (first if first >= 0 else len(chunk)) > MAX_LINE_BYTES:
            ended = b"\r" in chunk and not self.lines and first < 0
            found = "one that holds carriage returns and no line feed" if ended else "a longer one"
            advice = "save it with lines that end in line feeds" if ended else "break the line up"
            self.refuse(f"lines of at most {MAX_LINE_BYTES:,} bytes", found, advice=advice, line=1)
        if self.only_digits:
            rest = chunk if self.lines else chunk[first + 1 :]
            self.only_digits = first >= 0 and not rest.translate(None, DIGITS_AND_SEPARATORS)
        self.tail = len(chunk) - 1 - last if last >= 0 else self.tail + len(chunk)
        self.lines += chunk.count(b"\n")
        self.size += len(chunk)

    def end(self) -> None:
        """Take in the end of the file."""
        if not self.size:
            self.refuse("a header line and data", "an empty file", advice="export it once more", line=None)
        self._text(b"", final=True)

    def _text(self, chunk: bytes, *, final: bool) -> None:
        try:
            self.decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            line = 1 + error.object.count(b"\n", 0, error.start)
            self.refuse(
                "UTF-8 text", f"the byte 0x{error.object[error.start]:02X}", advice="save it as UTF-8", line=line
            )

    def refuse(self, expected: str, found: str, *, advice: str, line: int | None) -> None:
        """Raise BadData; `line` counts from the line the current chunk begins in, which is 1."""
        place = "" if line is None else f"line {self.lines + line:,}"
        raise BadData([refused(self.name, place, expected=expected, found=found, advice=advice)])
