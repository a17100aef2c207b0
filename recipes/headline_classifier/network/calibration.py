"""Temperature scaling, which makes probabilities mean what they say; runs in the training image."""

from __future__ import annotations

import numpy as np

# Beyond these, probabilities would hardly move: headlines of which all are right ask for ever colder ones.
LEAST, MOST = 0.1, 100.0
# Each round tries so many divisors around the best of the one before: the last ones are less than 1 % apart.
ROUNDS, TRIED = 5, 9


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The divisor of the logits [n, classes] that makes their cross-entropy least (Guo et al. 2017, section 4.2)."""
    return least_losses(logits, labels)[1]


def least_losses(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """The cross-entropy [n] of logits [n, classes] over the divisor that makes its mean least, and that divisor.

    The cross-entropy is convex in the divisor's inverse: there is one minimum, and it lies beside the best of a round.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]
    bounds = LEAST, MOST
    for _ in range(ROUNDS):
        divisors = np.geomspace(*bounds, TRIED)
        losses = [np.log(np.exp(shifted / each).sum(axis=1)) - own / each for each in divisors]
        best = int(np.argmin([each.mean() for each in losses]))
        bounds = divisors[max(best - 1, 0)], divisors[min(best + 1, TRIED - 1)]
    return losses[best], float(divisors[best])
