"""What a written value means is the same in a file (SQL) and in a request (Python)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.contract import values
from trainyard.reading import cells
from trainyard.reading.cells import Cell, ValueType

NASTY = [
    *("", " ", "NA", "n/a", "NaN", "NULL", r"\N", "None", "<NA>", "0000-00-00", "#N/A", " null\t", "\u00a0", "nat"),
    *(
        "TRUE",
        "true",
        "T",
        "yes",
        "Y",
        "1",
        "1.0",
        "wahr",
        "FALSE",
        "False",
        "f",
        "No",
        "0",
        "0.0",
        "2",
        "maybe",
        "ja ",
    ),
    *("7", " 7 ", "+7", "-7", "007", "1630.0", "1630.", "1.50", "1_000", "0x10", "1,000", "4,5", ".5", "1e3", "1E-400"),
    *("1e999", "inf", "-inf", "infinity", "nan", "epoch", "9223372036854775807", "9223372036854775808", "-0", "0.0"),
    *("84012345678901234126", "80144A", "b5b5fab-8f4d", "1.23E+13", "1.23e+13", "12E4", "C1007", "\u0661\u0662"),
    *("2026-01-31", "2026-02-30", "2026-01-31T23:59:59Z", "2026-01-31 23:59:59.5", "2026-07-01T02:57:00+02:00"),
    *("2026-07-01 02:57:00 +0530", "2026-07-01 02:57:00-05", "2026-07-01 02:57 UTC", "2026-07-01T24:00:00"),
    *("2026-1-1", "2026-07-01 02:57:00+25:00", "31/01/2026", "20260101120000", "960183970", "960183970.0", "-5"),
    *(
        "$1,630.50",
        "-$5",
        "$-5",
        "--5",
        "(1,630)",
        "5-",
        "12 %",
        "1\u202f234",
        "1\u20190",
        "CHF 1'234.50",
        "1,23,456",
        "1,2345",
    ),
    *(
        "0,123",
        "'00123",
        "'7",
        "\u22127",
        "R$ 5",
        "5 \u20ac",
        "5 kg",
        "(5",
        "1 234 567",
        "1,234 567",
        "$",
        "-",
        "%",
        "1e5%",
    ),
    *("1394470370698", "1394470370698.0", "1394470370698123", "960183970.25", "-62135596801", "1e10", "99999999999"),
]
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text("0123456789.,eE+-: TZ/naNAtruefl", max_size=26),
    st.text("0123456789.,'-()$€% \u202f", max_size=9),
    st.text(max_size=8),
)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.floats().map(repr),
    st.floats().map(lambda each: f"{each:.3f}"),
    st.integers(-(10**15), 10**15).map(lambda each: f"{each}.0"),
)
MOMENTS = st.datetimes(datetime(1001, 1, 1), datetime(9998, 1, 1)).map(str) | st.datetimes(
    datetime(1001, 1, 1), datetime(9998, 1, 1), timezones=st.timezones().filter(lambda zone: "/" in str(zone))
).map(lambda each: each.isoformat())


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        yield connection


def in_files(connection: duckdb.DuckDBPyConnection, texts: list[str], kind: ValueType) -> list[object]:
    """What SQL makes of each text."""
    cell = Cell(sql="c0", dates="epoch")
    sql = cells.missing(cell) if kind == "missing" else cells.value(cell, kind)
    query = f"SELECT {sql} FROM (SELECT unnest($texts) AS c0, generate_subscripts($texts, 1) AS place) ORDER BY place"
    return [row[0] for row in connection.execute(query, {"texts": texts}).fetchall()]


def key(text: str) -> str | None:
    """A key as a request has it; one that a spreadsheet has shortened is none."""
    import re

    shortened = re.fullmatch(cells.SHORTENED, text.strip())
    return None if values.is_missing(text) or shortened else values.identifier(text)


PYTHON = {
    "missing": values.is_missing,
    "key": key,
    "float64": lambda text: None if values.is_missing(text) else values.number(text),
    "boolean": lambda text: None if values.is_missing(text) else values.boolean(text),
    "timestamp": lambda text: None if values.is_missing(text) else values.moment(text),
}


def alike(kind: str, one: object, other: object) -> bool:
    if kind == "timestamp" and one is not None and other is not None:
        return abs(one.replace(tzinfo=UTC) - other) <= timedelta(microseconds=1)
    return one == other


@pytest.mark.parametrize("kind", PYTHON)
def test_files_and_requests_agree_on_what_is_known_to_be_nasty(connection, kind):
    for text, found in zip(NASTY, in_files(connection, NASTY, kind), strict=True):
        assert alike(kind, found, PYTHON[kind](text)), (text, found, PYTHON[kind](text))


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(TEXTS | NUMBERS | MOMENTS, min_size=1, max_size=60), kind=st.sampled_from(sorted(PYTHON)))
def test_files_and_requests_agree_on_any_text(texts, kind):
    with duckdb.connect() as connection:
        texts = [each for each in texts if "\0" not in each]
        for text, found in zip(texts, in_files(connection, texts, kind) if texts else [], strict=True):
            assert alike(kind, found, PYTHON[kind](text)), (text, found, PYTHON[kind](text))
