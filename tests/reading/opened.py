"""A file's bytes as the opening of files reads them, for the tests of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from trainyard.contract.sources import Column, FileSettings, Source
from trainyard.reading.model import Found, LocalFile
from trainyard.reading.opening.open import found_tables
from trainyard.reading.opening.text_scan import lines_at

RATINGS = Source(
    name="ratings",
    files=("ratings",),
    columns=(
        Column(name="userId", type="id", synonyms=("user",)),
        Column(name="movieId", type="id"),
        Column(name="rating", type="float64"),
        Column(name="timestamp", type="timestamp"),
    ),
)
REVIEWS = Source(
    name="reviews",
    files=("reviews",),
    columns=(Column(name="title", type="string"), Column(name="text", type="string")),
)
SOURCES = (RATINGS, REVIEWS)


@dataclass(frozen=True)
class Table:
    """What was found, its rows as text, and the lines that the parser set aside."""

    found: Found
    rows: list[tuple[object, ...]]
    rejected: list[int]


def tables(
    folder: Path, content: bytes, *, name: str = "data.csv", source: str = "", **settings: object
) -> list[Table]:
    """All the tables that are found in a file of this content."""
    path = folder / "upload"
    path.write_bytes(content)
    file = LocalFile(name=name, path=path, source=source)
    connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
    said = replace(FileSettings(), **settings)  # type: ignore[arg-type]
    found = found_tables(connection, file, settings=said, sources=SOURCES, scratch=folder)
    result = []
    for each in found:
        rows = connection.execute(f"FROM {each.relation}").fetchall()
        result.append(Table(found=each, rows=rows, rejected=_rejected(connection, each) if each.rejects else []))
    return result


def _rejected(connection: duckdb.DuckDBPyConnection, found: Found) -> list[int]:
    columns = "line_byte_position - 1, min(line)"
    query = f"SELECT {columns} FROM {found.rejects} GROUP BY line_byte_position ORDER BY line_byte_position"
    places = connection.execute(query).fetchall()
    return lines_at(found.text, [at for at, _ in places]) if found.text else [line for _, line in places]


def table(folder: Path, content: bytes | str, **said: object) -> Table:
    """The one table that is found."""
    (found,) = tables(folder, content.encode() if isinstance(content, str) else content, **said)  # type: ignore[arg-type]
    return found
