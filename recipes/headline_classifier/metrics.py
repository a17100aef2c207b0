"""Metrics of classified headlines, in numpy; runs in the training and processing images."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from trainyard.contract.evaluation import OfCounts

BINS = 10
# A class that a model does not know gets this probability, so that one headline of it cannot decide a mean.
LEAST_PROBABILITY = 1e-12


def accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the headlines whose class was predicted."""
    return float((labels == predicted).mean())


def confusion_matrix(
    labels: np.ndarray, predicted: np.ndarray, *, classes: int, counts: np.ndarray | None = None
) -> np.ndarray:
    """Headlines [classes, classes] by true class (rows) and predicted class (columns).

    With `counts`, each pair of `labels` and `predicted` stands for so many headlines.
    """
    pairs = labels.astype(np.int64) * classes + predicted
    return np.bincount(pairs, weights=counts, minlength=classes * classes).reshape(classes, classes)


def precision_recall_f1(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class of a confusion matrix; 0 where a quotient has no denominator."""
    right = np.diag(confusion).astype(np.float64)
    predicted, actual = confusion.sum(axis=0), confusion.sum(axis=1)
    precision, recall = right / np.maximum(predicted, 1), right / np.maximum(actual, 1)
    return precision, recall, 2.0 * right / np.maximum(predicted + actual, 1)


def macro_f1(labels: np.ndarray, predicted: np.ndarray, *, classes: int, counts: np.ndarray | None = None) -> float:
    """Mean of F1 over the classes that have headlines among these: rare classes count as much as common ones.

    It is a mean over the same classes whatever was predicted: one over the predicted ones too would punish a model for
    each class that it names and these headlines lack, and reward one that names few. A prediction of such a class is
    wrong, and counts against the class that the headline has.
    """
    confusion = confusion_matrix(labels, predicted, classes=classes, counts=counts)
    return float(precision_recall_f1(confusion)[2][confusion.sum(axis=1) > 0].mean())


def _macro_f1_of_counts(rows: np.ndarray, counts: np.ndarray) -> float:
    """Macro F1 of rows (true class, predicted class) that occur so often, over the classes that they have."""
    return macro_f1(rows[:, 0], rows[:, 1], classes=int(rows.max()) + 1, counts=counts)


macro_f1_of_rows = OfCounts(_macro_f1_of_counts)
STATISTICS: Mapping[str, Callable[[np.ndarray], float]] = {"macro_f1": macro_f1_of_rows}


def log_loss(of_truth: np.ndarray) -> float:
    """Mean categorical cross-entropy in nats, from the probabilities [n] of the true classes."""
    return float(-np.log(np.maximum(of_truth, LEAST_PROBABILITY)).mean())


def reliability_bins(top: np.ndarray, right: np.ndarray) -> np.ndarray:
    """For each of ten bins of the top probability: headlines, mean probability, share that is right [bins, 3].

    `top` are the probabilities [n] of the predicted classes, `right` says where they are the true ones.
    """
    index = np.minimum((top * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(index, minlength=BINS)
    sums = [np.bincount(index, weights=each, minlength=BINS) / np.maximum(counts, 1) for each in (top, right)]
    return np.stack([counts, *sums], axis=1)


def expected_calibration_error(top: np.ndarray, right: np.ndarray) -> float:
    """Mean distance of probability and share right over the bins (Guo et al. 2017), weighted by their headlines."""
    counts, stated, found = reliability_bins(top, right).T
    return float((counts * np.abs(stated - found)).sum() / max(counts.sum(), 1))
