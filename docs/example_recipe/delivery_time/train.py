"""Fits the model and leaves everything that evaluation and serving need; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from recipes.delivery_time.config import Config
from recipes.delivery_time.features import Features
from recipes.delivery_time.model import fit
from trainyard.progress import metric, progress


def train(channels: Mapping[str, Path], model_dir: Path, checkpoints: Path, config: Config) -> dict[str, float]:
    """Metrics: mean absolute error in minutes on the validation rows. One solve needs no checkpoint."""
    features = Features.load(channels["features"])
    rows = pd.read_parquet(channels["train"])
    coefficients = fit(features.encode(rows), rows.minutes.to_numpy(), config.hyperparameters.ridge)
    features.save(model_dir)
    np.save(model_dir / "coefficients.npy", coefficients)
    held = pd.read_parquet(channels["validation"])
    error = float(np.abs(features.encode(held) @ coefficients - held.minutes).mean())
    metric("validation_mae", error)
    progress(1.0, "fitted")
    return {"validation_mae": error}
