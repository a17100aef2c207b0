"""Temperature scaling, which makes probabilities mean what they say; runs in the training image."""

from __future__ import annotations

import numpy as np

TEMPERATURES = np.geomspace(0.1, 10.0, 200)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The divisor of the logits [n, classes] that makes their cross-entropy least (Guo et al. 2017, section 4.2)."""
    return least_losses(logits, labels)[1]


def least_losses(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """The cross-entropy [n] of logits [n, classes] over the divisor that makes its mean least, and that divisor."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]
    losses = [np.log(np.exp(shifted / each).sum(axis=1)) - own / each for each in TEMPERATURES]
    best = int(np.argmin([each.mean() for each in losses]))
    return losses[best], float(TEMPERATURES[best])
