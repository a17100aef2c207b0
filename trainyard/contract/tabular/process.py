"""Writes the rows of each role and the encoder of the training rows; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.features import Encoder

ROWS_FILE = "rows.parquet"


def process(inputs: Path, outputs: Path, *, config: TabularConfig) -> dict[str, float]:
    """`train`, `validation`, `holdout`: the rows of the role by their keys; `features`: the encoder."""
    table = config.table
    rows = pd.read_parquet(inputs / table.name).sort_values(table.key, kind="stable")
    parts = {str(role): part.drop(columns="role") for role, part in rows.groupby("role")}
    for role, part in parts.items():
        part.to_parquet(outputs / role / ROWS_FILE)
    encoder = Encoder.fit(parts["train"], table, max_categories=config.data.max_categories)
    encoder.save(outputs / "features")
    figures = {f"{role}_rows": float(len(part)) for role, part in parts.items()}
    return figures | {"inputs": float(len(encoder.inputs))}
