"""What is measured of recommendations and expected ratings, user by user; for train and evaluate, numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.two_tower.ratings import Ratings


def ranking(recommended: Sequence[np.ndarray], relevant: Ratings, count: int) -> np.ndarray:
    """NDCG and recall of each user's first `count` recommendations (float64 [users, 2]).

    `recommended` and `relevant` name movies in the same way; every user has something relevant. NDCG with gains of 1
    (Jarvelin and Kekalainen 2002, "Cumulated gain-based evaluation of IR techniques"); its ideal and the recall of
    a user with more than `count` relevant movies are limited by `count` and by all of them, respectively.
    """
    discounts = 1.0 / np.log2(np.arange(2, count + 2))
    ideal = np.cumsum(discounts)
    rows = np.zeros((len(recommended), 2))
    for row, found in enumerate(recommended):
        wanted = relevant.movies[relevant.offsets[row] : relevant.offsets[row + 1]]
        hits = np.isin(found[:count], wanted)
        gain = float(discounts[: len(hits)] @ hits)
        rows[row] = gain / ideal[min(len(wanted), count) - 1], hits.sum() / len(wanted)
    return rows


def rmse(expected: np.ndarray, actual: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((expected - actual) ** 2)))


def with_relevant(ratings: Ratings, limit: float) -> Ratings:
    """The ratings of at least `limit`, of the users who have such."""
    liked = ratings.kept(ratings.values >= limit)
    return liked.take(np.flatnonzero(liked.lengths))
