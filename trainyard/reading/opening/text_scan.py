"""Looks at every byte of a text file once before a parser sees it, in bounded memory; runs in Glue's driver."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainyard.errors import BadData
from trainyard.reading.sentences import refused

# So much, and what is computed of it, fits into the cache of a core.
CHUNK_BYTES = 2**18
MAX_LINE_BYTES = 2**20
LINE_FEED, RETURN, QUOTE, ZERO, NINE, MINUS = b'\n\r"09-'
# A whole number of so many digits fits into 64 bits, whatever its digits are.
MAX_DIGITS = 18
# Where files are no numbers, this much of a chunk shows it.
GLANCE = 4096

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is known of a text file after a look at each of its bytes.

    `lines`: how many (the last one may lack its line feed); where there are no line feeds, carriage returns end lines.
    `quotes`: how many quotation marks; `uneven`: lines with an odd number of them, so that a field may go on in the
    next line; `loose`: marks beside which there is neither an end of a field nor another mark. `nuls`: how many such
    bytes; `feeds`: line feeds, `returns`: carriage returns that none follows; `mixed_ends`: not all lines end in the
    same way. `only_digits`: after the first line there are only numbers such as 0, 17 and -3, of at most 18 digits.
    `utf8`: whether it is that; where not, the look ended at the first other byte.
    """

    lines: int
    size: int
    uneven: int = 0
    quotes: int = 0
    loose: int = 0
    nuls: int = 0
    feeds: int = 0
    returns: int = 0
    mixed_ends: bool = False
    only_digits: bool = False
    utf8: bool = True


def look(path: Path, name: str, *, delimiter: str) -> Look:
    """Read the file at `path`, which people know as `name`, once; raises BadData for a line of more than 1 MiB."""
    seen = _Seen(name, delimiter.encode())
    with path.open("rb") as file:
        while seen.utf8 and (chunk := file.read(CHUNK_BYTES)):
            seen.take(chunk)
    seen.end()
    ends = seen.feeds or seen.returns
    return Look(
        lines=ends + bool(seen.tail),
        size=seen.size,
        uneven=seen.uneven,
        quotes=seen.quotes,
        loose=seen.loose,
        nuls=seen.nuls,
        feeds=seen.feeds,
        returns=seen.lone,
        mixed_ends=bool(seen.returns) and not seen.returns == seen.pairs == seen.feeds,
        only_digits=seen.only_digits and seen.feeds > 0,
        utf8=seen.utf8,
    )


@dataclass
class _Seen:
    """What is known of the bytes so far. `feeds` counts line feeds, `pairs` those after a return; `tail` is the number
    of bytes since the last line's end, `before` the last bytes of the chunk before."""

    name: str
    delimiter: bytes
    size: int = 0
    feeds: int = 0
    returns: int = 0
    pairs: int = 0
    lone: int = 0
    quotes: int = 0
    uneven: int = 0
    loose: int = 0
    nuls: int = 0
    tail: int = 0
    odd: bool = False
    only_digits: bool = True
    utf8: bool = True
    before: bytes = b""
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def take(self, chunk: bytes) -> None:
        """Take in the next chunk, of at most CHUNK_BYTES."""
        data = np.frombuffer(chunk, dtype=np.uint8)
        self._text(chunk)
        self.nuls += chunk.count(0) if b"\0" in chunk else 0
        feeds = data == LINE_FEED
        self._returns(chunk, data)
        self._quotes(chunk, data, feeds=feeds)
        self._lines(chunk)
        if self.only_digits:
            before = self.before if self.feeds else b""
            start = 0 if self.feeds else max(chunk.find(b"\n"), 0)
            self.only_digits = plain_numbers(before + chunk[start:], delimiter=self.delimiter)
        self.feeds += int(np.count_nonzero(feeds))
        self.size += len(chunk)
        self.before = chunk[-MAX_DIGITS - 2 :]

    def end(self) -> None:
        """Take in the end of the file; a character of which only the beginning is there is part of a cut last line."""
        self.uneven += self.odd
        self.only_digits &= not self.before.endswith(b"-")

    def _text(self, chunk: bytes) -> None:
        if chunk.isascii() and not self.decoder.getstate()[0]:
            return
        try:
            self.decoder.decode(chunk)
        except UnicodeDecodeError:
            self.utf8 = False

    def _returns(self, chunk: bytes, data: Bytes) -> None:
        if b"\r" in chunk or self.before.endswith(b"\r"):
            data = np.concatenate(([np.uint8(RETURN)], data)) if self.before.endswith(b"\r") else data
            returns = data == RETURN
            followed = data[1:]
            self.pairs += int(np.count_nonzero(returns[:-1] & (followed == LINE_FEED)))
            self.lone += int(np.count_nonzero(returns[:-1] & (followed != LINE_FEED) & (followed != RETURN)))
            self.returns += chunk.count(b"\r")

    def _quotes(self, chunk: bytes, data: Bytes, *, feeds: npt.NDArray[np.bool_]) -> None:
        if b'"' not in chunk and not self.odd:
            return
        marks = np.flatnonzero(data == QUOTE)
        # How many marks stand in each line, the one that this chunk begins in first.
        places = np.flatnonzero(feeds)
        counts = np.bincount(np.searchsorted(places, marks), minlength=len(places) + 1)
        counts[0] += self.odd
        self.quotes += len(marks)
        self.uneven += int(np.count_nonzero(counts[:-1] & 1))
        self.loose += _loose(data, marks, delimiter=self.delimiter)
        self.odd = bool(counts[-1] & 1)

    def _lines(self, chunk: bytes) -> None:
        end = b"\n" if self.feeds or b"\n" in chunk else b"\r"
        first, last = chunk.find(end), chunk.rfind(end)
        if self.tail + (first if first >= 0 else len(chunk)) > MAX_LINE_BYTES:
            place = f"line {1 + (self.feeds or self.returns - chunk.count(13)):,}"
            expected, advice = f"lines of at most {MAX_LINE_BYTES:,} bytes", "break the line up"
            raise BadData([refused(self.name, place, expected=expected, found="a longer one", advice=advice)])
        self.tail = len(chunk) - 1 - last if last >= 0 else self.tail + len(chunk)


