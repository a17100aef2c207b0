"""Exact ranks of answers where baskets are scored by sparse weights; runs in the training image."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recipes.prod2vec.metrics import EncodedQueries


def sparse_ranks(scores: sparse.csr_matrix, queries: EncodedQueries, background: np.ndarray) -> np.ndarray:
    """Rank (float64, best 0) of each query's answer, infinite where it cannot be answered.

    A product's score is that in the row of `scores` plus its `background` [products]. Only the products that a row
    holds are looked at: how many of all others are better is a place in the sorted background. Products of the basket
    are no candidates; equal scores share their ranks, as in `metrics.target_ranks`.
    """
    ranks = np.full(len(queries), np.inf)
    count, products = len(queries), len(background)
    rows = np.repeat(np.arange(count), np.diff(scores.indptr))
    asked = np.flatnonzero(queries.targets >= 0)
    contexts = queries.contexts
    # Each product of a row once: what is scored, and what is in the basket and so no candidate.
    scored_keys = rows * products + scores.indices
    basket_keys = np.unique(contexts.row_of_value * products + contexts.values)
    order = np.argsort(scored_keys)
    scored_keys, values = scored_keys[order], scores.data[order]
    free = ~_among(scored_keys, basket_keys)
    scored_keys, values = scored_keys[free], values[free]
    target_keys = asked * products + queries.targets[asked]
    own = np.full(count, -np.inf, dtype=np.float32)
    own[asked] = _looked_up(target_keys, scored_keys, values) + background[queries.targets[asked]]
    own[asked[_among(target_keys, basket_keys)]] = -np.inf

    better, equal = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    rising = np.sort(background)
    better += products - np.searchsorted(rising, own, side="right")
    equal += np.searchsorted(rising, own, side="right") - np.searchsorted(rising, own, side="left")
    for keys, added in ((scored_keys, values), (basket_keys, None)):
        row, product = np.divmod(keys, products)
        without, limit = background[product], own[row]
        for sign, found in ((-1, without), (1, None if added is None else without + added)):
            if found is not None:
                better += sign * np.bincount(row[found > limit], minlength=count)
                equal += sign * np.bincount(row[found == limit], minlength=count)
    known = np.isfinite(own)
    ranks[known] = better[known] + (equal[known] - 1) / 2
    return ranks


def _among(keys: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which keys are among those that are sorted."""
    if len(ordered) == 0:
        return np.zeros(len(keys), dtype=bool)
    places = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.asarray(ordered[places] == keys)


def _looked_up(keys: np.ndarray, ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The value of each key among those that are sorted; 0 where it is not."""
    if len(ordered) == 0:
        return np.zeros(len(keys), dtype=np.float32)
    places = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.where(ordered[places] == keys, values[places], np.float32(0.0))
