"""Fits the model and leaves everything that evaluation and serving need; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from recipes.delivery_time.config import Config
from recipes.delivery_time.features import Features
from recipes.delivery_time.inference import DeliveryTimeModel
from recipes.delivery_time.metrics import absolute_errors
from recipes.delivery_time.model import fit
from trainyard.contract.progress import metric, progress


def train(channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config) -> dict[str, float]:
    """Metrics: mean absolute error in minutes on the validation rows. One solve needs no checkpoint."""
    features = Features.load(channels["features"])
    rows = pd.read_parquet(channels["train"])
    coefficients = fit(features.encode(rows), rows.minutes.to_numpy(), ridge=config.hyperparameters.ridge)
    model = DeliveryTimeModel(features=features, coefficients=coefficients)
    model.save(model_dir)
    validation = pd.read_parquet(channels["validation"])
    error = float(absolute_errors(model.minutes(validation), validation.minutes.to_numpy()).mean())
    metric("validation_mae", error)
    progress(1.0, "fitted")
    return {"validation_mae": error}
