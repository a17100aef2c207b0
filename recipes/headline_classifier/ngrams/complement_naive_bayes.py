"""Complement naive Bayes on the n-grams of the wide part, and how much of it the wide part takes; training image.

It needs few headlines and does not lean to the classes that have most of them, which a network of few headlines does.
Both are linear in the same n-grams, so that their sum is one table and costs nothing when it is served.
"""

from __future__ import annotations

import numpy as np

from recipes.headline_classifier.network.calibration import least_losses
from recipes.headline_classifier.texts.encoded import EncodedHeadlines

SMOOTHING = 0.1
# Of the spread of the network's logits, that of what is added; the usual one was chosen on splits of real headlines.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
USUAL_SHARE = 0.75
LEAST_SPREAD = 1e-6


def table(headlines: EncodedHeadlines, *, shape: tuple[int, int]) -> np.ndarray:
    """What one unit of each n-gram adds to the logits (float32) [n-grams, classes], on average 0 over the classes.

    The negative log share of the n-gram in the headlines of all OTHER classes, of n-grams weighted as the wide part
    weighs them, every class with the same sum of magnitudes: else the class with most headlines has the largest weights
    (Rennie et al. 2003, "Tackling the Poor Assumptions of Naive Bayes Text Classifiers", sections 3.1 and 3.2).
    """
    inside = headlines.summed(shape, values=True)
    elsewhere = inside.sum(axis=1, keepdims=True) - inside + SMOOTHING
    scores = -np.log(elsewhere / elsewhere.sum(axis=0))
    scores -= scores.mean(axis=1, keepdims=True)
    magnitudes = np.maximum(np.abs(scores).sum(axis=0), 1e-9)
    return np.asarray(scores * (magnitudes.mean() / magnitudes), dtype=np.float32)


def fitted_factor(logits: np.ndarray, added: np.ndarray, *, labels: np.ndarray) -> float:
    """The factor of `added` [n, classes] beside `logits`: a share of `SHARES`, in units of their spreads.

    It is the share of least cross-entropy where that gains more on the usual share than the gain's standard error: few
    headlines would often choose a share by chance. It is 0 where `added` says nothing of any headline.
    """
    if _spread(added) < LEAST_SPREAD:
        return 0.0
    unit = _spread(logits) / _spread(added)
    losses = {share: least_losses(logits + share * unit * added, labels)[0] for share in SHARES}
    best = min(SHARES, key=lambda share: float(losses[share].mean()))
    gain = losses[USUAL_SHARE] - losses[best]
    return unit * (best if gain.mean() > gain.std() / np.sqrt(len(gain)) else USUAL_SHARE)


def _spread(logits: np.ndarray) -> float:
    return float((logits - logits.mean(axis=1, keepdims=True)).std())
