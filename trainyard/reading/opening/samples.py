"""Takes a sample of a file, its beginning and some pieces of the rest, in whole lines; runs in Glue's driver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 2**17
PIECES = 16
PIECE_BYTES = 2**12


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Bytes of a file: the lines it begins with, and lines from places spread over the rest. `whole`: that is all."""

    head: bytes
    spread: tuple[bytes, ...] = ()
    whole: bool = True


def sample(path: Path) -> Sample:
    """A sample of the file at `path`, of 192 KiB at most."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if size <= len(head):
            return Sample(head=head)
        pieces = []
        for index in range(PIECES):
            # The last piece is the end of the file.
            file.seek(HEAD_BYTES + max(size - HEAD_BYTES - PIECE_BYTES, 0) * index // (PIECES - 1))
            pieces.append(_whole_lines(file.read(PIECE_BYTES)))
    # A long line, such as a document of JSON in one, is cut off.
    end = head.rfind(b"\n") + 1 or head.rfind(b"\r") + 1
    return Sample(head=head[:end] if end else head, spread=tuple(each for each in pieces if each), whole=False)


def _whole_lines(piece: bytes) -> bytes:
    """The piece without the line that it begins in the middle of, and without the one that it ends in."""
    mark = b"\n" if b"\n" in piece else b"\r"
    first, last = piece.find(mark), piece.rfind(mark)
    return piece[first + 1 : last + 1] if first < last else b""
