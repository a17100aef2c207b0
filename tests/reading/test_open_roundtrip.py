"""Any table that is written in any dialect comes back as it was, or a sentence asks; it is never another table."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reading.opened import Table, table
from trainyard.errors import BadData

# Texts as they hurt: delimiters, quotes, line feeds, accents, and nothing at all.
PIECES = ["a", "word", "Größe", "café", ",", ";", "\t", "|", '"', "'", "::", "\n", " ", "4,5", "7", "- ", "(1999)", ""]
texts = st.lists(st.sampled_from(PIECES), max_size=6).map(lambda pieces: "".join(pieces).strip(" \t\n"))
numbers = st.integers(min_value=0, max_value=10**6).map(str)
fractions = st.integers(min_value=0, max_value=99).map(lambda tenths: f"{tenths / 10}")
COLUMNS = {"userId": numbers, "movieId": numbers, "rating": fractions, "title": texts, "text": texts, "place": texts}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]
QUOTING = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]


@st.composite
def written(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, ...]], bytes]:
    """The names and rows of a table, and the bytes of it in a file."""
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=5, unique=True))
    rows = draw(st.lists(st.tuples(*(COLUMNS[name] for name in names)), min_size=3, max_size=40))
    file = io.StringIO(newline="")
    writer = csv.writer(
        file,
        delimiter=draw(st.sampled_from([",", ";", "\t", "|", "\x01"])),
        quoting=draw(st.sampled_from(QUOTING)),  # type: ignore[arg-type]
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerows([names, *rows])
    return names, rows, file.getvalue().encode(draw(st.sampled_from(ENCODINGS)))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(written())
def test_a_table_comes_back_from_any_dialect(case: tuple[list[str], list[tuple[str, ...]], bytes]) -> None:
    names, rows, content = case
    with tempfile.TemporaryDirectory() as folder:
        try:
            read: Table = table(Path(folder), content, source="ratings")
        except BadData:
            return

    assert list(read.found.columns) == names
    assert not read.rejected
    assert read.rows == [tuple(cell or None for cell in row) for row in rows]
