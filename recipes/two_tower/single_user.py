"""Finds one user's best movies with as little work as possible; numpy only, for serving.

The numbers are those of `Recommender`, which works on many users at a time. Of one user most of the time is calls of
numpy, so what is known of a movie lies side by side, and one product of matrices gives all sums over a history.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recipes.two_tower.histories import Histories
from recipes.two_tower.inference import LATE_SHRINKAGE, Recommender
from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR, SHRINKAGE
from recipes.two_tower.ranking.interest import times_after
from recipes.two_tower.single_user_towers import INTERESTS, OF_LATE, RATINGS, RESIDUALS, SingleUserTowers
from trainyard.contract.nearest import Neighbours

# Indices of movies, their scores, and expected ratings.
Best = tuple[list[int], list[float], list[float] | None]
NO_MOVIES, NO_VALUES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)


class History(NamedTuple):
    """Indices of the movies that a user rated, the ratings as models compute on them, their times, and the last one.

    `times` are seconds since 1970, None of somebody new: all of theirs are of now. `last_year` is in years.
    """

    movies: np.ndarray
    values: np.ndarray
    times: np.ndarray | None
    last_year: float

    def with_new_ratings(self, movies: list[int], values: np.ndarray, *, year: float) -> History:
        """With ratings given at the time `year`, which replace those of the same movies."""
        new, last_year = np.asarray(movies, dtype=np.int64), max(self.last_year, year)
        if self.times is None:
            return History(movies=new, values=values, times=None, last_year=last_year)
        kept = ~np.isin(self.movies, new)
        times = np.full(len(new), np.rint(year * SECONDS_PER_YEAR))
        return History(
            movies=np.concatenate([self.movies[kept], new]),
            values=np.concatenate([self.values[kept], values]),
            times=np.concatenate([self.times[kept], times]),
            last_year=last_year,
        )

    def later(self) -> np.ndarray | float:
        """How many ratings came after each (float64 [ratings]), or one number for all."""
        return (len(self.movies) - 1) / 2.0 if self.times is None else times_after(self.times)


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
            return History(movies=NO_MOVIES, values=NO_VALUES, times=None, last_year=self._latest_year)
        own = slice(self._offsets[row], self._offsets[row + 1])
        movies, values, times = self._ratings.movies[own], self._ratings.values[own], self._ratings.times[own]
        return History(movies=movies, values=values, times=times, last_year=self._last_years[row])


class SingleUserRecommender:
    """Best movies for one user at a time."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender, statistics = recommender, recommender.statistics
        contents, biases = recommender.featurizer.contents, statistics.biases[:, None]
        # A model of interactions has none.
        vectors = recommender.rating_vectors if recommender.rating_towers else np.empty((len(contents), 0))
        # A movie's content, bias and vector: a single look-up gives all that is known of it.
        self._movies = np.concatenate([contents, biases, vectors], axis=1, dtype=np.float32)
        self._bias = contents.shape[1]
        self._factors = slice(self._bias - statistics.factors.shape[1], self._bias)
        self._towers = SingleUserTowers(recommender, columns=self._movies.shape[1])
        self._neighbours = Neighbours(recommender.movie_vectors, recommender.movie_offsets)
        self._ranker = recommender.ranker if recommender.objective == "retrieval" else None
        bounds = recommender.scale.natural(np.asarray([statistics.min_rating, statistics.max_rating]))
        self._least, self._most = bounds.tolist()

    def recommend(self, history: History, count: int) -> Best:
        """Indices of the `count` best movies that are not in the history, their scores, and expected ratings.

        A model of interactions expects no ratings.
        """
        weights, sums = self._sums(history)
        seen = float(sums[RATINGS, 0])
        bias = float(sums[RESIDUALS, 0]) / (seen + SHRINKAGE)
        age = (history.last_year - self._recommender.statistics.latest_year) if seen else 0.0
        vector, user = self._towers(sums, bias=bias, age=age)
        if self._towers.retrieves:
            # What `Featurizer.user_base_vectors` gives.
            vector += sums[INTERESTS, self._factors]
            vector += SHRINKAGE / (seen + SHRINKAGE) * self._recommender.statistics.prior
        movies, scores = self._best(vector, history, weights=weights[INTERESTS], count=count)
        expected = None
        if user is not None:
            rating = bias + self._of_late(user, weights, sums=sums[OF_LATE], bias=bias)
            expected = self._expected(user, movies, bias=rating)
        return movies.tolist(), scores.tolist(), expected

    def _sums(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """What ratings weigh [4, ratings], and sums of what is known of their movies, so weighed [4, columns]."""
        statistics, steps = self._recommender.statistics, self._recommender.rating_steps
        rows, later = self._movies.take(history.movies, axis=0), history.later()
        weights = np.ones((4, len(rows)), dtype=np.float32)
        np.subtract(history.values, rows[:, self._bias], out=weights[RESIDUALS])
        weights[RESIDUALS] -= np.float32(statistics.mean)
        weights[INTERESTS] = statistics.interest.weights(history.values, later)
        if steps is not None:
            weights[OF_LATE] = np.exp(-later / steps)
        return weights, weights.dot(rows)

    def _best(
        self, vector: np.ndarray, history: History, *, weights: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Movies and scores as `Recommender.recommend` has them."""
        if self._ranker is None:
            return self._neighbours.best(vector, count, hidden=history.movies)
        movies, scores = self._neighbours.best(vector, self._ranker.candidates(count), hidden=history.movies)
        movies, scores = self._ranker.best_first(movies, scores, history=history.movies, weights=weights)
        return movies[:count], scores[:count]

    def _of_late(self, user: np.ndarray, weights: np.ndarray, *, sums: np.ndarray, bias: float) -> float:
        """What `Recommender` adds to a user's bias: the weighted mean of ratings less those expected."""
        if self._recommender.rating_steps is None:
            return 0.0
        total = float(sums[0])
        excess = float(weights[OF_LATE].dot(weights[RESIDUALS])) - float(sums[self._bias + 1 :].dot(user))
        return (excess - bias * total) / (total + LATE_SHRINKAGE)

    def _expected(self, user: np.ndarray, movies: np.ndarray, *, bias: float) -> list[float]:
        """What `Recommender.expected_ratings` gives, rounded."""
        rows, scale = self._movies.take(movies, axis=0), self._recommender.scale
        found: list[float] = (rows[:, self._bias + 1 :].dot(user) + rows[:, self._bias]).tolist()
        base, least, most = self._recommender.statistics.mean + bias, self._least, self._most
        return [
            round(100.0 * min(max((each + base) * scale.unit + scale.shift, least), most)) / 100.0 for each in found
        ]
