"""Judges propensities by the sales that came of them; processing image."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from recipes.propensity.config import Config
from trainyard.contract.evaluation import Judged
from trainyard.contract.tabular.probabilities import (
    EPSILON,
    auc_of_places,
    brier_score,
    expected_calibration_error,
    log_loss,
    places,
)
from trainyard.contract.truth import LABEL, LEAST_OF_A_KIND


def judge(joined: pa.Table, *, config: Config) -> Judged | None:
    """Metrics of the evaluation that are of the population, as visits come; None with few sales or few others."""
    del config
    probabilities = joined["propensity"].to_numpy()
    labels = joined[LABEL].to_numpy(zero_copy_only=False).astype(np.float64)
    even = np.ones(len(labels))
    sales = labels.sum()
    if min(sales, len(labels) - sales) < LEAST_OF_A_KIND:
        return None
    examples = places(probabilities, labels)
    metrics = {
        "auc": auc_of_places(examples),
        "log_loss": log_loss(probabilities, labels, weights=even),
        "brier_score": brier_score(probabilities, labels, weights=even),
        "calibration_error": expected_calibration_error(probabilities, labels, weights=even),
        "mean_to_rate": float(probabilities.mean() / max(labels.mean(), EPSILON)),
    }
    return Judged(metrics=metrics, examples=examples, statistic=auc_of_places, primary="auc")
