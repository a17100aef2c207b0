"""Makes a column of keys text in all parts of a table where it is text in one; in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from trainyard.reading.load import Loaded, copy
from trainyard.reading.sql import identifier, literal


def as_text(connection: duckdb.DuckDBPyConnection, parts: Sequence[Loaded]) -> None:
    """Rewrite the parts whose keys are numbers where another part of the table has them as text."""
    text = {name for part in parts for name, kind in part.keys.items() if kind == "key"}
    for part in parts:
        numbers = [each.name for each in part.mapped.columns if each.type == "id" and part.keys.get(each.name) != "key"]
        if changed := [each for each in numbers if each in text]:
            _rewrite(connection, part, columns=changed)


def _rewrite(connection: duckdb.DuckDBPyConnection, part: Loaded, *, columns: Sequence[str]) -> None:
    casts = ", ".join(f"{identifier(each)}::VARCHAR AS {identifier(each)}" for each in columns)
    query = f"SELECT * REPLACE ({casts}) FROM read_parquet({literal(str(part.path))})"
    rewritten = part.path.with_suffix(".rewritten")
    connection.execute(copy(query, rewritten, floats=True))
    rewritten.replace(part.path)
