"""Metrics of predictions, and the statistics that the gate may compare models by; numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from trainyard.contract.evaluation import Evaluation, mean
from trainyard.contract.tabular.probabilities import (
    EPSILON,
    auc_of_places,
    average_precision,
    brier_score,
    expected_calibration_error,
    places,
)
from trainyard.errors import JobFailed

Rows = Callable[[np.ndarray, np.ndarray], np.ndarray]
Statistic = Callable[[np.ndarray], float]


def log_likelihoods(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The logarithm of the probability [rows, classes] given to what happened [rows]."""
    given = np.take_along_axis(probabilities, np.maximum(labels, 0)[:, None], axis=1)[:, 0]
    return np.asarray(np.log(np.clip(np.where(labels < 0, 0.0, given), EPSILON, 1.0)))


def hits(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 where the most probable class is the right one, else 0 [rows]."""
    return np.asarray(probabilities.argmax(axis=1) == labels, dtype=np.float64)


def squared_errors(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Squares of how far each value is off [rows]."""
    return np.asarray((values - labels) ** 2)


def negative_root(errors: np.ndarray) -> float:
    """Minus the root of the mean: higher is better."""
    return -float(np.sqrt(errors.mean()))


# What the gate's primary metric may be: rows per example, and the statistic of them.
OF_VALUES: dict[str, tuple[Rows, Statistic]] = {
    "negative_rmse": (squared_errors, negative_root),
    "negative_mae": (lambda values, labels: -np.abs(values - labels), mean),
}
OF_CLASSES: dict[str, tuple[Rows, Statistic]] = {
    "negative_log_loss": (log_likelihoods, mean),
    "accuracy": (hits, mean),
}
OF_TWO_CLASSES = OF_CLASSES | {
    "auc": (lambda probabilities, labels: places(probabilities[:, 1], labels == 1), auc_of_places),
}
# By metric, for who has its rows alone.
STATISTICS: dict[str, Statistic] = {name: each for name, (_, each) in (OF_VALUES | OF_TWO_CLASSES).items()}


def evaluated(predictions: np.ndarray, labels: np.ndarray, *, classes: Sequence[str], primary: str) -> Evaluation:
    """Every metric of predictions [rows] or [rows, classes], with the rows of the `primary` one. Raises JobFailed."""
    known = OF_VALUES if not classes else OF_TWO_CLASSES if len(classes) == 2 else OF_CLASSES
    if primary not in known:
        raise JobFailed(f"Expected gate.primary to be one of {', '.join(known)}; found {primary!r}. Change config.py.")
    found = {name: statistic(rows(predictions, labels)) for name, (rows, statistic) in known.items()}
    if not classes:
        found |= _of_values(predictions, labels)
    elif len(classes) == 2:
        found |= _of_two_classes(predictions[:, 1], (labels == 1).astype(np.float64))
    else:
        found["macro_f1"] = _macro_f1(predictions.argmax(axis=1), labels, classes=len(classes))
    rows, statistic = known[primary]
    return Evaluation(metrics=found, examples=rows(predictions, labels), statistic=statistic)


def loss(predictions: np.ndarray, labels: np.ndarray, *, classes: Sequence[str]) -> float:
    """What training lowers: the mean square error, or minus the mean logarithm of the right class's probability."""
    return float(
        -log_likelihoods(predictions, labels).mean() if classes else squared_errors(predictions, labels).mean()
    )


def _of_values(values: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    spread = float(((labels - labels.mean()) ** 2).sum())
    explained = 1.0 - float(squared_errors(values, labels).sum()) / spread if spread else 0.0
    return {"r2": explained, "bias": float((values - labels).mean())}


def _of_two_classes(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    even = np.ones(len(labels))
    return {
        "pr_auc": average_precision(probabilities, labels, weights=even),
        "brier_score": brier_score(probabilities, labels, weights=even),
        "calibration_error": expected_calibration_error(probabilities, labels, weights=even),
    }


def _macro_f1(predicted: np.ndarray, labels: np.ndarray, *, classes: int) -> float:
    """The mean of F1 over the classes that occur."""
    scores = []
    for each in range(classes):
        right = float(((predicted == each) & (labels == each)).sum())
        either = float((predicted == each).sum() + (labels == each).sum())
        if (labels == each).any():
            scores.append(2 * right / either)
    return float(np.mean(scores)) if scores else 0.0
