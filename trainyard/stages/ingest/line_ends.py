"""Finds and repairs what is odd about the ends of lines in an uploaded file; runs in Glue's driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from trainyard.stages.ingest.csv_scan import PlainFile

LONE_RETURN = re.compile(rb"\r(?!\r*\n|\r*\Z)")


def only_returns(file: PlainFile) -> bool:
    """Whether the lines of a file end in carriage returns alone, as on old Macs.

    Without a line feed a file is one line, and so it is small.
    """
    if file.lines > 1:
        return False
    text = file.path.read_bytes()
    return b"\n" not in text and b"\r" in text.rstrip(b"\r")


def alike(file: PlainFile) -> PlainFile:
    """The same file after a rewrite in which all lines end in LF; the published news corpus mixes LF and CRLF.

    A line feed inside quotes is one alone afterwards. Lines are of bounded length.
    """
    unified = file.path.with_name(f"{file.path.name}.lines")
    lines = 0
    with unified.open("wb") as copy:
        for line in _lines(file.path, returns=only_returns(file)):
            copy.write(line.rstrip(b"\r\n") + b"\n")
            lines += 1
    unified.replace(file.path)
    return replace(file, lines=lines)


def lone_return(file: PlainFile, quote: str) -> int | None:
    """The first line (from 1) with a carriage return outside of quotes that ends no line; None where there is none."""
    mark, quotes = quote.encode(), 0
    with file.path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            for found in LONE_RETURN.finditer(line):
                before = quotes + line.count(mark, 0, found.start()) if mark else 0
                if before % 2 == 0:
                    return number
            quotes += line.count(mark) if mark else 0
    return None


def _lines(path: Path, *, returns: bool) -> Iterator[bytes]:
    if returns:
        yield from path.read_bytes().rstrip(b"\r").split(b"\r")
        return
    with path.open("rb") as lines:
        yield from lines
