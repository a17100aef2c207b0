"""Expected minutes of every delivery of a file; score job in the training image, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from recipes.delivery_time.config import Config
from recipes.delivery_time.features import COLUMNS
from recipes.delivery_time.inference import DeliveryTimeModel
from trainyard.contract import chunks

TABLE = "deliveries"


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives."""
    return chunks.count(tables / TABLE)


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per delivery, in the order of the file."""
    model = DeliveryTimeModel.load(model_dir)
    for chunk in chunks.read(tables / TABLE, ("delivery_id", *COLUMNS), rows=config.score.chunk_rows):
        yield pa.table({"delivery_id": chunk["delivery_id"], "minutes": model.minutes(chunk.to_pandas())})
