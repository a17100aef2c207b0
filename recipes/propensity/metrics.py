"""Metrics of predicted sales; numpy only, for training, evaluation and report.

A metric with `weights` weighs a visit by how many visits of the population it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recipes.propensity.calibration import EPSILON, logit, sigmoid
from recipes.propensity.population import Population

BINS = 10
# The logit of 0.5: in the sample a visit is called a sale from here on, as in the original.
DECISION_LOGIT = 0.0


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Visits of similar probability: the mean of it, the share of sales among them, how many they are."""

    predicted: float
    observed: float
    visits: int


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


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Chance that a visit with a sale scores above one without (Mann-Whitney); 0.5 when one kind is missing."""
    return auc_of_places(places(scores, labels))


def places(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """All that the area under the curve depends on, also of resampled visits: int64 [visits], twice a place plus label.

    Places rise with the score. Neighbours of one kind share a place, for only visits of different kinds are compared:
    with few sales there are few places, and resampling takes no sorting.
    """
    values, index = np.unique(scores, return_inverse=True)
    sales = np.bincount(index, labels, minlength=len(values))
    others = np.bincount(index, minlength=len(values)) - sales
    kind = np.where(others == 0, 1, np.where(sales == 0, 0, -1))
    first = np.append(False, (kind[1:] != kind[:-1]) | (kind[1:] == -1))[: len(values)]
    return np.asarray(2 * np.cumsum(first)[index] + (labels > 0.5), dtype=np.int64)


def auc_of_places(rows: np.ndarray) -> float:
    """The area under the curve of (resampled) visits in the terms of `places`."""
    # Of an even length, so that every place has a count of both kinds.
    counts = np.bincount(rows, minlength=2 * (int(rows.max(initial=0)) // 2 + 1))
    others, sales = counts.reshape(-1, 2).T
    pairs = int(others.sum()) * int(sales.sum())
    below = np.cumsum(others) - others
    return float((sales * (below + others / 2)).sum() / pairs) if pairs else 0.5


def average_precision(scores: np.ndarray, labels: np.ndarray, *, weights: np.ndarray) -> float:
    """Area under precision over recall, in steps (PR-AUC); equal scores count as one step."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(scores[order][1:] != scores[order][:-1], True)
    hits = np.cumsum((weights * labels)[order])[last]
    precision = hits / np.cumsum(weights[order])[last]
    return float(np.sum(np.diff(hits, prepend=0.0) * precision) / max(hits[-1], EPSILON))


def log_loss(probabilities: np.ndarray, labels: np.ndarray, *, weights: np.ndarray) -> float:
    """Weighted mean of minus the logarithm of the probability given to what happened."""
    right = np.where(labels > 0.5, probabilities, 1.0 - probabilities)
    return float(np.average(-np.log(np.clip(right, EPSILON, 1.0)), weights=weights))


def log_losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the probability given to what happened, of each visit, from its logit."""
    return np.asarray(np.logaddexp(0.0, logits) - labels * logits)


def clearly_lower(losses: np.ndarray, others: np.ndarray, *, errors: float) -> bool:
    """Whether the mean of `losses` lies so many standard errors of the paired difference below that of `others`."""
    gained = others - losses
    return bool(gained.mean() > errors * gained.std() / np.sqrt(len(gained)))


def brier_score(probabilities: np.ndarray, labels: np.ndarray, *, weights: np.ndarray) -> float:
    """Weighted mean square error of the probabilities (Brier 1950)."""
    return float(np.average((probabilities - labels) ** 2, weights=weights))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, *, weights: np.ndarray) -> float:
    """Mean gap of predicted and observed share over the bins of `reliability_bins`.

    (Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", with bins of equal mass)
    """
    bins = reliability_bins(probabilities, labels, weights=weights)
    return float(np.mean([abs(each.predicted - each.observed) for each in bins]))


def reliability_bins(probabilities: np.ndarray, labels: np.ndarray, *, weights: np.ndarray) -> list[ReliabilityBin]:
    """Ten bins of equally many weighted visits, from the lowest probabilities to the highest."""
    order = np.argsort(probabilities, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    edges = np.searchsorted(share, np.arange(1, BINS) / BINS)
    bins = []
    for rows in np.split(order, edges):
        if len(rows):
            mean, observed = (float(np.average(each[rows], weights=weights[rows])) for each in (probabilities, labels))
            bins.append(ReliabilityBin(predicted=mean, observed=observed, visits=len(rows)))
    return bins
