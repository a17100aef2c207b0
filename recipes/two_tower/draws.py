"""Draws the batches that the two objectives train on from the training ratings; runs in the training image, numpy only.

All randomness is a function of (seed, epoch): a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recipes.two_tower.factors import Factors, preference
from recipes.two_tower.features import Describer, Profiles
from recipes.two_tower.movie_statistics import shrunk_means
from recipes.two_tower.ratings import Ratings

# Of a user's ratings, this share is shown to the user tower; the rest is what it has to find.
SHOWN = (0.7, 1.0)
# Some users are shown with next to nothing, so that the towers know what to make of newcomers.
NEWCOMERS = 0.1
SHOWN_OF_NEWCOMERS = 0.05
# How many movies a step compares at most.
MOST_CANDIDATES = 4096


@dataclass(frozen=True, kw_only=True)
class RatingBatch:
    """Rows of unscaled inputs, and what is to be added to the averages (float32 [n])."""

    user: np.ndarray
    movie: np.ndarray
    residual: np.ndarray


@dataclass(frozen=True, kw_only=True)
class RatingDraws:
    """Training rows, each described without its own rating."""

    describer: Describer
    ratings: Ratings
    seed: int

    def batches(self, epoch: int, size: int) -> Iterator[RatingBatch]:
        """All ratings in random order."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.ratings))
        for start in range(0, len(order), size):
            yield self.rows(order[start : start + size])

    def rows(self, rows: np.ndarray) -> RatingBatch:
        """The ratings in these places."""
        users, movies, values = (each[rows] for each in (self.ratings.row_of_value, *self._columns))
        describer, mean = self.describer, self.describer.statistics.mean
        profiles = describer.without(self._profiles.take(users), movies, values)
        own = values - self._user_means[users]
        base = mean + describer.user_biases(profiles) + describer.movie_biases(movies, own)
        return RatingBatch(
            user=describer.user_inputs(profiles),
            movie=describer.movie_inputs(movies, own),
            residual=(values - base).astype(np.float32),
        )

    @cached_property
    def _profiles(self) -> Profiles:
        return self.describer.profiles(self.ratings)

    @property
    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        return self.ratings.movies, self.ratings.values

    @cached_property
    def _user_means(self) -> np.ndarray:
        return shrunk_means(self.ratings, self.describer.statistics.mean)


@dataclass(frozen=True, kw_only=True)
class RetrievalBatch:
    """The arguments of `RetrievalTrainer.step`, inputs unscaled; `candidates` are indices of movies."""

    user: np.ndarray
    user_start: np.ndarray
    candidates: np.ndarray
    log_chance: np.ndarray
    watched: np.ndarray
    teacher: np.ndarray
    seen: np.ndarray


@dataclass(frozen=True, kw_only=True)
class RetrievalDraws:
    """Users whose ratings are parted at random into what is shown and what is to be found."""

    describer: Describer
    ratings: Ratings
    factors: Factors
    temperature: float
    seed: int

    def batches(self, epoch: int, size: int) -> Iterator[RetrievalBatch]:
        """All users in random order."""
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(len(self.ratings.users))
        for start in range(0, len(order), size):
            yield self._batch(order[start : start + size], random)

    def shown_inputs(self, users: int) -> np.ndarray:
        """User inputs, unscaled, of at most `users` users with all their ratings."""
        some = self.ratings.take(np.arange(min(users, len(self.ratings.users))))
        return self.describer.user_inputs(self.describer.profiles(some))

    def _batch(self, users: np.ndarray, random: np.random.Generator) -> RetrievalBatch:
        some = self.ratings.take(users)
        share = random.uniform(*SHOWN, len(users))
        share[random.random(len(users)) < NEWCOMERS] = SHOWN_OF_NEWCOMERS
        shown = random.random(len(some)) < share[some.row_of_value]
        candidates = np.unique(some.movies)
        if len(candidates) > MOST_CANDIDATES:
            candidates = np.sort(random.choice(candidates, MOST_CANDIDATES, replace=False))
        place = np.full(len(self.describer.movies), -1)
        place[candidates] = np.arange(len(candidates))
        liking = preference(some.values, self.describer.statistics.best)
        shape = (len(users), len(candidates))
        full = _table(some, place, liking, shape)
        # EASE gives a movie no credit for being liked itself.
        scores = some.sums(self.factors.values[some.movies] * liking[:, None]) @ self._weights[candidates].T
        scores -= full * (self.factors.values[candidates] * self._weights[candidates]).sum(axis=1)
        profiles = self.describer.profiles(some.kept(shown))
        return RetrievalBatch(
            user=self.describer.user_inputs(profiles),
            user_start=self.describer.user_starts(profiles),
            candidates=candidates,
            log_chance=self._log_chance(len(users))[candidates],
            watched=_table(some.kept(~shown), place, liking[~shown], shape),
            teacher=scores / self.temperature,
            seen=_table(some.kept(shown), place, np.ones(int(shown.sum()), dtype=np.float32), shape),
        )

    @cached_property
    def _weights(self) -> np.ndarray:
        return self.factors.weights

    def _log_chance(self, users: int) -> np.ndarray:
        """Log of the chance of each movie to have been rated by one of `users` users drawn (float32 [movies])."""
        share = np.minimum(self.describer.statistics.counts / len(self.ratings.users), 1.0 - 1e-6)
        return np.log(np.maximum(1.0 - (1.0 - share) ** users, 1e-6)).astype(np.float32)


def _table(ratings: Ratings, place: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`values` of ratings in a table of users by candidates (float32); other movies are left out."""
    column = place[ratings.movies]
    inside = column >= 0
    table = np.zeros(shape, dtype=np.float32)
    table[ratings.row_of_value[inside], column[inside]] = values[inside]
    return table
