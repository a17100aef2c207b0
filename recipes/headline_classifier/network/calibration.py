"""Temperature scaling, which makes probabilities mean what they say; runs in the training image."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar

# Beyond these, probabilities would hardly move: headlines of which all are right ask for ever colder ones.
LEAST, MOST = 0.1, 100.0


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The divisor of the logits [n, classes] that makes their cross-entropy least (Guo et al. 2017, section 4.2)."""
    return least_losses(logits, labels)[1]


def least_losses(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """The cross-entropy [n] of logits [n, classes] over the divisor that makes its mean least, and that divisor.

    The cross-entropy is convex in the divisor's inverse, so that there is one minimum to be found.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]

    def losses(logarithm: float) -> np.ndarray:
        divisor = math.exp(logarithm)
        found: np.ndarray = np.log(np.exp(shifted / divisor).sum(axis=1)) - own / divisor
        return found

    bounds = math.log(LEAST), math.log(MOST)
    best = minimize_scalar(lambda each: losses(each).mean(), bounds=bounds, options={"xatol": 1e-3}).x
    return losses(best), math.exp(best)
