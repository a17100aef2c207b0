"""Reads ingested tables and writes scored ones a chunk of rows at a time; for the score job in the training image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trainyard.contract.config import ScoreColumn
from trainyard.errors import JobFailed

# Files of some hundred megabytes at most are what Athena and Spark read well; a chunk is never cut in two.
ROWS_PER_FILE = 1_000_000
PRIMITIVES = {
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written: rows, files and their bytes."""

    rows: int
    files: int
    bytes: int


def count(folder: Path) -> int:
    """Rows of the Parquet files of a table, from their footers alone."""
    return sum(pq.read_metadata(path).num_rows for path in parts(folder))


def read(folder: Path, columns: Sequence[str], *, rows: int) -> Iterator[pa.Table]:
    """The rows of a table in their order, at most `rows` at a time: memory does not grow with the table."""
    for path in parts(folder):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
                yield pa.Table.from_batches([batch])


def parts(folder: Path) -> list[Path]:
    """The files of a table in the order of their rows. Raises JobFailed where there are none."""
    found = sorted(folder.glob("*.parquet"))
    if not found:
        raise JobFailed(f"Expected Parquet files of the table {folder.name} from ingest, found none; run ingest again.")
    return found


def write(
    tables: Iterable[pa.Table], folder: Path, *, schema: pa.Schema, rows_per_file: int = ROWS_PER_FILE
) -> Written:
    """Write scored chunks as `part-00000.parquet` and so on, one row group per chunk.

    The same chunks always give the same files, so that a job that runs again replaces what it wrote. Raises JobFailed
    for a chunk that does not have the columns of `schema`.
    """
    writer: pq.ParquetWriter | None = None
    rows, files, inside = 0, 0, 0
    try:
        for table in tables:
            if writer is None or inside >= rows_per_file:
                if writer is not None:
                    writer.close()
                writer = pq.ParquetWriter(folder / f"part-{files:05d}.parquet", schema, compression="zstd")
                files, inside = files + 1, 0
            writer.write_table(_as_declared(table, schema))
            rows, inside = rows + table.num_rows, inside + table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return Written(rows=rows, files=files, bytes=sum(path.stat().st_size for path in folder.glob("*.parquet")))


def schema(columns: Iterable[ScoreColumn]) -> pa.Schema:
    """The Arrow schema of declared columns; every column may be null, as in the catalogue."""
    return pa.schema([pa.field(each.name, arrow_type(each.type)) for each in columns])


def arrow_type(declared: str) -> pa.DataType:
    """The Arrow type of a Hive type. Raises ValueError for one that is not known here.

    >>> arrow_type("array<struct<id:bigint,name:string>>")
    ListType(list<element: struct<id: int64, name: string>>)
    """
    name, _, rest = declared.partition("<")
    if not rest and name in PRIMITIVES:
        return PRIMITIVES[name]
    inside = rest.removesuffix(">")
    if name == "array" and inside != rest:
        return pa.list_(pa.field("element", arrow_type(inside)))
    if name == "struct" and inside != rest:
        fields = [each.partition(":") for each in _split(inside)]
        return pa.struct([pa.field(field, arrow_type(kind)) for field, _, kind in fields])
    raise ValueError(f"expected {', '.join(PRIMITIVES)}, array<...> or struct<name:type,...>, found {declared!r}")


def _split(fields: str) -> list[str]:
    """At the commas that are not inside angle brackets."""
    found, depth = [""], 0
    for letter in fields:
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found


def _as_declared(table: pa.Table, declared: pa.Schema) -> pa.Table:
    try:
        return table.select(declared.names).cast(declared)
    except (KeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise JobFailed(
            f"Expected the scored columns {_told(declared)}; found {_told(table.schema)}: {error}. "
            "Declare in the recipe's config.py what its score.py gives."
        ) from error


def _told(columns: pa.Schema) -> str:
    return ", ".join(f"{each.name} ({each.type})" for each in columns)
