"""Reads the rows of requests that one model answered out of files that its endpoint kept; training image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trainyard.run.watch.profile import SAMPLED_ROWS

# Requests are up to megabytes long: so many of them are in memory at a time.
BATCH_ROWS = 500
READ = ("request", "answer")


@dataclass(frozen=True, kw_only=True)
class KeptRows:
    """Rows of requests and the answers to them, of the same length."""

    requests: Sequence[Mapping[str, Any]]
    answers: Sequence[Mapping[str, Any]]


def count(files: Sequence[Path], *, run_id: str) -> int:
    """How many rows the model of a run answered."""
    return sum(int(pc.sum(_answered(pq.read_table(each, columns=["run"]), run_id)).as_py() or 0) for each in files)


def read(files: Sequence[Path], *, run_id: str, rows: int) -> Iterator[KeptRows]:
    """Of `rows` rows that the model of a run answered, at most `SAMPLED_ROWS` at equal distances, some at a time."""
    step, passed = max(-(-rows // SAMPLED_ROWS), 1), 0
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=["run", *READ]):
            table = pa.Table.from_batches([batch])
            own = table.filter(_answered(table, run_id))
            places = np.arange(-passed % step, own.num_rows, step)
            passed += own.num_rows
            if len(places):
                requests, answers = (_objects(own[name].take(pa.array(places))) for name in READ)
                yield KeptRows(requests=requests, answers=answers)


def _answered(table: pa.Table, run_id: str) -> pa.ChunkedArray:
    return pc.equal(table["run"], run_id)


def _objects(texts: pa.ChunkedArray) -> list[Mapping[str, Any]]:
    """What each JSON says; what is no object has no fields."""
    found = (json.loads(each) for each in texts.to_pylist())
    return [each if isinstance(each, dict) else {} for each in found]
