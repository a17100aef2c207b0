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
from trainyard.contract.truth import ID, LABEL
from trainyard.contract.values import identifier
from trainyard.errors import TrainyardError
from trainyard.run.watch.capture import plain

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 10_000
# The columns of kept requests that are looked at.
REQUESTS = frozenset({"inference_id", "request", "answer"})
# Those of labels beside predictions, whose id needs no name.
LABELS = frozenset({ID, LABEL, "predicted_at"})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An id, and the fields of requests and answers and columns of scores that may hold it, in any spelling."""

    id: str
    fields: tuple[str, ...] = ()

    def in_row(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of a file is about it: a request of this name, or with it in a field; a score of it."""
        if row.keys() >= REQUESTS:
            said = (json.loads(row[each]) for each in ("request", "answer"))
            return row["inference_id"] == self.id or any(held for each in said for held in self._holds(each))
        if row.keys() >= LABELS and identifier(row[ID]) == identifier(self.id):
            return True
        return any(self._holds(row))

    def _holds(self, value: Any, *, named: bool = False) -> Iterator[bool]:
        """Whether each value in one of the fields is the id, however deep the field is."""
        if isinstance(value, Mapping):
            names = {plain(each) for each in self.fields}
            for name, each in value.items():
                yield from self._holds(each, named=named or plain(str(name)) in names)
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
    names = set(batch.schema.names)
    looked_at = sorted(REQUESTS) if names >= REQUESTS else _columns(batch.schema, wanted)
    looked_at = sorted({*looked_at, *LABELS}) if names >= LABELS else looked_at
    if not looked_at:
        return [False] * batch.num_rows
    return [wanted.in_row(row) for row in batch.select(looked_at).to_pylist()]


def _columns(schema: pa.Schema, wanted: Wanted) -> list[str]:
    """The columns of these names, or with a field of them inside."""
    fields = {plain(each) for each in wanted.fields}

    def named(field: pa.Field) -> bool:
        inside = (field.type.field(place) for place in range(field.type.num_fields))
        return plain(field.name) in fields or any(named(each) for each in inside)

    return [each.name for each in schema if named(each)]


def _opened(content: bytes) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise TrainyardError(INSTALL.format(found=error.name)) from error
    return pq.ParquetFile(io.BytesIO(content))


def _compression(file: Any) -> str:
    """How the file is packed, as its first column is; an empty file has none."""
    found = str(file.metadata.row_group(0).column(0).compression) if file.metadata.num_row_groups else "ZSTD"
    return "NONE" if found == "UNCOMPRESSED" else found