def plain_numbers(chunk: bytes, *, delimiter: bytes) -> bool:
    """Whether there are only numbers that a 64 bit column gives back as they were written, and delimiters."""
    expected = b'0123456789-"\r\n' + delimiter
    if chunk[:GLANCE].translate(None, expected):
        return False
    data = np.frombuffer(chunk, dtype=np.uint8)
    digits = (data >= ZERO) & (data <= NINE)
    others = sum(int(np.count_nonzero(data == each)) for each in set(expected[10:]) if each in chunk)
    if int(np.count_nonzero(digits)) + others < len(data):
        return False
    if ((data[1:-1] == ZERO) & ~digits[:-2] & digits[2:]).any():
        return False
    return not (b"-" in chunk and _odd_minus(data, digits)) and not _long_runs(digits)


def _loose(data: Bytes, marks: npt.NDArray[np.intp], *, delimiter: bytes) -> int:
    """How many quotation marks neither open nor close a field, nor stand beside another one."""
    inside = marks[(marks > 0) & (marks < len(data) - 1)]
    opens, closes = np.zeros(256, dtype=np.bool_), np.zeros(256, dtype=np.bool_)
    opens[[LINE_FEED, RETURN, QUOTE, *delimiter[-1:]]] = True
    closes[[LINE_FEED, RETURN, QUOTE, *delimiter[:1]]] = True
    return int(np.count_nonzero(~opens[data[inside - 1]] & ~closes[data[inside + 1]]))


def _odd_minus(data: Bytes, digits: npt.NDArray[np.bool_]) -> bool:
    """Whether a minus stands after a digit, or before anything but a digit from 1 to 9."""
    minus = data == MINUS
    followed = digits[1:] & (data[1:] != ZERO)
    return bool((minus[1:] & digits[:-1]).any() or (minus[:-1] & ~followed).any())


def _long_runs(digits: npt.NDArray[np.bool_]) -> bool:
    """Whether more than MAX_DIGITS digits stand side by side: runs of 2, 4, 8, 16, and of 16 three places apart."""
    runs = digits
    for step in (1, 2, 4, 8, 3):
        runs = runs[:-step] & runs[step:]
    return bool(runs.any())


def lines_at(path: Path, offsets: Sequence[int]) -> list[int]:
    """The numbers (from 1) of the lines in which some bytes (from 0, in order) of a text file stand."""
    found, line, at = [], 1, 0
    with path.open("rb") as file:
        for offset in offsets:
            while at < offset and (chunk := file.read(min(CHUNK_BYTES, offset - at))):
                line, at = line + chunk.count(b"\n"), at + len(chunk)
            found.append(line)
    return found
