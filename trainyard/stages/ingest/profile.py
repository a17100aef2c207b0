"""Profiles ingested tables: gaps, spread and frequent values of each column, from rows spread over the whole table.

In DuckDB and plain Python: ingest loads neither numpy nor pyarrow, and starts sooner without them.
"""
# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainyard.contract.sources import Source
from trainyard.glue.engine import connect
from trainyard.reading.sql import identifier, literal
from trainyard.run.watch.profile import (
    LONGEST_VALUE,
    NAMED_FROM_ROWS,
    SAMPLED_ROWS,
    TOP_VALUES,
    ColumnProfile,
    DataProfile,
    Quantiles,
    TableProfile,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Of a long table so many stretches of rows are read; all others are not even decoded.
STRETCHES = 25
# Texts with more different values than this share of their rows are no categories.
MOST_DIFFERENT = 0.2
# Whole numbers that hardly ever come twice name their rows.
KEY_DIFFERENT = 0.95
TEXTS = ("VARCHAR", "BOOLEAN", "ENUM")
TIMES = ("DATE", "TIMESTAMP")
WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
NUMBERS = (*WHOLE, "FLOAT", "DOUBLE", "DECIMAL")


def profile(tables: Mapping[str, Path], sources: Sequence[Source], *, scratch: Path) -> DataProfile:
    """The profile of tables in folders of Parquet files, by name; what `sources` call a key is one."""
    keys = {each.name: {column.name for column in each.columns if column.type == "id"} for each in sources}
    with connect(scratch) as connection:
        found = {
            name: _table(connection, sorted(folder.glob("*.parquet")), keys=keys.get(name, set()))
            for name, folder in sorted(tables.items())
        }
    return DataProfile(tables=found)


def _table(connection: DuckDBPyConnection, files: Sequence[Path], *, keys: set[str]) -> TableProfile:
    rows = [_count(connection, f"read_parquet({literal(str(each))})") for each in files]
    parts = [_stretches(str(file), count, of=sum(rows)) for file, count in zip(files, rows, strict=True)]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE sampled AS {' UNION ALL BY NAME '.join(parts)}")
    columns = connection.execute("SELECT column_name, column_type FROM (DESCRIBE sampled)").fetchall()
    sampled = _count(connection, "sampled")
    found = {
        name: _column(connection, name, kind=kind.partition("(")[0], rows=sampled, key=name in keys)
        for name, kind in columns
        if kind.startswith((*TEXTS, *TIMES, *NUMBERS)) and not kind.endswith("]")
    }
    return TableProfile(rows=sum(rows), sampled=sampled, columns=found)


def _stretches(file: str, count: int, *, of: int) -> str:
    """A query for this file's part of the rows, at equal distances."""
    wanted = min(-(-SAMPLED_ROWS * count // max(of, 1)), count)
    query = f"SELECT * EXCLUDE file_row_number FROM read_parquet({literal(file)}, file_row_number=true)"
    if wanted == count:
        return query
    length = -(-wanted // STRETCHES)
    starts = [place * count // STRETCHES for place in range(STRETCHES)]
    return f"{query} WHERE {' OR '.join(f'file_row_number BETWEEN {each} AND {each + length - 1}' for each in starts)}"


def _count(connection: DuckDBPyConnection, what: str) -> int:
    [(rows,)] = connection.execute(f"SELECT count(*) FROM {what}").fetchall()
    return int(rows)


def _column(connection: DuckDBPyConnection, name: str, *, kind: str, rows: int, key: bool) -> ColumnProfile:
    column = identifier(name)
    # Whether a key comes twice is of no interest, and counting different values is what takes time.
    counts = f"count({column}), {0 if key else f'count(DISTINCT {column})'}"
    [(known, different)] = connection.execute(f"SELECT {counts} FROM sampled").fetchall()
    missing = round(1 - known / rows, 6) if rows else 0.0
    if key or (kind in WHOLE and different > KEY_DIFFERENT * known > 1):
        return ColumnProfile(kind="key", missing=missing, rows=rows)
    if kind in TEXTS:
        if different > max(MOST_DIFFERENT * known, NAMED_FROM_ROWS):
            lengths = Quantiles.of(_sorted(connection, f"length({column})"))
            return ColumnProfile(kind="text", missing=missing, rows=rows, quantiles=lengths)
        top, named = _top(connection, column, known=known)
        return ColumnProfile(kind="category", missing=missing, rows=rows, top=top, complete=named == different)
    time = kind.startswith(TIMES)
    spread = Quantiles.of(_sorted(connection, f"epoch({column})" if time else column))
    return ColumnProfile(kind="time" if time else "number", missing=missing, rows=rows, quantiles=spread)


def _top(connection: DuckDBPyConnection, column: str, *, known: int) -> tuple[dict[str, float], int]:
    """The shares of the most frequent values, those that too few rows have left out, and how many values these are."""
    counted = connection.execute(
        f"SELECT {column}::VARCHAR, count(*) AS many FROM sampled WHERE {column} IS NOT NULL GROUP BY 1 "
        f"HAVING many >= {NAMED_FROM_ROWS} ORDER BY many DESC, 1 LIMIT {TOP_VALUES}"
    ).fetchall()
    rows: Counter[str] = Counter()
    for value, many in counted:
        # Long values may begin alike.
        rows[value[:LONGEST_VALUE]] += many
    return {value: round(many / known, 6) for value, many in rows.most_common()}, len(counted)


def _sorted(connection: DuckDBPyConnection, expression: str) -> list[float]:
    """The values in ascending order; those that are no finite numbers are as if they were not there."""
    [(values,)] = connection.execute(
        f"SELECT list_sort(list(value)) FROM (SELECT {expression}::DOUBLE AS value FROM sampled) WHERE isfinite(value)"
    ).fetchall()
    return values or []
