"""Ridge regression and logistic regression on scaled inputs: a model of its own, and the baseline of others."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainyard.contract.lean.imports import lean
from trainyard.contract.tabular.examples import Examples

LINEAR_FILE = "linear_model.npz"
ITERATIONS = 300
# Beyond this a scaled value says no more than "extreme", and a line would go too far.
MAX_SCALED = 10.0


@dataclass(frozen=True, kw_only=True)
class LinearModel:
    """`coefficients` [inputs, sums] and `intercepts` [sums] of inputs less `mean`, over `scale` [inputs].

    There is a sum per class, or one for two classes (log odds of the last) and for values.
    """

    mean: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    classes: int

    @classmethod
    def fit(cls, train: Examples, *, l2: float) -> LinearModel:
        """Least squares (Hoerl and Kennard 1970) or likelihood, with `l2` as the weight of the squared coefficients."""
        known = np.where(np.isnan(train.inputs), 0.0, 1.0)
        counts = np.maximum(known.sum(axis=0), 1.0)
        mean = np.nan_to_num(train.inputs).sum(axis=0) / counts
        deviations = np.where(known > 0, train.inputs - mean, 0.0)
        scale = np.sqrt((deviations**2).sum(axis=0) / counts)
        scale[scale == 0] = 1.0
        solve = _likelihood if train.classes else _least_squares
        coefficients, intercepts = solve(np.clip(deviations / scale, -MAX_SCALED, MAX_SCALED), train.labels, l2=l2)
        return cls(mean=mean, scale=scale, coefficients=coefficients, intercepts=intercepts, classes=len(train.classes))

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities [rows, classes], or values [rows]; what is missing counts as the mean."""
        scaled = np.clip(np.nan_to_num((inputs - self.mean) / self.scale), -MAX_SCALED, MAX_SCALED)
        sums = scaled @ self.coefficients + self.intercepts
        if not self.classes:
            return np.asarray(sums[:, 0])
        if sums.shape[1] == 1:
            sums = np.column_stack((np.zeros(len(sums)), sums))
        exponentials = np.exp(sums - sums.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def save(self, folder: Path) -> None:
        """Write `linear_model.npz`."""
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__}
        np.savez(folder / LINEAR_FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> LinearModel:
        """What `save` wrote."""
        with np.load(folder / LINEAR_FILE) as saved:
            arrays = {name: saved[name] for name in cls.__dataclass_fields__ if name != "classes"}
            return cls(**arrays, classes=int(saved["classes"]))


def _least_squares(scaled: np.ndarray, labels: np.ndarray, *, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """The intercept is not penalised: both sides are centred, and it is added afterwards."""
    center, middle = scaled.mean(axis=0), float(labels.mean())
    centered = scaled - center
    # A little is always added, for inputs that say the same have no single solution.
    penalty = (l2 + 1e-9 * len(labels)) * np.eye(scaled.shape[1])
    found = np.linalg.solve(centered.T @ centered + penalty, centered.T @ (labels - middle))
    return found[:, None], np.array([middle - center @ found])


def _likelihood(scaled: np.ndarray, labels: np.ndarray, *, l2: float) -> tuple[np.ndarray, np.ndarray]:
    # Here, for a model that was fitted needs numpy alone.
    with lean():
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # One that is still improving after so many iterations is good enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=1.0 / max(l2, 1e-9), max_iter=ITERATIONS).fit(scaled, labels)
    return fitted.coef_.T, fitted.intercept_
