"""What a classification of headlines is measured by, in numpy; runs in the training and processing images."""

from __future__ import annotations

import numpy as np

TEMPERATURES = np.geomspace(0.1, 10.0, 200)
BINS = 10


def accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the headlines whose class was told."""
    return float((labels == predicted).mean())


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Headlines [classes, classes] by true class (rows) and predicted class (columns)."""
    pairs = labels.astype(np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def per_class(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class of a confusion table; 0 where a quotient has no denominator."""
    right = np.diag(table).astype(np.float64)
    predicted, there = table.sum(axis=0), table.sum(axis=1)
    precision, recall = right / np.maximum(predicted, 1), right / np.maximum(there, 1)
    return precision, recall, 2.0 * right / np.maximum(predicted + there, 1)


def macro_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Mean of F1 over the classes that occur among labels or predictions: rare classes count as much as common ones."""
    table = confusion(labels, predicted, classes)
    occurring = table.sum(axis=0) + table.sum(axis=1) > 0
    return float(per_class(table)[2][occurring].mean())


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean categorical cross-entropy in nats."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each of ten bins of the top probability: headlines, mean probability, share that is right [bins, 3]."""
    top, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((top * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    sums = [np.bincount(place, weights=each, minlength=BINS) / np.maximum(counts, 1) for each in (top, right)]
    return np.stack([counts, *sums], axis=1)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error (Guo et al. 2017): mean distance of probability and share right, over the bins."""
    counts, stated, right = reliability(probabilities, labels).T
    return float((counts * np.abs(stated - right)).sum() / max(counts.sum(), 1))


def fitted_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The divisor of the scores [n, classes] that makes their cross-entropy least (Guo et al. 2017, section 4.2)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]
    losses = [float((np.log(np.exp(shifted / each).sum(axis=1)) - own / each).mean()) for each in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])
