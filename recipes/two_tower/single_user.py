"""Finds one user's best movies with as little work as possible; numpy only, for serving.

The numbers are those of `Recommender`, which works on many users at a time; what that prepares for each call is done
here once.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recipes.two_tower.histories import Histories
from recipes.two_tower.inference import LATE_SHRINKAGE, Recommender
from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR, SHRINKAGE
from recipes.two_tower.ranking.interest import times_after
from recipes.two_tower.towers import CLIP, Tower
from trainyard.contract.nearest import Neighbours

# Indices of movies, their scores, and expected ratings.
Best = tuple[list[int], list[float], list[float] | None]
NO_MOVIES, NO_VALUES, NO_TIMES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32), np.empty(0)


class History(NamedTuple):
    """Indices of the movies that a user rated, the ratings as models compute on them, their times, and the last one.

    `times` are seconds since 1970; `last_year` is in years.
    """

    movies: np.ndarray
    values: np.ndarray
    times: np.ndarray
    last_year: float

    def with_new_ratings(self, movies: list[int], values: np.ndarray, *, year: float) -> History:
        """With ratings given at the time `year`, which replace those of the same movies."""
        if not movies:
            return self
        new, last_year = np.asarray(movies, dtype=np.int64), max(self.last_year, year)
        times = np.full(len(new), np.rint(year * SECONDS_PER_YEAR))
        if not len(self.movies):
            return History(movies=new, values=values, times=times, last_year=last_year)
        kept = ~np.isin(self.movies, new)
        return History(
            movies=np.concatenate([self.movies[kept], new]),
            values=np.concatenate([self.values[kept], values]),
            times=np.concatenate([self.times[kept], times]),
            last_year=last_year,
        )


class KnownHistories:
    """The ratings that users gave before training, by the key of the user."""

    def __init__(self, histories: Histories, recommender: Recommender) -> None:
        same = np.arange(len(recommender.movies), dtype=np.int32)
        known = histories.ratings.encoded(same, recommender.scale)
        self._rows = {histories.keys[user]: row for row, user in enumerate(known.users.tolist())}
        self._offsets: list[int] = known.offsets.tolist()
        self._ratings = known
        self._last_years: list[float] = (known.reduce_by_user(known.times, np.maximum) / SECONDS_PER_YEAR).tolist()
        self._latest_year = recommender.statistics.latest_year

    def row(self, user: str | None) -> int | None:
        """Where a user's history is; None for somebody unknown."""
        return None if user is None else self._rows.get(user)

    def of_user(self, user: str | None) -> History:
        """The history of a user; that of somebody unknown is empty."""
        return self.of_row(self.row(user))

    def of_row(self, row: int | None) -> History:
        """The history in a row; that of somebody unknown is empty."""
        if row is None or self._offsets[row] == self._offsets[row + 1]:
            return History(movies=NO_MOVIES, values=NO_VALUES, times=NO_TIMES, last_year=self._latest_year)
        own = slice(self._offsets[row], self._offsets[row + 1])
        movies, values, times = self._ratings.movies[own], self._ratings.values[own], self._ratings.times[own]
        return History(movies=movies, values=values, times=times, last_year=self._last_years[row])


