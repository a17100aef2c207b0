"""Finds lines that name the same thing twice, by the columns that identify a line; runs in Glue's driver."""

# ruff: noqa: S608 - every name and text in a query is quoted by `cells`

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from trainyard.config import Source
from trainyard.tables import cells
from trainyard.tables.load import place_of
from trainyard.tables.scan import PlainFile, refused


def duplicates(
    connection: duckdb.DuckDBPyConnection, source: Source, parts: Sequence[Path], files: Sequence[PlainFile]
) -> list[str]:
    """One sentence if lines of a table (Parquet `parts`, made of `files` one by one) agree in all `unique` columns."""
    if not source.unique:
        return []
    keys = ", ".join(cells.identifier(each) for each in source.unique)
    table = f"read_parquet([{', '.join(cells.literal(str(each)) for each in parts)}])"
    # Lines that agree have equal hashes. To sort these costs half of grouping the lines, and good data ends here;
    # a rare pair of which only the hashes agree is told apart below.
    hashes = f"SELECT hash({keys}) AS key FROM {table}"
    again = f"SELECT key = lag(key) OVER (ORDER BY key) AS found FROM ({hashes})"
    if not connection.execute(f"SELECT count(*) FROM ({again}) WHERE found").fetchall()[0][0]:
        return []
    repeated = f"SELECT {keys}, count(*) AS times FROM {table} GROUP BY ALL HAVING count(*) > 1"
    first = connection.execute(
        f"SELECT {keys}, sum(times - 1) OVER () FROM ({repeated}) ORDER BY ALL LIMIT 1"
    ).fetchall()
    if not first:
        return []
    *example, surplus = first[0]
    named = ", ".join(f"{key} {shown}" for key, shown in zip(source.unique, example, strict=True))
    name, place = _second(connection, source, parts, files, example)
    found = f"{int(surplus):,} repeated line{'s' if surplus > 1 else ''}, such as {named}"
    return [refused(name, place, f"each {' and '.join(source.unique)} once", found, "remove the repetitions")]


def _second(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    parts: Sequence[Path],
    files: Sequence[PlainFile],
    values: Sequence[object],
) -> tuple[str, str]:
    """File and place of the second of the lines that carry `values` in the unique columns."""
    condition = " AND ".join(f"{cells.identifier(each)} = ?" for each in source.unique)
    seen = 0
    for part, file in zip(parts, files, strict=True):
        table = f"read_parquet({cells.literal(str(part))}, file_row_number = true)"
        total = int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
        query = f"SELECT file_row_number FROM {table} WHERE {condition} ORDER BY 1 LIMIT {2 - seen}"
        rows = [int(row) for (row,) in connection.execute(query, list(values)).fetchall()]
        seen += len(rows)
        if seen == 2:
            return file.name, place_of(source, file, rows[-1] + 1, total)
    return files[0].name, ""
