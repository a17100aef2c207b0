"""Bodies that come compressed, `Content-Encoding: gzip`, never unpacked beyond a limit; standard library only."""

from __future__ import annotations

import gzip
import io
import zlib

from trainyard.errors import Refused

PLAIN, GZIP = {"", "identity"}, {"gzip", "x-gzip"}


def packed(header: str) -> bool:
    """Whether a body of this `Content-Encoding` has to be unpacked. Raises Refused (415) for one nobody can unpack."""
    name = header.strip().lower()
    if name not in PLAIN | GZIP:
        raise Refused(415, f"Expected Content-Encoding gzip or none, found {header!r:.100}.")
    return name in GZIP


def unpacked(body: bytes, limit: int) -> bytes:
    """A body without its compression, at most one byte longer than `limit`: enough to say that it is too long.

    Raises Refused (400) for what is not gzip, or not all of it.
    """
    try:
        # The module goes from member to member in blocks; with zlib alone each member would copy all that follows.
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            return file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(400, f"Expected a body in gzip, as Content-Encoding says: {error!s:.100}.") from None
