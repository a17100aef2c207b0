"""Answers requests with the trained model; runs in the training image, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recipes.delivery_time.features import COLUMNS, Features


@dataclass(frozen=True)
class Predictor:
    """A loaded model."""

    features: Features
    coefficients: np.ndarray

    def minutes(self, rows: pd.DataFrame) -> np.ndarray:
        """Expected minutes of each delivery."""
        return self.features.encode(rows) @ self.coefficients

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """`[{"distance_km": 3.5, "items": 2}]` -> `[{"minutes": 21.4}]`."""
        return [{"minutes": float(each)} for each in self.minutes(pd.DataFrame(rows, columns=list(COLUMNS)))]


def load(model_dir: Path) -> Predictor:
    """The model in a folder that `train` filled."""
    return Predictor(Features.load(model_dir), np.load(model_dir / "coefficients.npy"))
