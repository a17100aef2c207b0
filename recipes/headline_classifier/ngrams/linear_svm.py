"""A linear support vector machine on the n-grams of the wide part, which takes a share of it; in the training image.

It leans to no word that few headlines have, as weights of log odds do: the better answer where texts say little of
their class, as short reviews of their stars.
"""

from __future__ import annotations

import warnings

import numpy as np

from recipes.headline_classifier.texts.encoded import EncodedHeadlines
from trainyard.contract.lean.imports import lean

# As the strongest of the baselines has it; passes bound the time where classes cannot be told apart.
PENALTY, PASSES = 0.5, 300


def table(headlines: EncodedHeadlines, *, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """What one unit of each n-gram adds to the logits [n-grams, classes], and the bias [classes] (float32).

    One machine for each class against all others (Fan et al. 2008, "LIBLINEAR"), headlines counting by their weights. A
    class without headlines has the scores of one that is never right; with less than two classes there is nothing.
    """
    with lean():
        from scipy.sparse import csr_matrix
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import LinearSVC

    weights, bias = np.zeros(shape, np.float32), np.full(shape[1], -1.0, np.float32)
    if len(np.unique(headlines.labels)) < 2:
        return weights, np.zeros_like(bias)
    bags = headlines.ngrams
    values = csr_matrix((bags.values, bags.indices, bags.offsets), shape=(len(headlines), shape[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine = LinearSVC(C=PENALTY, max_iter=PASSES, random_state=0)
        machine.fit(values, headlines.labels, sample_weight=headlines.weights / headlines.weights.mean())
    found, offsets = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        found, offsets = np.concatenate((-found, found)), np.concatenate((-offsets, offsets))
    weights[:, machine.classes_], bias[machine.classes_] = found.T, offsets
    return weights, bias
