"""`CREATE TABLE ... AS SELECT`: makes a table of Parquet of what a query finds; runs in the server.

DuckDB writes the file. Clients such as awswrangler read their results in this way, for it keeps the types of columns.
DuckDB and Arrow are imported when the first table is made: most servers never make one.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.services import athena, glue

from local_cloud.athena.stored import put
from trainyard.errors import TrainyardError

FILE = "part-0.parquet"
ONLY_PARQUET = "Expected a table of plain Parquet in one folder, which is all that the local Athena makes"
# The words of `WITH (...)` that change nothing of what is read here, and where the file goes.
KNOWN = {"format", "external_location", "write_compression", "parquet_compression"}


@dataclass(frozen=True, kw_only=True)
class NewTable:
    """What a statement asks for: the table, the query that fills it, and the words in `WITH (...)`."""

    database: str | None
    name: str
    query: str
    properties: Mapping[str, str]
    filled: bool


def parsed(statement: str) -> NewTable | None:
    """The table that a statement makes of a query, None for every other statement.

    Raises TrainyardError for one that is to be anything but a single folder of Parquet.
    """
    cursor = athena._Cursor(statement)
    name = cursor.dotted_name(2) if cursor.keywords("create", "table") else None
    if name is None:
        return None
    properties = _properties(cursor) if cursor.keywords("with") else {}
    if not cursor.keywords("as"):
        return None
    query = statement[cursor.peek()[2] :].strip().rstrip(";")
    filled = not query.upper().endswith("WITH NO DATA")
    if not filled:
        query = query[: -len("WITH NO DATA")]
    if properties.get("format", "PARQUET").upper() != "PARQUET" or set(properties) - KNOWN:
        raise TrainyardError(f"{ONLY_PARQUET}; found WITH {dict(properties)}.")
    return NewTable(database=name[0], name=name[1], query=query, properties=properties, filled=filled)


async def make(wanted: NewTable, *, database: str, catalog: str | None, prefix: str) -> str:
    """Make the table, its file at `external_location` or else at `prefix`; returns the URI of the list of its files.

    Raises TrainyardError where the database is not there or the table is, and what DuckDB says of the query.
    """
    database = wanted.database or database
    if f"{database}/{wanted.name}" in glue._tables:
        raise TrainyardError(f"Expected a new table, found that {database}.{wanted.name} already exists.")
    location = wanted.properties.get("external_location", prefix).rstrip("/")
    query, _, folders = await athena._rewrite_data_paths(wanted.query, database, catalog)
    folder = Path(tempfile.mkdtemp(prefix="athena-"))
    try:
        columns = await asyncio.to_thread(_write, query, folder / FILE)
        files = [f"{location}/{FILE}"] if wanted.filled else []
        for each in files:
            put(each, (folder / FILE).read_bytes())
    finally:
        for each_folder in (folder, *folders):
            shutil.rmtree(each_folder, ignore_errors=True)
    manifest = f"{prefix}-manifest.csv"
    put(manifest, "".join(f"{each}\n" for each in files).encode())
    # Last, so that a query that fails leaves no table.
    _register(wanted, database, columns=columns, location=location)
    return manifest


def _write(query: str, path: Path) -> list[tuple[str, str]]:
    """Write what a query finds to a file; returns names and types of its columns. Off the event loop, for it blocks."""
    import duckdb
    import pyarrow.parquet as pq

    from local_cloud.athena.column_types import of_schema

    with duckdb.connect(":memory:") as connection:
        # Trino's sum of integers is a BIGINT, DuckDB's a HUGEINT, which Parquet would take as a DOUBLE.
        described = connection.execute(f"DESCRIBE {query}").fetchall()
        columns = ", ".join(_column(name, kind) for name, kind, *_ in described)
        connection.execute(f"COPY (SELECT {columns} FROM ({query})) TO '{path}' (FORMAT parquet)")  # noqa: S608 - their query
    return list(of_schema(pq.read_schema(path)))


def _column(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"CAST({quoted} AS BIGINT) AS {quoted}" if kind == "HUGEINT" else quoted


def _register(wanted: NewTable, database: str, *, columns: list[tuple[str, str]], location: str) -> None:
    serde = athena._STORED_AS["parquet"]
    table = athena._CreateTable(
        None,
        wanted.name,
        external=True,
        columns=[{"Name": name, "Type": kind} for name, kind in columns],
        location=location,
        input_format=serde[0],
        output_format=serde[1],
        serde=serde[2],
    )
    request = {"DatabaseName": database, "TableInput": athena._create_table_input(table)}
    status, _, body = glue._create_table(request)
    if status >= 300:
        raise TrainyardError(str(json.loads(body).get("message", body)))


def _properties(cursor: Any) -> dict[str, str]:
    """The words of `(name = 'value', ...)`. Raises TrainyardError for values that are no texts."""
    found: dict[str, str] = {}
    cursor.punct("(")
    while not cursor.punct(")"):
        name = cursor.name()
        value = cursor.string() if name and cursor.punct("=") else None
        if name is None or value is None:
            raise TrainyardError(f"{ONLY_PARQUET}; found other than texts in WITH (...).")
        found[name] = value
        cursor.punct(",")
    return found
