"""Metrics of recommendations, user by user, and of expected ratings; for train and evaluate, numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.two_tower.ratings import Ratings


def ndcg_and_recall(recommended: Sequence[np.ndarray], relevant: Ratings, *, count: int) -> np.ndarray:
    """NDCG and recall of each user's first `count` recommendations (float64 [users, 2]).

    `recommended` and `relevant` name movies in the same way; every user has something relevant. NDCG with gains of 1
    (Jarvelin and Kekalainen 2002, "Cumulated gain-based evaluation of IR techniques"); its ideal and the recall of
    a user with more than `count` relevant movies are limited by `count` and by all of them, respectively.
    """
    discounts = 1.0 / np.log2(np.arange(2, count + 2))
    ideal = np.cumsum(discounts)
    rows = np.zeros((len(recommended), 2))
    for row, found in enumerate(recommended):
        movies = relevant.movies[relevant.offsets[row] : relevant.offsets[row + 1]]
        hits = np.isin(found[:count], movies)
        gain = float(discounts[: len(hits)] @ hits)
        rows[row] = gain / ideal[min(len(movies), count) - 1], hits.sum() / len(movies)
    return rows


def rmse(expected: np.ndarray, actual: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((expected - actual) ** 2)))


def relevant_ratings(ratings: Ratings, minimum: float) -> Ratings:
    """The ratings of at least `minimum`, of the users who have such."""
    relevant = ratings.filter(ratings.values >= minimum)
    return relevant.take(np.flatnonzero(relevant.lengths))


def coverage(recommended: Sequence[np.ndarray], movies: int) -> float:
    """Share of the catalogue's `movies` movies that are recommended to anybody."""
    return len(np.unique(np.concatenate(recommended))) / movies
