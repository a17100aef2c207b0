"""Packed bodies: unpacked up to a limit, or refused."""

from __future__ import annotations

import gzip

import pytest

from trainyard.errors import Refused
from trainyard.serving.encodings import packed, unpacked

BODY = b'{"item": 1}' * 100
# Without a time, which would make other names of tests in each process.
PACKED = gzip.compress(BODY, mtime=0)


def test_a_body_comes_back_from_one_member_or_several():
    assert unpacked(gzip.compress(BODY), 10_000) == BODY
    assert unpacked(gzip.compress(BODY) + gzip.compress(BODY) + b"\0" * 7, 10_000) == BODY * 2
    assert unpacked(b"", 10_000) == b""


def test_no_more_is_unpacked_than_tells_that_it_is_too_much():
    assert len(unpacked(gzip.compress(b" " * 10_000_000) * 3, 1000)) == 1001
    # Members of nothing cost no more than their own bytes.
    assert unpacked(gzip.compress(b"") * 20_000, 1000) == b""


@pytest.mark.parametrize("body", [BODY, PACKED[:-1], PACKED[:5], PACKED + b"rest", b"\x1f\x8b\x08"])
def test_what_is_no_gzip_is_refused(body):
    with pytest.raises(Refused, match="Expected a body in gzip, as Content-Encoding says") as error:
        unpacked(body, 10_000)
    assert error.value.status == 400


def test_damage_within_is_found():
    body = bytearray(gzip.compress(BODY))
    body[-6] ^= 0xFF
    with pytest.raises(Refused, match="CRC"):
        unpacked(bytes(body), 10_000)


def test_encodings_by_name():
    assert [packed(each) for each in ("", "identity", " GZIP ", "x-gzip")] == [False, False, True, True]
    for name in ("br", "deflate", "gzip, gzip", "zstd"):
        with pytest.raises(Refused, match="Expected Content-Encoding gzip or none") as error:
            packed(name)
        assert error.value.status == 415
