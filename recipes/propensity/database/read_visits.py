"""Streams chosen visits with all that describes them out of the database, into Parquet; runs in the ingest job."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import sqlalchemy as sa

from recipes.propensity.config import Data
from recipes.propensity.database.aggregate_tables import feature_columns
from recipes.propensity.database.column_types import asked, kind_of
from recipes.propensity.database.downsampling import SAMPLED_VISITS

Columns = Sequence[sa.ColumnElement[Any]]
PARQUET_FILE = "part-00000.parquet"


def into_parquet(
    connection: sa.Connection,
    tables: Sequence[sa.Table],
    *,
    folder: Path,
    data: Data,
    visits: sa.FromClause = SAMPLED_VISITS,
) -> int:
    """Write the sampled visits, or those of `visits`, to `folder` a chunk at a time; returns the number of rows."""
    columns = feature_columns(tables, data.drop)
    folder.mkdir(parents=True)
    written = 0
    with pq.ParquetWriter(folder / PARQUET_FILE, arrow_schema(columns, visits), compression="zstd") as writer:
        for chunk in read_chunks(connection, tables, columns=columns, chunk_rows=data.chunk_rows, visits=visits):
            writer.write_table(chunk)
            written += len(chunk)
    return written


def arrow_schema(columns: Columns, visits: sa.FromClause = SAMPLED_VISITS) -> pa.Schema:
    """The columns of the tables: visit_id, is_sale, then `columns`."""
    key = pa.int64() if isinstance(visits.c.visit_id.type, sa.Integer) else pa.string()
    keys = (("visit_id", key), ("is_sale", pa.int64()))
    return pa.schema([*keys, *((column.name, _arrow_type(column.type)) for column in columns)])


def read_chunks(
    connection: sa.Connection,
    tables: Sequence[sa.Table],
    *,
    columns: Columns,
    chunk_rows: int,
    visits: sa.FromClause = SAMPLED_VISITS,
) -> Iterator[pa.Table]:
    """The sampled visits with their aggregate columns, `chunk_rows` at a time, in the columns of `arrow_schema`.

    `visits` may be any other choice of visits with visit_id and is_sale. A visit without a row in an aggregate table
    stays, with nothing in those columns: leaving it out would change the share of sales.
    """
    joined = visits
    for table in tables:
        joined = joined.outerjoin(table, _same_visit(table, visits, dialect=connection.dialect.name))
    plain = [asked(each, connection.dialect.name) for each in columns]
    read = _read_csv_lines if connection.dialect.name in ("mysql", "mariadb") else _read_rows
    keys = [_key(visits.c.visit_id, connection.dialect.name), visits.c.is_sale]
    yield from read(
        connection, joined, columns=[*keys, *plain], schema=arrow_schema(columns, visits), chunk_rows=chunk_rows
    )


def _read_rows(
    connection: sa.Connection, joined: sa.FromClause, *, columns: Columns, schema: pa.Schema, chunk_rows: int
) -> Iterator[pa.Table]:
    named = [column.label(name) for column, name in zip(columns, schema.names, strict=True)]
    for rows in _streamed(connection, sa.select(*named).select_from(joined), chunk_rows=chunk_rows).partitions(
        chunk_rows
    ):
        values = zip(*rows, strict=True)
        arrays = [pa.array(each, field.type, from_pandas=True) for each, field in zip(values, schema, strict=True)]
        yield pa.table(arrays, schema=schema)


def _read_csv_lines(
    connection: sa.Connection, joined: sa.FromClause, *, columns: Columns, schema: pa.Schema, chunk_rows: int
) -> Iterator[pa.Table]:
    """By one line of CSV per visit, put together by the server and read by Arrow.

    MySQL's driver is plain Python and takes each value apart by itself: four times the time of this on 20 columns.
    """
    cells = [sa.func.ifnull(_cell(each), sa.literal_column("''")) for each in columns]
    line = sa.type_coerce(sa.func.concat_ws(sa.literal_column("','"), *cells), sa.String)
    reading = pa_csv.ReadOptions(column_names=schema.names)
    # An empty cell is no value; an empty text comes in quotes.
    convert = pa_csv.ConvertOptions(
        column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    for lines in (
        _streamed(connection, sa.select(line).select_from(joined), chunk_rows=chunk_rows)
        .scalars()
        .partitions(chunk_rows)
    ):
        yield pa_csv.read_csv(io.BytesIO("\n".join(lines).encode()), reading, parse, convert)


def _key(visit_id: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    if isinstance(visit_id.type, sa.Integer):
        return visit_id
    return sa.cast(visit_id, sa.Text) if dialect != "mysql" else sa.type_coerce(visit_id, sa.String)


def _same_visit(table: sa.Table, visits: sa.FromClause, *, dialect: str) -> sa.ColumnElement[bool]:
    """Joins by the key in the type of the table, so that an index on it, or one that SQLite makes, is of use."""
    own, key = table.c.visit_id, visits.c.visit_id
    if not isinstance(key.type, sa.Integer) or isinstance(own.type, sa.Integer):
        return own == key
    sqlite = dialect == "sqlite"
    if isinstance(own.type, sa.String):
        text = sa.cast(key, sa.Text if sqlite or dialect == "postgresql" else sa.String)
        # An expression of SQLite has no type that the cells of the index would have to be converted to.
        return own == (text.concat(sa.literal_column("''")) if sqlite else text)
    return sa.type_coerce(own, sa.BigInteger) == key + sa.literal_column("0") if sqlite else own == key


def _streamed(connection: sa.Connection, query: sa.Select[Any], *, chunk_rows: int) -> sa.CursorResult[Any]:
    """The rows of this one query as they come; other statements of the connection know no cursors."""
    return connection.execute(query, execution_options={"stream_results": True, "max_row_buffer": chunk_rows})


def _cell(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if not isinstance(column.type, sa.String):
        return column
    quote: sa.ColumnElement[str] = sa.literal_column("'\"'")
    return sa.func.concat(quote, sa.func.replace(column, quote, sa.literal_column("'\"\"'")), quote)


def _arrow_type(column_type: sa.types.TypeEngine[Any]) -> pa.DataType:
    known = {"whole": pa.int64(), "number": pa.float64(), "flag": pa.bool_(), "text": pa.string()}
    return known[kind_of(column_type) or "text"]
