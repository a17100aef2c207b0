"""Describes one user and finds the user's best movies with as little work as possible; numpy only, for serving.

The numbers are those of `Recommender`, which works on many users at a time; what that prepares for each call is done
here once.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR, SHRINKAGE
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.recommender import Recommender
from recipes.two_tower.towers import FAR, Tower
from trainyard.serving.neighbours import Neighbours

NO_MOVIES, NO_VALUES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)


class History(NamedTuple):
    """Indices of the movies that a user rated, the ratings (float32), and the time of the last one in years."""

    movies: np.ndarray
    values: np.ndarray
    last: float

    def with_given(self, movies: list[int], values: list[float], now: float) -> History:
        """With ratings given now, in place of those of the same movies."""
        if not movies:
            return self
        given, last = np.asarray(movies, dtype=np.int64), max(self.last, now)
        rated = np.asarray(values, dtype=np.float32)
        if not len(self.movies):
            return History(movies=given, values=rated, last=last)
        kept = ~np.isin(self.movies, given)
        return History(
            movies=np.concatenate([self.movies[kept], given]),
            values=np.concatenate([self.values[kept], rated]),
            last=last,
        )


class Histories:
    """The ratings that users gave before training, by user; of movies that the model knows."""

    def __init__(self, ratings: Ratings, recommender: Recommender) -> None:
        known = ratings.encoded(recommender.movies.encode(ratings.movies))
        self._rows = {user: row for row, user in enumerate(known.users.tolist())}
        self._offsets: list[int] = known.offsets.tolist()
        self._ratings = known
        self._last: list[float] = (known.sums(known.times, np.maximum) / SECONDS_PER_YEAR).tolist()
        self._now = recommender.statistics.now

    def of(self, user: int | None) -> History:
        """The history of a user; that of somebody unknown is empty."""
        row = None if user is None else self._rows.get(user)
        if row is None or self._offsets[row] == self._offsets[row + 1]:
            return History(movies=NO_MOVIES, values=NO_VALUES, last=self._now)
        own = slice(self._offsets[row], self._offsets[row + 1])
        return History(movies=self._ratings.movies[own], values=self._ratings.values[own], last=self._last[row])


class Finder:
    """Best movies for one user at a time."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self._contents = recommender.describer.contents
        self._rating_vectors = recommender.rating_vectors
        self._neighbours = Neighbours(recommender.movie_vectors, recommender.movie_offsets)
        self._genres = len(recommender.movies.genre_names)
        # The rating tower reads what the retrieval tower reads, without what comes from factors.
        factors = recommender.statistics.factors.shape[1]
        inputs = recommender.retrieval.user.centre.shape[-1]
        self._facts = self._contents.shape[1] - factors
        self._rating_inputs = np.r_[0 : inputs - 1 - 2 * factors, inputs - 1]

    def best(self, history: History, count: int) -> tuple[list[int], list[float], list[float]]:
        """Indices of the `count` best movies that are not in the history, their scores, and expected ratings."""
        plain, tilted, liked = self._sums(history)
        inputs = self._inputs(plain, tilted, liked, history.last)
        user = _vector(self._recommender.rating.user, inputs[self._rating_inputs])
        vector = user if self._recommender.objective == "rating" else self._retrieval(inputs, plain, liked)
        movies, scores = self._neighbours.best(vector, count, history.movies)
        statistics = self._recommender.statistics
        expected = self._rating_vectors[movies] @ user
        expected += statistics.biases[movies]
        expected += np.float32(statistics.mean) + inputs[0]
        expected = expected.astype(np.float64).clip(statistics.worst, statistics.best).round(2)
        return movies.tolist(), scores.tolist(), expected.tolist()

    def _retrieval(self, inputs: np.ndarray, plain: np.ndarray, liked: np.ndarray) -> np.ndarray:
        """What `Recommender.user_vectors` gives under the objective `retrieval`."""
        vector = _vector(self._recommender.retrieval.user, inputs)
        vector += liked
        vector += SHRINKAGE / (float(plain[0]) + SHRINKAGE) * self._recommender.statistics.prior
        return vector

    def _sums(self, history: History) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`Profiles.plain`, `tilted` and `liked` of one user, in one product of matrices."""
        statistics = self._recommender.statistics
        weights = np.ones((3, len(history.movies)), dtype=np.float32)
        weights[1] = history.values - statistics.mean - statistics.biases[history.movies]
        weights[2] = history.values
        plain, tilted, liked = weights @ self._contents[history.movies]
        return plain, tilted, liked[self._facts :]

    def _inputs(self, plain: np.ndarray, tilted: np.ndarray, liked: np.ndarray, last: float) -> np.ndarray:
        """`Describer.user_inputs` of one user (float32 [n])."""
        # A count of movies and roots of it are Python's numbers: numpy takes ten times as long for a single one.
        count, facts, genres = float(plain[0]), self._facts, self._genres
        weight, root = count + SHRINKAGE, math.sqrt(count + SHRINKAGE)
        bias = float(tilted[0]) / weight
        tastes = tilted - bias * plain
        middle = 2 * facts + len(liked)
        inputs = np.empty(middle + len(liked) + 1, dtype=np.float32)
        inputs[0], inputs[1] = bias, math.log1p(count)
        np.divide(tastes[1 : 1 + genres], plain[1 : 1 + genres] + SHRINKAGE, out=inputs[2 : 2 + genres])
        np.divide(tastes[1 + genres : facts], weight, out=inputs[2 + genres : 1 + facts])
        np.divide(plain[1:facts], weight, out=inputs[1 + facts : 2 * facts])
        np.divide(tastes[facts:], root, out=inputs[2 * facts : middle])
        np.divide(liked, root, out=inputs[middle:-1])
        inputs[-1] = (last - self._recommender.statistics.now) * (count > 0)
        return inputs


def _vector(tower: Tower, inputs: np.ndarray) -> np.ndarray:
    """`Tower.__call__` for one row (float32 [embedding_size])."""
    value = inputs - tower.centre
    value *= tower.scale
    np.maximum(np.minimum(value, FAR, out=value), -FAR, out=value)
    for kernel, bias in tower.layers[:-1]:
        value = value @ kernel
        value += bias
        np.maximum(value, 0.0, out=value)
    kernel, bias = tower.layers[-1]
    vector: np.ndarray = value @ kernel
    vector += bias
    return vector
