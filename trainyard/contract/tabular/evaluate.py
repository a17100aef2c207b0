"""Scores a model on the held-out rows, and two simple ones beside it; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.tabular import metrics
from trainyard.contract.tabular.answers import Answers
from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.examples import Examples
from trainyard.contract.tabular.features import Encoder
from trainyard.contract.tabular.inference import load_trained
from trainyard.contract.tabular.linear_model import LinearModel

# Of the linear baseline: inputs are scaled, so that the same weight does for all.
BASELINE_L2 = 1.0


def evaluate(model_dir: Path, holdout: Path, *, config: TabularConfig) -> Evaluation:
    """Every metric, and one row per held-out example in the order of the keys."""
    model, rows = load_trained(model_dir), pd.read_parquet(holdout)
    predictions = model.predict(rows)
    found = _evaluated(predictions, rows, encoder=model.encoder, config=config)
    return replace(found, answers=Answers.of(predictions, model.encoder).columns(config.table.target))


def references(channels: Mapping[str, Path], holdout: Path, *, config: TabularConfig) -> dict[str, Reference]:
    """What always says the same (the shares of the classes, or the mean), and a linear model."""
    encoder, rows = Encoder.load(channels["features"]), pd.read_parquet(holdout)
    learned = Examples.load(channels["train"], encoder)
    simple = {
        "shares of the classes" if encoder.classes else "mean": np.repeat(_constant(learned)[None], len(rows), axis=0),
        "linear model": LinearModel.fit(learned, l2=BASELINE_L2).predict(encoder.encode(rows)),
    }
    found = {name: _evaluated(each, rows, encoder=encoder, config=config) for name, each in simple.items()}
    return {name: Reference(metrics=each.metrics, examples=each.examples) for name, each in found.items()}


def _constant(learned: Examples) -> np.ndarray:
    """The shares of the classes [classes], or the mean []."""
    if not learned.classes:
        return np.asarray(learned.labels.mean())
    return np.asarray(np.bincount(learned.labels, minlength=len(learned.classes)) / len(learned.labels))


def _evaluated(predictions: np.ndarray, rows: pd.DataFrame, *, encoder: Encoder, config: TabularConfig) -> Evaluation:
    return metrics.evaluated(predictions, encoder.labels(rows), classes=encoder.classes, primary=config.gate.primary)