class SingleUserRecommender:
    """Best movies for one user at a time."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self._contents = recommender.featurizer.contents
        # A model of interactions has none.
        self._rating_vectors = recommender.rating_vectors if recommender.rating_towers else np.empty((0, 0))
        self._neighbours = Neighbours(recommender.movie_vectors, recommender.movie_offsets)
        self._genres = len(recommender.movies.genre_names)
        self._ranker = recommender.ranker if recommender.objective == "retrieval" else None
        # The rating tower reads what the retrieval tower reads, without what comes from factors.
        factors = recommender.statistics.factors.shape[1]
        features = recommender.retrieval_towers.user.standardize.centre.shape[-1]
        self._first_factor = self._contents.shape[1] - factors
        self._rating_features = np.r_[0 : features - 1 - 2 * factors, features - 1]

    def recommend(self, history: History, count: int) -> Best:
        """Indices of the `count` best movies that are not in the history, their scores, and expected ratings.

        A model of interactions expects no ratings.
        """
        later = times_after(history.times)
        weights = self._recommender.statistics.interest.weights(history.values, later)
        content_sums, residual_sums, factor_sums = self._sums(history, weights)
        features = self._features(content_sums, residual_sums, factor_sums=factor_sums, last_year=history.last_year)
        towers, user = self._recommender.rating_towers, None
        if towers is not None:
            user = _vector(towers.user, features[self._rating_features])
        if user is not None and self._recommender.objective == "rating":
            vector = user
        else:
            vector = self._retrieval_vector(features, content_sums, factor_sums=factor_sums)
        movies, scores = self._best(vector, history, weights=weights, count=count)
        expected = None
        if user is not None:
            bias = float(features[0])
            bias += self._of_late(user, history, later=later, bias=bias)
            expected = self._expected(user, movies, bias=bias)
        return movies.tolist(), scores.tolist(), expected

    def _best(
        self, vector: np.ndarray, history: History, *, weights: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Movies and scores as `Recommender.recommend` has them."""
        if self._ranker is None:
            return self._neighbours.best(vector, count, hidden=history.movies)
        movies, scores = self._neighbours.best(vector, self._ranker.candidates(count), hidden=history.movies)
        movies, scores = self._ranker.best_first(movies, scores, history=history.movies, weights=weights)
        return movies[:count], scores[:count]

    def _of_late(self, user: np.ndarray, history: History, *, later: np.ndarray, bias: float) -> float:
        """What `Recommender` adds to a user's bias."""
        steps, statistics = self._recommender.rating_steps, self._recommender.statistics
        if steps is None:
            return 0.0
        excess: np.ndarray = history.values - statistics.biases[history.movies]
        excess -= self._rating_vectors[history.movies] @ user
        excess -= np.float32(statistics.mean + bias)
        weights = np.exp(-later / steps)
        return float(weights @ excess) / (float(weights.sum()) + LATE_SHRINKAGE)

    def _expected(self, user: np.ndarray, movies: np.ndarray, *, bias: float) -> list[float]:
        """What `Recommender.expected_ratings` gives, rounded."""
        statistics = self._recommender.statistics
        expected: np.ndarray = self._rating_vectors[movies] @ user
        expected += statistics.biases[movies]
        expected += np.float32(statistics.mean + bias)
        within = expected.astype(np.float64).clip(statistics.min_rating, statistics.max_rating)
        rounded: list[float] = self._recommender.scale.natural(within).round(2).tolist()
        return rounded

    def _retrieval_vector(
        self, features: np.ndarray, content_sums: np.ndarray, *, factor_sums: np.ndarray
    ) -> np.ndarray:
        """What `Recommender.user_vectors` gives under the objective `retrieval`."""
        vector = _vector(self._recommender.retrieval_towers.user, features)
        vector += factor_sums
        vector += SHRINKAGE / (float(content_sums[0]) + SHRINKAGE) * self._recommender.statistics.prior
        return vector

    def _sums(self, history: History, interests: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The sums in the `Profiles` of one user, in one product of matrices."""
        statistics = self._recommender.statistics
        weights = np.ones((3, len(history.movies)), dtype=np.float32)
        weights[1] = history.values - statistics.mean - statistics.biases[history.movies]
        weights[2] = interests
        content_sums, residual_sums, value_sums = weights @ self._contents[history.movies]
        return content_sums, residual_sums, value_sums[self._first_factor :]

    def _features(
        self, content_sums: np.ndarray, residual_sums: np.ndarray, *, factor_sums: np.ndarray, last_year: float
    ) -> np.ndarray:
        """`Featurizer.user_features` of one user (float32 [n])."""
        # A count of movies and roots of it are Python's numbers: numpy takes ten times as long for a single one.
        count, known, genres = float(content_sums[0]), self._first_factor, self._genres
        weight, root = count + SHRINKAGE, math.sqrt(count + SHRINKAGE)
        bias = float(residual_sums[0]) / weight
        tastes = residual_sums - bias * content_sums
        middle = 2 * known + len(factor_sums)
        features = np.empty(middle + len(factor_sums) + 1, dtype=np.float32)
        features[0], features[1] = bias, math.log1p(count)
        np.divide(tastes[1 : 1 + genres], content_sums[1 : 1 + genres] + SHRINKAGE, out=features[2 : 2 + genres])
        np.divide(tastes[1 + genres : known], weight, out=features[2 + genres : 1 + known])
        np.divide(content_sums[1:known], weight, out=features[1 + known : 2 * known])
        np.divide(tastes[known:], root, out=features[2 * known : middle])
        np.divide(factor_sums, root, out=features[middle:-1])
        features[-1] = (last_year - self._recommender.statistics.latest_year) * (count > 0)
        return features


def _vector(tower: Tower, features: np.ndarray) -> np.ndarray:
    """`Tower.__call__` for one row (float32 [embedding_size])."""
    value = features - tower.standardize.centre
    value *= tower.standardize.scale
    np.maximum(np.minimum(value, CLIP, out=value), -CLIP, out=value)
    for kernel, bias in tower.layers[:-1]:
        value = value @ kernel
        value += bias
        np.maximum(value, 0.0, out=value)
    kernel, bias = tower.layers[-1]
    vector: np.ndarray = value @ kernel
    vector += bias
    return vector
