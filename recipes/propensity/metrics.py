"""Metrics of predicted sales; numpy only, for training, evaluation and report.

A metric with `weights` weighs a visit by how many visits of the population it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from recipes.propensity.calibration import EPSILON, logit, sigmoid
from recipes.propensity.population import Population
from trainyard.contract.tabular.probabilities import (
    auc,
    auc_of_places,
    average_precision,
    brier_score,
    expected_calibration_error,
    log_loss,
)

# The logit of 0.5: in the sample a visit is called a sale from here on, as in the original.
DECISION_LOGIT = 0.0
STATISTICS: Mapping[str, Callable[[np.ndarray], float]] = {"auc": auc_of_places}


def classification_metrics(
    probabilities: np.ndarray, labels: np.ndarray, *, population: Population, threshold: float
) -> dict[str, float]:
    """Every metric of stage evaluate, of probabilities that are corrected for the sample; `evaluate` explains them."""
    weights = population.weights(labels)
    in_sample = sigmoid(logit(probabilities) - population.prior_correction)
    even = np.ones(len(labels))
    called = probabilities >= threshold
    hits = float((weights * labels)[called].sum())
    return {
        "auc": auc(probabilities, labels),
        "pr_auc": average_precision(probabilities, labels, weights=even),
        "sample_log_loss": log_loss(in_sample, labels, weights=even),
        "log_loss": log_loss(probabilities, labels, weights=weights),
        "brier_score": brier_score(probabilities, labels, weights=weights),
        "calibration_error": expected_calibration_error(probabilities, labels, weights=weights),
        "mean_to_rate": float(np.average(probabilities, weights=weights) / population.sale_rate),
        "precision": hits / max(float(weights[called].sum()), EPSILON),
        "recall": hits / max(float((weights * labels).sum()), EPSILON),
    }


def validation_metrics(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """What training says of logits in the sample; a visit is called a sale from a probability of 0.5 on."""
    called, sale = logits > DECISION_LOGIT, labels > 0.5
    hits = float((called & sale).sum())
    return {
        "validation_loss": log_loss(sigmoid(logits), labels, weights=np.ones(len(labels))),
        "validation_auc": auc(logits, labels),
        "validation_accuracy": float((called == sale).mean()),
        "validation_precision": hits / max(float(called.sum()), 1.0),
        "validation_recall": hits / max(float(sale.sum()), 1.0),
    }


def log_losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the probability given to what happened, of each visit, from its logit."""
    return np.asarray(np.logaddexp(0.0, logits) - labels * logits)
