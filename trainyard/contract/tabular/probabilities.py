"""Metrics of predicted probabilities of two classes, for training, evaluation and report; numpy only.

Labels are 1 for the class that the probabilities are of and 0 for the other. With `weights`, a row counts as many
times as the rows that it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainyard.contract.intervals import wilson

EPSILON = 1e-12
BINS = 10


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Rows of similar probability: the mean of it, the share of ones among them, how many they are.

    `low` and `high` are the ends of the 95 % interval of that share.
    """

    predicted: float
    observed: float
    rows: int
    low: float = 0.0
    high: float = 1.0


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Chance that a one scores above a zero (Mann-Whitney); 0.5 when one kind is missing."""
    return auc_of_places(places(scores, labels))


def places(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """All that the area under the curve depends on, also of resampled rows: int64 [rows], twice a place plus label.

    Places rise with the score. Neighbours of one kind share a place, for only rows of different kinds are compared:
    with few ones there are few places, and resampling takes no sorting.
    """
    values, index = np.unique(scores, return_inverse=True)
    ones = np.bincount(index, labels, minlength=len(values))
    others = np.bincount(index, minlength=len(values)) - ones
    kind = np.where(others == 0, 1, np.where(ones == 0, 0, -1))
    first = np.append(False, (kind[1:] != kind[:-1]) | (kind[1:] == -1))[: len(values)]
    return np.asarray(2 * np.cumsum(first)[index] + (labels > 0.5), dtype=np.int64)


def auc_of_places(rows: np.ndarray) -> float:
    """The area under the curve of (resampled) rows in the terms of `places`."""
    # Of an even length, so that every place has a count of both kinds.
    counts = np.bincount(rows, minlength=2 * (int(rows.max(initial=0)) // 2 + 1))
    others, ones = counts.reshape(-1, 2).T
    pairs = int(others.sum()) * int(ones.sum())
    below = np.cumsum(others) - others
    return float((ones * (below + others / 2)).sum() / pairs) if pairs else 0.5


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
    """Ten bins of equally many weighted rows, from the lowest probabilities to the highest."""
    order = np.argsort(probabilities, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    edges = np.searchsorted(share, np.arange(1, BINS) / BINS)
    odds = _mean_weight(weights, labels > 0.5) / _mean_weight(weights, labels <= 0.5)
    bins = []
    for rows in np.split(order, edges):
        if len(rows):
            mean, observed = (float(np.average(each[rows], weights=weights[rows])) for each in (probabilities, labels))
            low, high = _interval(labels[rows], odds=odds)
            bins.append(ReliabilityBin(predicted=mean, observed=observed, rows=len(rows), low=low, high=high))
    return bins


def _mean_weight(weights: np.ndarray, of: np.ndarray) -> float:
    return float(weights[of].mean()) if of.any() else 1.0


def _interval(labels: np.ndarray, *, odds: float) -> tuple[float, float]:
    """The interval of the share of ones, of rows that were drawn by their label.

    It is that of the share among the rows drawn, and drawing multiplied its odds by a known factor, `odds` the other
    way (King and Zeng 2001, "Logistic Regression in Rare Events Data", section 4.1).
    """
    ends = (float(each) for each in wilson(labels.mean(), np.asarray(len(labels))))
    low, high = (odds * each / (odds * each + 1.0 - each) for each in ends)
    return low, high
