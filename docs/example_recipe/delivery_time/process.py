"""Writes the examples of each role; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from recipes.delivery_time.config import Config
from recipes.delivery_time.features import Features


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """`train`, `validation`, `holdout`: Parquet of the role's rows; `features`: the scaling of the training rows."""
    rows = pd.read_parquet(inputs / "deliveries")
    parts = {role: part.sort_values("delivery_id") for role, part in rows.groupby("role")}
    for role, part in parts.items():
        part.drop(columns="role").to_parquet(outputs / str(role) / "rows.parquet")
    Features.fit(parts["train"]).save(outputs / "features")
    return {f"{role}_rows": float(len(part)) for role, part in parts.items()}
