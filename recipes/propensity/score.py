"""The probability of a sale for every visit; score job in the training image, no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recipes.propensity.columns.names import renamed
from recipes.propensity.columns.uses import Description
from recipes.propensity.config import Config
from recipes.propensity.features import Encoder
from recipes.propensity.inference import Ensemble
from recipes.propensity.ingest import EVERY_VISIT
from recipes.propensity.population import Population
from recipes.propensity.reasons.of_many import Reasons
from trainyard.contract import chunks
from trainyard.contract.training.progress import progress
from trainyard.errors import BadData

# Of a database, `visits` is a sample that training draws; of a file it is every visit.
FILE_TABLE = "visits"
SHOWN = 10


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per visit of the file, or of the database's product and dates."""
    return chunks.count(_table(tables))


def seen(model_dir: Path) -> dict[str, float]:
    """The share of visits with a sale that the model was made for: what probabilities should be on average."""
    return {"propensity": Population.load(model_dir).sale_rate}


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per visit, in the order of the source, `score.chunk_rows` at a time.

    The outcome is not asked for, and columns that the model does not know are not read. One that it knows and that is
    missing counts as missing values, which is said; raises BadData where all of them are.
    """
    ensemble = Ensemble.load(model_dir)
    reasons, shown = Reasons(ensemble), config.data.reasons
    table = _table(tables)
    present = pq.read_schema(chunks.parts(table)[0]).names
    names = _needed(ensemble.encoder, present, table=table.name)
    key = _key(model_dir, present)
    first = 0
    for chunk in chunks.read(table, list(dict.fromkeys([*key, *names.values()])), rows=config.score.chunk_rows):
        inputs = ensemble.encoder.transform(
            ensemble.encoder.columns_of(_features(chunk, ensemble.encoder, names=names))
        )
        probabilities = ensemble.probabilities_of_inputs(inputs)
        rows = chunk.num_rows
        yield pa.table(
            {
                "place": np.arange(first, first + rows),
                "visit_id": _texts(chunk[key[0]]) if key else pa.nulls(rows, pa.string()),
                "propensity": probabilities,
                "likely": probabilities >= ensemble.threshold,
                "reasons": pa.array(_strongest(reasons, inputs, shown=shown), pa.string()),
            }
        )
        first += rows


def _strongest(reasons: Reasons, inputs: np.ndarray, *, shown: int) -> list[str | None]:
    """The columns that add or take most of each row's log odds, the strongest first; nothing where none are asked."""
    if not shown:
        return [None] * len(inputs)
    parts = reasons.parts(inputs)
    order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :shown]
    return [
        json.dumps({reasons.columns[place]: round(float(own[place]), 4) for place in places.tolist()})
        for own, places in zip(parts, order, strict=True)
    ]


def _needed(encoder: Encoder, present: Sequence[str], *, table: str) -> dict[str, str]:
    """The table's column for each of the model's."""
    names = renamed(encoder.columns, present)
    lacking = [each for each in encoder.columns if each not in names]
    if not names:
        raise BadData(
            [
                f"{table}: expected columns that the model knows ({', '.join(encoder.columns[:SHOWN])}), found none of "
                f"them but {', '.join(present[:SHOWN])}; score a file with the columns that training had."
            ]
        )
    if lacking:
        progress(0.0, f"columns that the file lacks count as missing values: {', '.join(lacking)}")
    return names


def _key(model_dir: Path, present: Sequence[str]) -> list[str]:
    """The column that names a row, if there is one."""
    description = Description.load(model_dir)
    wanted = [description.key] if description and description.key else []
    return list(renamed([*wanted, "visit_id"], present).values())[:1]


def _table(tables: Path) -> Path:
    return tables / (EVERY_VISIT if (tables / EVERY_VISIT).is_dir() else FILE_TABLE)


def _features(chunk: pa.Table, encoder: Encoder, *, names: Mapping[str, str]) -> pd.DataFrame:
    """The model's columns, names as texts: a whole number with gaps would become a real one, and lose digits."""
    categories = {each.name for each in encoder.categories}
    columns = {
        name: (_texts(chunk[present]) if name in categories else chunk[present]).to_pandas()
        for name, present in names.items()
    }
    return pd.DataFrame(columns, index=range(chunk.num_rows))


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
