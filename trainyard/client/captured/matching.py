"""Which rows of a Parquet file are about an id, and the file without them; runs on a laptop.

pyarrow is imported when a file is looked at: the command line for AWS may do without it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainyard.client.run.tables import INSTALL
from trainyard.contract.values import identifier
from trainyard.errors import TrainyardError
from trainyard.run.capture import plain

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An id, and the fields of requests and columns of scores that may hold it, in any spelling."""

    id: str
    fields: tuple[str, ...] = ()

    def in_row(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of a file is about it: a request of this name, or with it in a field; a score of it."""
        if "inference_id" in row and "request" in row:
            return row["inference_id"] == self.id or any(self._holds(json.loads(row["request"])))
        return any(self._holds(row))

    def _holds(self, value: Any, *, named: bool = False) -> Iterator[bool]:
        """Whether each value in one of the fields is the id, however deep the field is."""
        if isinstance(value, Mapping):
            names = {plain(each) for each in self.fields}
            for name, each in value.items():
                yield from self._holds(each, named=plain(str(name)) in names)
        elif isinstance(value, list):
            for each in value:
                yield from self._holds(each, named=named)
        elif named and value is not None:
            yield identifier(value) == identifier(self.id)


def count(content: bytes, wanted: Wanted) -> int:
    """How many rows of a Parquet file are about an id. Raises TrainyardError where pyarrow is not installed."""
    return sum(sum(_about(batch, wanted)) for batch in _opened(content).iter_batches(BATCH_ROWS))


def without(content: bytes, wanted: Wanted) -> bytes:
    """A Parquet file without the rows that are about an id; all else of it stays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    read, written = _opened(content), io.BytesIO()
    with pq.ParquetWriter(written, read.schema_arrow, compression=_compression(read)) as writer:
        for batch in read.iter_batches(BATCH_ROWS):
            writer.write_batch(batch.filter(pa.array([not each for each in _about(batch, wanted)], pa.bool_())))
    return written.getvalue()


def _about(batch: pa.RecordBatch, wanted: Wanted) -> list[bool]:
    names = batch.schema.names
    looked_at = ["inference_id", "request"] if {"inference_id", "request"} <= set(names) else _columns(names, wanted)
    if not looked_at:
        return [False] * batch.num_rows
    return [wanted.in_row(row) for row in batch.select(looked_at).to_pylist()]


def _columns(names: list[str], wanted: Wanted) -> list[str]:
    fields = {plain(each) for each in wanted.fields}
    return [each for each in names if plain(each) in fields]


def _opened(content: bytes) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise TrainyardError(INSTALL.format(found=error.name)) from error
    return pq.ParquetFile(io.BytesIO(content))


def _compression(file: Any) -> str:
    """How the file is packed, as its first column is; an empty file has none."""
    return str(file.metadata.row_group(0).column(0).compression) if file.metadata.num_row_groups else "ZSTD"
