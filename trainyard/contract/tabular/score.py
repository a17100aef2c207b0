"""Predictions of every row of a table; score job in the training image, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from trainyard.contract import chunks
from trainyard.contract.tabular.answers import Answers
from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.inference import load_trained


def count(tables: Path, config: TabularConfig) -> int:
    """How many rows `score` gives."""
    return chunks.count(tables / config.table.name)


def score(model_dir: Path, tables: Path, *, config: TabularConfig) -> Iterator[pa.Table]:
    """One row per row of the table, in its order: the columns of `table.score_columns`."""
    model, table = load_trained(model_dir), config.table
    names = [each.name for each in table.columns if each.name != table.target]
    for chunk in chunks.read(tables / table.name, names, rows=config.score.chunk_rows):
        answers = Answers.of(model.predict(chunk.to_pandas()), model.encoder)
        yield pa.table({table.key: chunk[table.key].cast(pa.string()), **answers.columns(table.target)})
