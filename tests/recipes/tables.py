"""Reads a recipe's source files the short way for tests; ingest is the strict way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import ibis
import pyarrow as pa

from trainyard.contract.sources import Source

TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "string": "VARCHAR", "timestamp": "TIMESTAMP", "boolean": "BOOLEAN"}


def stored(tables: Mapping[str, pa.Table]) -> dict[str, ibis.Table]:
    """The tables in a DuckDB of their own, as a Glue job has them."""
    connection = ibis.duckdb.connect()
    for name, table in tables.items():
        connection.con.register(name, table)
    return {name: connection.table(name) for name in tables}


def read_sources(connection: ibis.BaseBackend, directory: Path, sources: Iterable[Source]) -> dict[str, ibis.Table]:
    """One table per source that has a file in `directory`, with the declared column types."""
    tables = {}
    for source in sources:
        files = [path for path in sorted(directory.iterdir()) if source.accepts(path.name)]
        assert files or not source.required, f"the sample has no file for {source.name}"
        if files:
            given = "types" if source.other_columns else "columns"
            tables[source.name] = connection.read_csv(
                [str(path) for path in files],
                table_name=source.name,
                header=source.header,
                delim=source.delimiter,
                quote=source.quote,
                **{given: {column.name: TYPES[column.type] for column in source.columns}},
            )
    return tables
