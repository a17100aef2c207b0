"""Expected minutes of every delivery of a file; score job in the training image, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from recipes.delivery_time import serve
from recipes.delivery_time.config import Config
from recipes.delivery_time.features import COLUMNS
from trainyard import bulk

TABLE = "deliveries"


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives."""
    return bulk.count(tables / TABLE)


def score(model_dir: Path, tables: Path, config: Config) -> Iterator[pa.Table]:
    """One row per delivery, in the order of the file."""
    predictor = serve.load(model_dir)
    for chunk in bulk.chunks(tables / TABLE, ("delivery_id", *COLUMNS), config.score.chunk_rows):
        yield pa.table({"delivery_id": chunk["delivery_id"], "minutes": predictor.minutes(chunk.to_pandas())})
