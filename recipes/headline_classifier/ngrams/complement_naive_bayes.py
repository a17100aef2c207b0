"""Complement naive Bayes on the n-grams of the wide part, which takes a share of it; runs in the training image.

It needs few headlines and does not lean to the classes that have most of them, which a network of few headlines does.
"""

from __future__ import annotations

import numpy as np

from recipes.headline_classifier.texts.encoded import EncodedHeadlines

SMOOTHING = 0.1


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
