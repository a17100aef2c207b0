"""Reads a table as ingest would and counts what is in its columns; runs on a laptop."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from trainyard.contract.sources import ColumnType, Source
from trainyard.errors import BadData, NotFound
from trainyard.glue import engine
from trainyard.reading.assign import NO_SETTINGS
from trainyard.reading.model import LocalFile
from trainyard.reading.opening.open import found_tables
from trainyard.reading.read import read
from trainyard.reading.sql import identifier

TYPES: Mapping[str, ColumnType] = {
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "boolean",
    "VARCHAR": "string",
}
# Of each column at most so many values are named.
FEW = 3
BAD_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class FileColumn:
    """A column: how many of its rows have no value, how many different values there are, and the rarest first."""

    name: str
    type: ColumnType
    missing: int
    distinct: int
    rarest: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FileTable:
    """A table: its name, the name of its file without endings, and its rows and columns."""

    name: str
    file: str
    rows: int
    columns: tuple[FileColumn, ...]


def profile(path: Path) -> FileTable:
    """What is in a file. Raises NotFound where there is none, and BadData for one that holds no table."""
    if not path.is_file():
        raise NotFound(f"Expected a file with a table, found none at {path}.")
    file = path.name.partition(".")[0]
    name = re.sub(r"[\W_]+", "_", file.lower()).strip("_") or "rows"
    with tempfile.TemporaryDirectory(prefix="trainyard-new-") as scratch:
        source = Source(name=name, files=(path.name,), columns=(), other_columns=True)
        local = LocalFile(name=path.name, path=path, source=name)
        _require_different_names(local, source, scratch=Path(scratch))
        reading = read([local], [source], settings={}, max_bad_share=BAD_SHARE, scratch=Path(scratch))
        if not reading.quality.ok:
            raise BadData(reading.quality.problems)
        with engine.connect(Path(scratch)) as connection:
            rows = connection.read_parquet([str(each) for each in reading.tables[name]])
            count = int(rows.count("*").fetchall()[0][0])
            columns = tuple(
                _column(rows, column, kind=str(kind)) for column, kind in zip(rows.columns, rows.types, strict=True)
            )
    return FileTable(name=name, file=file, rows=count, columns=columns)


def _require_different_names(file: LocalFile, source: Source, *, scratch: Path) -> None:
    """Reading gives a name that is there twice, but for case, another one: a recipe would not find it in the file."""
    with engine.connect(scratch) as connection:
        tables = found_tables(connection, file, settings=NO_SETTINGS, sources=[source], scratch=scratch)
    for table in tables:
        names = Counter(each.casefold() for each in table.columns if each)
        twice = [each for each in table.columns if names[each.casefold()] > 1]
        if twice:
            raise BadData(
                [
                    f"{file.name}: expected columns whose names differ by more than case, found {', '.join(twice)}; "
                    "rename all but one of them."
                ]
            )


def _column(rows: duckdb.DuckDBPyRelation, name: str, *, kind: str) -> FileColumn:
    column = identifier(name)
    missing, distinct = rows.aggregate(f"count(*) - count({column}), count(DISTINCT {column})").fetchall()[0]
    rarest = (
        rows.filter(f"{column} IS NOT NULL")
        .aggregate(f"{column} AS value, count(*) AS times", column)
        .order("times, value")
        .limit(FEW)
        .fetchall()
    )
    return FileColumn(
        name=name,
        # Moments come with and without a zone, and in several units.
        type=TYPES.get(kind, "timestamp" if kind.startswith("TIMESTAMP") else "string"),
        missing=int(missing),
        distinct=int(distinct),
        rarest=tuple(str(value) for value, _ in rarest),
    )
