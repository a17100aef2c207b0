"""The probability of a sale for every visit; score job in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recipes.propensity.config import Config
from recipes.propensity.features import Encoder
from recipes.propensity.inference import Ensemble
from recipes.propensity.ingest import EVERY_VISIT
from recipes.propensity.population import Population
from trainyard.contract import chunks

# Of a database, `visits` is a sample that training draws; of a file it is every visit.
FILE_TABLE = "visits"


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per visit of the file, or of the database's product and dates."""
    return chunks.count(_table(tables))


def seen(model_dir: Path) -> dict[str, float]:
    """The share of visits with a sale that the model was made for: what probabilities should be on average."""
    return {"propensity": Population.load(model_dir).sale_rate}


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per visit, in the order of the source, `score.chunk_rows` at a time."""
    ensemble = Ensemble.load(model_dir)
    table = _table(tables)
    present = pq.read_schema(chunks.parts(table)[0]).names
    columns = [name for name in ("visit_id", *ensemble.encoder.columns) if name in present]
    first = 0
    for chunk in chunks.read(table, columns, rows=config.score.chunk_rows):
        probabilities = ensemble.probabilities(_features(chunk, ensemble.encoder))
        rows = chunk.num_rows
        yield pa.table(
            {
                "place": np.arange(first, first + rows),
                "visit_id": chunk["visit_id"] if "visit_id" in present else pa.nulls(rows, pa.int64()),
                "propensity": probabilities,
                "likely": probabilities >= ensemble.threshold,
            }
        )
        first += rows


def _table(tables: Path) -> Path:
    return tables / (EVERY_VISIT if (tables / EVERY_VISIT).is_dir() else FILE_TABLE)


def _features(chunk: pa.Table, encoder: Encoder) -> pd.DataFrame:
    """As prepare gives them to training: quantities as real numbers, categories as text."""
    quantities = {each.name for each in encoder.quantities}
    columns = {}
    for name in encoder.columns:
        if name in chunk.column_names:
            kind = pa.float64() if name in quantities else pa.string()
            columns[name] = pc.cast(chunk[name], kind).to_pandas()
    return pd.DataFrame(columns, index=range(chunk.num_rows))
