"""Encodes prepared visits into network inputs; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from recipes.propensity.columns.uses import Description
from recipes.propensity.config import Config
from recipes.propensity.data_problems import MIN_PER_CLASS
from recipes.propensity.features import Encoder
from recipes.propensity.population import Population
from recipes.propensity.training_data import INPUTS_FILE, LABELS_FILE, VISITS_FILE
from trainyard.errors import JobFailed

BATCH_ROWS = 100_000


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """Write encoded visits, visits in their own terms, encoder and population; returns their figures.

    * `features/`: `encoder.json` (fitted on the training role only), `population.json` and `description.json`.
    * `train/` and `validation/`: `inputs.npy` (float32 [rows, inputs]), `labels.npy` (float32), `visits.parquet`.
    * `holdout/visits.parquet` and `holdout/population.json`: raw, for an older model encodes in its own way.
    """
    roles = ("train", "validation", "holdout")
    for name in (*roles, "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    figures = {f"{role}_visits": _write_visits(inputs, role, target=outputs / role / VISITS_FILE) for role in roles}
    for role in roles:
        figures[f"{role}_sales"] = _checked_sales(outputs / role / VISITS_FILE, role)
    population = Population.from_row(pq.read_table(inputs / "population").to_pylist()[0])
    description = Description.from_json(pq.read_table(inputs / "description").to_pylist()[0]["document"])
    for folder in ("features", "holdout"):
        population.save(outputs / folder)
        description.save(outputs / folder)
    encoder = Encoder.fit(pd.read_parquet(outputs / "train" / VISITS_FILE), max_categories=config.data.max_categories)
    encoder.save(outputs / "features")
    for role in ("train", "validation"):
        _encode(outputs / role, encoder)
    figures |= {"inputs": float(len(encoder.inputs)), "columns": float(len(encoder.columns))}
    return {**figures, "true_rate": population.sale_rate}


def _write_visits(inputs: Path, role: str, *, target: Path) -> float:
    """The visits of a role, by key, so that the result does not depend on how the table was split into files."""
    source = (inputs / "visits").as_posix().replace("'", "''")
    chosen = f"FROM read_parquet('{source}/*.parquet') WHERE row_role = '{role}'"
    query = f"SELECT * EXCLUDE (row_role) {chosen} ORDER BY row_key, is_sale"
    duckdb.sql(query).write_parquet(str(target))
    return float(pq.read_metadata(target).num_rows)


def _checked_sales(path: Path, role: str) -> float:
    labels = pd.read_parquet(path, columns=["is_sale"])["is_sale"].to_numpy()
    sales = int(labels.sum())
    if min(sales, len(labels) - sales) < MIN_PER_CLASS:
        raise JobFailed(
            f"Expected at least {MIN_PER_CLASS} {role} visits with and without a sale, found {sales} of {len(labels)} "
            "with one; use more visits."
        )
    return float(sales)


def _encode(folder: Path, encoder: Encoder) -> None:
    """`inputs.npy` and `labels.npy` of a folder, batch by batch: inputs take several times the memory of the visits."""
    file = pq.ParquetFile(folder / VISITS_FILE)
    shape = (file.metadata.num_rows, len(encoder.inputs))
    encoded = np.lib.format.open_memmap(folder / INPUTS_FILE, mode="w+", dtype=np.float32, shape=shape)
    labels = np.zeros(shape[0], np.float32)
    start = 0
    for batch in file.iter_batches(BATCH_ROWS):
        rows = batch.to_pandas()
        encoded[start : start + len(rows)] = encoder.transform(rows)
        labels[start : start + len(rows)] = rows["is_sale"]
        start += len(rows)
    encoded.flush()
    np.save(folder / LABELS_FILE, labels)
