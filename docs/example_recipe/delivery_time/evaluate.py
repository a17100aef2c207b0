"""Scores a model on the held-out deliveries, and the mean as a baseline; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from recipes.delivery_time.config import Config
from recipes.delivery_time.inference import DeliveryTimeModel
from recipes.delivery_time.metrics import absolute_errors
from trainyard.contract.evaluation import Evaluation, Reference


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """`negative_mae` in minutes, higher is better; one number per delivery, in the order of their ids."""
    rows = pd.read_parquet(holdout)
    gains = -absolute_errors(DeliveryTimeModel.load(model_dir).minutes(rows), rows.minutes.to_numpy())
    return Evaluation(metrics={"negative_mae": float(gains.mean())}, examples=gains)


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """The mean of the training rows, which a model may not lose to."""
    held_out = pd.read_parquet(holdout).minutes.to_numpy()
    mean = np.full(len(held_out), pd.read_parquet(channels["train"]).minutes.mean())
    gains = -absolute_errors(mean, held_out)
    return {"mean": Reference(metrics={"negative_mae": float(gains.mean())}, examples=gains)}
