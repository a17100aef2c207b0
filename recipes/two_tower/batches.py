"""Batches that the two objectives train on, drawn from the training ratings; runs in the training image, numpy only.

All randomness is a function of (seed, epoch): a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from recipes.two_tower.features import Featurizer, Profiles
from recipes.two_tower.movie_statistics import shrunk_user_means
from recipes.two_tower.ranking.ease import EaseFactors
from recipes.two_tower.ratings import Ratings

# Of a user's ratings, the first share in this range is the input of the user tower; the rest is what it has to find.
INPUT_SHARE = (0.7, 1.0)
# Some users have next to no input, so that the towers know what to make of newcomers.
NEWCOMER_SHARE = 0.1
NEWCOMER_INPUT_SHARE = 0.05
# How many movies a step compares at most.
MAX_CANDIDATES = 4096


@dataclass(frozen=True, kw_only=True)
class RatingBatch:
    """Rows of features, not standardized, and what is to be added to the averages (float32 [n])."""

    user: np.ndarray
    movie: np.ndarray
    residual: np.ndarray


@dataclass(frozen=True, kw_only=True)
class RatingBatches:
    """Training rows, each described without its own rating; so many of them, drawn anew, are an epoch."""

    featurizer: Featurizer
    ratings: Ratings
    epoch_ratings: int
    seed: int

    def epoch(self, number: int, size: int) -> Iterator[RatingBatch]:
        """The ratings of an epoch in random order, `size` at a time."""
        order = np.random.default_rng((self.seed, number)).permutation(len(self.ratings))[: self.epoch_ratings]
        for start in range(0, len(order), size):
            yield self.batch(order[start : start + size])

    def batch(self, rows: np.ndarray) -> RatingBatch:
        """The ratings at these indices."""
        users, movies, values = self.ratings.user_rows[rows], self.ratings.movies[rows], self.ratings.values[rows]
        featurizer, mean = self.featurizer, self.featurizer.statistics.mean
        profiles = featurizer.leave_one_out(self._profiles.take(users), movies, values=values)
        left_out = values - self._user_means[users]
        base = mean + featurizer.user_biases(profiles) + featurizer.movie_biases(movies, left_out)
        return RatingBatch(
            user=featurizer.user_features(profiles),
            movie=featurizer.movie_features(movies, left_out),
            residual=(values - base).astype(np.float32),
        )

    @cached_property
    def _profiles(self) -> Profiles:
        return self.featurizer.profiles(self.ratings)

    @cached_property
    def _user_means(self) -> np.ndarray:
        return shrunk_user_means(self.ratings, self.featurizer.statistics.mean)


@dataclass(frozen=True, kw_only=True)
class RetrievalBatch:
    """`n` users and `m` candidates, which are indices of movies; all arrays but these are float32.

    * `user` [n, f]: features, not standardized; `user_base` [n, k]: the vectors that the user tower corrects.
    * `sampling_probability_correction` [m]: added to the logits of the candidates.
    * `targets` [n, m]: weights of the movies to be found; `teacher_logits` [n, m]: EASE's scores.
    * `input_mask` [n, m]: 1.0 where a movie is part of the user's input.
    """

    user: np.ndarray
    user_base: np.ndarray
    candidates: np.ndarray
    sampling_probability_correction: np.ndarray
    targets: np.ndarray
    teacher_logits: np.ndarray
    input_mask: np.ndarray


@dataclass(frozen=True, kw_only=True)
class RetrievalBatches:
    """Users whose ratings are split into input and targets, which came later; how much is input is random.

    So many of them, drawn anew, are an epoch.
    """

    featurizer: Featurizer
    ratings: Ratings
    epoch_users: int
    factors: EaseFactors
    temperature: float
    seed: int

    def epoch(self, number: int, size: int) -> Iterator[RetrievalBatch]:
        """The users of an epoch in random order, `size` at a time."""
        random = np.random.default_rng((self.seed, number))
        order = random.permutation(len(self.ratings.users))[: self.epoch_users]
        for start in range(0, len(order), size):
            yield self._batch(order[start : start + size], random)

    def full_user_features(self, users: int) -> np.ndarray:
        """Features, not standardized, of at most `users` users with all their ratings as input."""
        first = self.ratings.take(np.arange(min(users, len(self.ratings.users))))
        return self.featurizer.user_features(self.featurizer.profiles(first))

    def _batch(self, users: np.ndarray, random: np.random.Generator) -> RetrievalBatch:
        ratings = self.ratings.take(users)
        share = random.uniform(*INPUT_SHARE, len(users))
        share[random.random(len(users)) < NEWCOMER_SHARE] = NEWCOMER_INPUT_SHARE
        is_input = _places(ratings, random) < (share * ratings.lengths)[ratings.user_rows]
        candidates = np.unique(ratings.movies)
        if len(candidates) > MAX_CANDIDATES:
            candidates = np.sort(random.choice(candidates, MAX_CANDIDATES, replace=False))
        weights = self.featurizer.statistics.interest.of_values(ratings.values)
        given, held_back = ratings.filter(is_input), ratings.filter(~is_input)
        profiles = self.featurizer.profiles(given)
        return RetrievalBatch(
            user=self.featurizer.user_features(profiles),
            user_base=self.featurizer.user_base_vectors(profiles),
            candidates=candidates,
            sampling_probability_correction=-self._log_sampling_probability(len(users))[candidates],
            targets=self._matrix(held_back, candidates, values=weights[~is_input]),
            teacher_logits=self._ease_scores(given, candidates) / self.temperature,
            input_mask=self._matrix(given, candidates, values=np.ones(len(given), dtype=np.float32)),
        )

    def _ease_scores(self, given: Ratings, candidates: np.ndarray) -> np.ndarray:
        """EASE's scores of the candidates (float32 [users, candidates]), of which those that are given do not count."""
        weights = self.featurizer.statistics.interest.of_ratings(given)
        # A sparse product: the factors of every single rating would be a hundred times as much memory to go through.
        shape = len(given.users), len(self.factors.encoder)
        queries = sparse.csr_matrix((weights, given.movies, given.offsets), shape=shape) @ self.factors.encoder
        return np.asarray(queries @ self._decoder[candidates].T)

    @cached_property
    def _decoder(self) -> np.ndarray:
        return self.factors.decoder

    def _log_sampling_probability(self, users: int) -> np.ndarray:
        """Log of each movie's probability to have been rated by one of `users` random users (float32 [movies])."""
        share = np.minimum(self.featurizer.statistics.counts / len(self.ratings.users), 1.0 - 1e-6)
        return np.log(np.maximum(1.0 - (1.0 - share) ** users, 1e-6)).astype(np.float32)

    def _matrix(self, ratings: Ratings, candidates: np.ndarray, *, values: np.ndarray) -> np.ndarray:
        """`values` of ratings as a matrix of users by candidates (float32); other movies are left out."""
        columns = np.full(len(self.featurizer.movies), -1)
        columns[candidates] = np.arange(len(candidates))
        column = columns[ratings.movies]
        inside = column >= 0
        matrix = np.zeros((len(ratings.users), len(candidates)), dtype=np.float32)
        matrix[ratings.user_rows[inside], column[inside]] = values[inside]
        return matrix


def _places(ratings: Ratings, random: np.random.Generator) -> np.ndarray:
    """The place of each rating in its user's history (from 0); what happened at the same time is in random order."""
    order = np.lexsort((random.random(len(ratings)), ratings.times, ratings.user_rows))
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order)) - ratings.offsets[ratings.user_rows[order]]
    return places
