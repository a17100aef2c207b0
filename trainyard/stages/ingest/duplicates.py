"""Finds lines that name the same thing twice, by the columns that identify a line; runs in Glue's driver."""

# ruff: noqa: S608 - every name and text in a query is quoted by `csv_types`

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import duckdb
import numpy as np

from trainyard.contract.sources import Source
from trainyard.stages.ingest import csv_types
from trainyard.stages.ingest.csv_load import place_of
from trainyard.stages.ingest.csv_scan import PlainFile, refused

HASH_FILES = 64
HASHES_AT_ONCE = 2**20


def duplicates(
    connection: duckdb.DuckDBPyConnection, source: Source, *, parts: Sequence[Path], files: Sequence[PlainFile]
) -> list[str]:
    """One sentence if lines of a table (Parquet `parts`, made of `files` one by one) agree in all `unique` columns."""
    if not source.unique:
        return []
    keys = ", ".join(csv_types.identifier(each) for each in source.unique)
    table = f"read_parquet([{', '.join(csv_types.literal(str(each)) for each in parts)}])"
    # Lines that agree have equal hashes. To sort these costs a fifth of grouping the lines, and good data ends here;
    # a rare pair of which only the hashes agree is told apart below.
    if not _any_equal(connection.sql(f"SELECT hash({keys}) FROM {table}"), parts[0].parent):
        return []
    repeated = f"SELECT {keys}, count(*) AS times FROM {table} GROUP BY ALL HAVING count(*) > 1"
    first = connection.execute(
        f"SELECT {keys}, sum(times - 1) OVER () FROM ({repeated}) ORDER BY ALL LIMIT 1"
    ).fetchall()
    if not first:
        return []
    *example, surplus = first[0]
    named = ", ".join(f"{key} {shown}" for key, shown in zip(source.unique, example, strict=True))
    name, place = _second(connection, source, parts=parts, files=files, values=example)
    found = f"{int(surplus):,} repeated line{'s' if surplus > 1 else ''}, such as {named}"
    return [
        refused(
            name,
            place,
            expected=f"each {' and '.join(source.unique)} once",
            found=found,
            advice="remove the repetitions",
        )
    ]


def _any_equal(hashes: duckdb.DuckDBPyRelation, scratch: Path) -> bool:
    """Whether a relation of one column of 64-bit hashes holds one twice; a file's share of them is held in memory.

    They are spread over files in `scratch` by their leading bits, so that equal ones meet in one file.
    """
    bounds = np.arange(1, HASH_FILES, dtype=np.uint64) * np.uint64(2**64 // HASH_FILES)
    with contextlib.ExitStack() as opened:
        files = [opened.enter_context(tempfile.TemporaryFile(dir=scratch)) for _ in range(HASH_FILES)]
        for batch in hashes.to_arrow_reader(HASHES_AT_ONCE):
            # Not `to_numpy`, which imports pandas: a fifth of what the whole job costs a small data set.
            values = np.sort(np.from_dlpack(batch.column(0)))
            for file, part in zip(files, np.split(values, np.searchsorted(values, bounds)), strict=True):
                file.write(part.data)
        return any(_has_equal(file) for file in files)


def _has_equal(file: IO[bytes]) -> bool:
    file.seek(0)
    values = np.sort(np.fromfile(file, dtype=np.uint64))
    return bool((values[1:] == values[:-1]).any())


def _second(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    *,
    parts: Sequence[Path],
    files: Sequence[PlainFile],
    values: Sequence[object],
) -> tuple[str, str]:
    """File and place of the second of the lines that carry `values` in the unique columns."""
    condition = " AND ".join(f"{csv_types.identifier(each)} = ?" for each in source.unique)
    seen = 0
    for part, file in zip(parts, files, strict=True):
        table = f"read_parquet({csv_types.literal(str(part))}, file_row_number = true)"
        total = int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
        query = f"SELECT file_row_number FROM {table} WHERE {condition} ORDER BY 1 LIMIT {2 - seen}"
        rows = [int(row) for (row,) in connection.execute(query, list(values)).fetchall()]
        seen += len(rows)
        if seen == 2:
            return file.name, place_of(source, file, row=rows[-1] + 1, rows=total)
    return files[0].name, ""
