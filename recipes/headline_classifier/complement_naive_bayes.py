"""Complement naive Bayes on the n-grams of the wide part, and how much of it the wide part takes; training image.

It needs few headlines and does not lean to the classes that have most of them, which a network of few headlines does.
Both are linear in the same n-grams, so that their sum is one table and costs nothing when it is served.
"""

from __future__ import annotations

import numpy as np

from recipes.headline_classifier.calibration import least_losses
from recipes.headline_classifier.encoded_headlines import EncodedHeadlines

SMOOTHING = 0.1
# Of the spread of the network's logits, that of what is added.
SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


def table(headlines: EncodedHeadlines, *, shape: tuple[int, int]) -> np.ndarray:
    """What one unit of each n-gram adds to the logits (float32) [n-grams, classes], on average 0 over the classes.

    The negative log share of the n-gram in the headlines of all OTHER classes (Rennie et al. 2003, "Tackling the Poor
    Assumptions of Naive Bayes Text Classifiers", section 3.1), of n-grams weighted as the wide part weighs them.
    """
    inside = headlines.summed(shape, values=True)
    elsewhere = inside.sum(axis=1, keepdims=True) - inside + SMOOTHING
    scores = -np.log(elsewhere / elsewhere.sum(axis=0))
    return np.asarray(scores - scores.mean(axis=1, keepdims=True), dtype=np.float32)


def fitted_factor(logits: np.ndarray, added: np.ndarray, *, labels: np.ndarray) -> float:
    """The factor of `added` [n, classes] beside `logits` that makes their cross-entropy least, of `SHARES`.

    It is 0 unless the gain exceeds its standard error: few headlines would often choose a share by chance.
    """
    unit = _spread(logits) / max(_spread(added), 1e-9)
    losses = [least_losses(logits + share * unit * added, labels)[0] for share in SHARES]
    best = int(np.argmin([each.mean() for each in losses]))
    gain = losses[0] - losses[best]
    return SHARES[best] * unit if gain.mean() > gain.std() / np.sqrt(len(gain)) else 0.0


def _spread(logits: np.ndarray) -> float:
    return float((logits - logits.mean(axis=1, keepdims=True)).std())
