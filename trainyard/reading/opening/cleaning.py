"""Writes a text file again without what no parser expects: NUL bytes and odd line ends; runs in Glue's driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from trainyard.reading.opening.text_scan import CHUNK_BYTES

END = re.compile(rb"\r+\n")


def clean(path: Path, target: Path, *, returns_end_lines: bool) -> None:
    """Write the file at `path` to `target` with lines that end in LF, and without NUL bytes.

    Carriage returns end lines too where `returns_end_lines`; else those that stand before no line feed become spaces.
    """
    with target.open("wb") as copy:
        for chunk in _chunks(path):
            copy.write(cleaned(chunk, returns_end_lines=returns_end_lines))


def cleaned(text: bytes, *, returns_end_lines: bool) -> bytes:
    """The same for a piece of text that does not end in a carriage return."""
    return END.sub(b"\n", text.replace(b"\0", b"")).replace(b"\r", b"\n" if returns_end_lines else b" ")


def _chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces that end in no carriage return, but for the last one's, which end the last line."""
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            chunk = rest + chunk
            kept = chunk.rstrip(b"\r\0")
            rest = chunk[len(kept) :]
            yield kept
    if rest:
        yield b"\n"
