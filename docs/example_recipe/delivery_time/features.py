"""Turns deliveries into numbers, the same way in training, evaluation and serving."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ("distance_km", "items")
FILE = "features.json"


@dataclass(frozen=True, kw_only=True)
class Features:
    """Means and scales of the training rows."""

    mean: list[float]
    scale: list[float]

    @classmethod
    def fit(cls, rows: pd.DataFrame) -> Features:
        values = _columns(rows)
        return cls(mean=values.mean(0).tolist(), scale=(values.std(0) + 1e-9).tolist())

    def encode(self, rows: pd.DataFrame) -> np.ndarray:
        """Matrix [rows, 3]: scaled distance and items, and a one for the intercept."""
        scaled = (_columns(rows) - np.array(self.mean)) / np.array(self.scale)
        return np.column_stack([scaled, np.ones(len(rows))])

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> Features:
        return cls(**json.loads((folder / FILE).read_text()))


def _columns(rows: pd.DataFrame) -> np.ndarray:
    return rows[list(COLUMNS)].to_numpy(float)
