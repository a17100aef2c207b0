"""Scores a model on the held-out deliveries, and the mean as a baseline; runs in the training image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recipes.delivery_time.config import Config
from recipes.delivery_time.serve import load
from trainyard.scores import Scores


def score(model_dir: Path, holdout: Path, config: Config) -> Scores:
    """`negative_mae` in minutes, higher is better; one number per delivery, in the order of their ids."""
    rows = pd.read_parquet(holdout)
    errors = -np.abs(load(model_dir).minutes(rows) - rows.minutes.to_numpy())
    return Scores(metrics={"negative_mae": float(errors.mean())}, examples=errors)


def references(train: Path, holdout: Path, config: Config) -> dict[str, dict[str, float]]:
    """The mean of the training rows."""
    mean = pd.read_parquet(train).minutes.mean()
    return {"mean": {"negative_mae": float(-np.abs(pd.read_parquet(holdout).minutes - mean).mean())}}
