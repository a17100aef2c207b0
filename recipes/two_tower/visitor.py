"""Describes one user and finds the user's best movies with as little work as possible; numpy only, for serving.

The numbers are those of `Recommender`, which works on many users at a time; what that prepares for each call is done
here once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR, SHRINKAGE
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.recommender import Recommender
from recipes.two_tower.towers import FAR, Tower
from trainyard.serving.neighbours import Neighbours

NO_MOVIES, NO_VALUES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class History:
    """Indices of the movies that a user rated, the ratings (float32), and the time of the last one in years."""

    movies: np.ndarray
    values: np.ndarray
    last: float

    def with_given(self, movies: list[int], values: list[float], now: float) -> History:
        """With ratings given now, in place of those of the same movies."""
        if not movies:
            return self
        kept = ~np.isin(self.movies, movies)
        return History(
            movies=np.concatenate([self.movies[kept], np.asarray(movies, dtype=np.int64)]),
            values=np.concatenate([self.values[kept], np.asarray(values, dtype=np.float32)]),
            last=max(self.last, now),
        )


class Histories:
    """The ratings that users gave before training, by user; of movies that the model knows."""

    def __init__(self, ratings: Ratings, recommender: Recommender) -> None:
        known = ratings.encoded(recommender.movies.encode(ratings.movies))
        self._rows = {user: row for row, user in enumerate(known.users.tolist())}
        self._offsets: list[int] = known.offsets.tolist()
        self._ratings = known
        self._now = recommender.statistics.now

    def of(self, user: int | None) -> History:
        """The history of a user; that of somebody unknown is empty."""
        row = None if user is None else self._rows.get(user)
        if row is None or self._offsets[row] == self._offsets[row + 1]:
            return History(movies=NO_MOVIES, values=NO_VALUES, last=self._now)
        own = slice(self._offsets[row], self._offsets[row + 1])
        last = float(self._ratings.times[own].max() / SECONDS_PER_YEAR)
        return History(movies=self._ratings.movies[own], values=self._ratings.values[own], last=last)


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
        movies, scores = self._neighbours.best(vector, count, history.movies.tolist())
        statistics = self._recommender.statistics
        base = np.float32(statistics.mean) + inputs[0] + statistics.biases[movies]
        found = (base + self._rating_vectors[movies] @ user).tolist()
        worst, best = statistics.worst, statistics.best
        return movies, scores, [round(min(max(each, worst), best), 2) for each in found]

    def _retrieval(self, inputs: np.ndarray, plain: np.ndarray, liked: np.ndarray) -> np.ndarray:
        """What `Recommender.user_vectors` gives under the objective `retrieval`."""
        prior = SHRINKAGE / (plain[0] + SHRINKAGE) * self._recommender.statistics.prior
        return np.asarray(_vector(self._recommender.retrieval.user, inputs) + liked + prior)

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
        count, facts, genres = plain[0], self._facts, self._genres
        bias = tilted[0] / (count + np.float32(SHRINKAGE))
        tastes, root = tilted - bias * plain, np.sqrt(count + np.float32(SHRINKAGE))
        inputs = np.empty(2 * facts + len(tastes) - facts + len(liked) + 1, dtype=np.float32)
        inputs[0], inputs[1] = bias, np.log1p(count)
        np.divide(tastes[1 : 1 + genres], plain[1 : 1 + genres] + np.float32(SHRINKAGE), out=inputs[2 : 2 + genres])
        np.divide(tastes[1 + genres : facts], count + np.float32(SHRINKAGE), out=inputs[2 + genres : 1 + facts])
        np.divide(plain[1:facts], count + np.float32(SHRINKAGE), out=inputs[1 + facts : 2 * facts])
        middle = 2 * facts + len(liked)
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
    return np.asarray(value @ kernel + bias)
