"""The model as numpy sees it: evaluation and serving load this one; runs in the training image, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recipes.delivery_time.features import Features

COEFFICIENTS_FILE = "coefficients.npy"


@dataclass(frozen=True, kw_only=True)
class DeliveryTimeModel:
    """Features and the coefficients [columns] that weigh them."""

    features: Features
    coefficients: np.ndarray

    def minutes(self, rows: pd.DataFrame) -> np.ndarray:
        """Expected minutes of each delivery [rows]."""
        return self.features.encode(rows) @ self.coefficients

    def save(self, model_dir: Path) -> None:
        self.features.save(model_dir)
        np.save(model_dir / COEFFICIENTS_FILE, self.coefficients)

    @classmethod
    def load(cls, model_dir: Path) -> DeliveryTimeModel:
        """The model in a folder that `train` filled."""
        return cls(features=Features.load(model_dir), coefficients=np.load(model_dir / COEFFICIENTS_FILE))
