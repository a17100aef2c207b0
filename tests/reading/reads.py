"""Files of a test read as a recipe's tables would be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from trainyard.contract.sources import Column, FileSettings, Source
from trainyard.reading.model import LocalFile, Reading
from trainyard.reading.read import read

THINGS = Source(
    name="things",
    files=("things",),
    columns=(
        Column(name="id", type="int64"),
        Column(name="name", type="string"),
        Column(name="price", type="float64", nullable=True),
    ),
    unique=("id",),
)


def reading(
    folder: Path,
    files: Mapping[str, bytes],
    *sources: Source,
    share: float = 0.0,
    consume: bool = False,
    **settings: FileSettings,
) -> Reading:
    """What becomes of files by name, given what is said of each table."""
    uploads = []
    for name, data in files.items():
        path = folder / "uploads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        source = next((each.name for each in sources if each.accepts(name)), "")
        uploads.append(LocalFile(name=name, path=path, source=source))
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return read(uploads, sources, settings=settings, max_bad_share=share, scratch=scratch, consume=consume)


def rows(found: Reading, table: str = "things") -> list[tuple[Any, ...]]:
    """The rows of a table in the order of its files; the files must have been accepted."""
    assert found.quality.ok, found.quality.problems
    return _opened(found, table).fetchall()


def columns(found: Reading, table: str = "things") -> dict[str, str]:
    """The columns of a table and their types in DuckDB."""
    opened = _opened(found, table)
    return dict(zip(opened.columns, map(str, opened.types), strict=True))


def problem(found: Reading) -> str:
    """All that is wrong, in sentences that have the form of all others."""
    assert not found.quality.ok
    for sentence in found.quality.problems:
        assert "expected" in sentence, sentence
        assert "found" in sentence, sentence
        assert sentence.endswith("."), sentence
    return " ".join(found.quality.problems)


def _opened(found: Reading, table: str) -> duckdb.DuckDBPyRelation:
    return duckdb.connect().read_parquet([str(each) for each in found.tables[table]])


def csv(header: str, lines: Iterable[str]) -> bytes:
    """A file of lines."""
    return "".join(f"{line}\n" for line in (header, *lines)).encode()
