"""Metrics of recommendations, user by user, and of expected ratings; for train and evaluate, numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import Scale

LEAST_DEVIATION = 0.1


def ndcg_and_recall(recommended: Sequence[np.ndarray], relevant: Ratings, *, count: int) -> np.ndarray:
    """NDCG and recall of each user's first `count` recommendations (float64 [users, 2]).

    `recommended` and `relevant` name movies in the same way; every user has something relevant. NDCG with gains of 1
    (Jarvelin and Kekalainen 2002, "Cumulated gain-based evaluation of IR techniques"); its ideal and the recall of
    a user with more than `count` relevant movies are limited by `count` and by all of them, respectively.
    """
    gains = discounts(count)
    ideal = np.cumsum(gains)
    rows = np.zeros((len(recommended), 2))
    for row, found in enumerate(recommended):
        movies = relevant.movies[relevant.offsets[row] : relevant.offsets[row + 1]]
        hits = np.isin(found[:count], movies)
        gain = float(gains[: len(hits)] @ hits)
        rows[row] = gain / ideal[min(len(movies), count) - 1], hits.sum() / len(movies)
    return rows


def discounts(count: int) -> np.ndarray:
    """What a hit is worth in NDCG in each of the first `count` places (float64 [count])."""
    return np.asarray(1.0 / np.log2(np.arange(2, count + 2)))


def rmse(expected: np.ndarray, actual: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((expected - actual) ** 2)))


def relative_rmse(expected: np.ndarray, actual: np.ndarray, *, scale: Scale) -> float:
    """RMSE beside the standard deviation of the ratings, which is the error of a model that knows their mean only.

    A tenth of the scale at least, for nobody has to guess ratings that are nearly all alike better than that.
    """
    return rmse(expected, actual) / max(float(np.std(actual)), LEAST_DEVIATION * (scale.highest - scale.lowest))


def relevant_ratings(ratings: Ratings, scale: Scale) -> Ratings:
    """The ratings (on the scale of the data) that count as liked, of the users who have such."""
    # In the precision of the values: 0.7 of 32 bits is not 0.7 of 64.
    relevant = ratings.filter(ratings.values >= np.float32(scale.relevant))
    return relevant.take(np.flatnonzero(relevant.lengths))


def coverage(recommended: Sequence[np.ndarray], movies: int) -> float:
    """Share of the catalogue's `movies` movies that are recommended to anybody."""
    return len(np.unique(np.concatenate(recommended))) / movies
