"""What the training ratings say of each movie, saved with every model; for train, evaluate, report and serve."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recipes.two_tower.ranking.ease import EaseFactors
from recipes.two_tower.ranking.interest import Interest
from recipes.two_tower.ratings import Ratings

STATISTICS_FILE = "statistics.npz"
# Ratings that an average needs before it counts for half.
SHRINKAGE = 5.0
SECONDS_PER_YEAR = 31_556_952.0
# The fields, and their names in the file.
ARRAY_KEYS = {
    "mean": "mean",
    "min_rating": "worst",
    "max_rating": "best",
    "latest_year": "now",
    "counts": "counts",
    "deviation_sums": "deviations",
    "factors": "factors",
    "base_vectors": "starts",
    "prior": "prior",
}
NUMBERS = ("mean", "min_rating", "max_rating", "latest_year")
INTEREST_KEY = "interest"


@dataclass(frozen=True, kw_only=True)
class MovieStatistics:
    """What the training ratings say of each movie.

    `mean`, `min_rating` and `max_rating`: of all ratings; `latest_year`: the time of the last one, in years since 1970.
    `counts` and `deviation_sums` [movies]: the number of a movie's ratings, and the sum of their deviations from the
    raters' own (shrunk) means. `factors` [movies, k] say who rated a movie how (see `ease`). `base_vectors` [movies, k]
    are the vectors that the retrieval towers correct, `interest` gives what a rating weighs in sums of factors, and
    `prior` [k] is that sum of an average user.
    """

    mean: float
    min_rating: float
    max_rating: float
    latest_year: float
    counts: np.ndarray
    deviation_sums: np.ndarray
    factors: np.ndarray
    base_vectors: np.ndarray
    prior: np.ndarray
    interest: Interest

    @cached_property
    def biases(self) -> np.ndarray:
        """By how much each movie is rated above what its raters give on average (float32 [movies])."""
        return np.asarray(self.deviation_sums / (self.counts + SHRINKAGE), dtype=np.float32)

    def without_factors(self) -> MovieStatistics:
        """What the rating towers read: factors know who rated a movie, which is true of every training row only."""
        none = np.empty((len(self.counts), 0), dtype=np.float32)
        return replace(self, factors=none, base_vectors=none, prior=none[0])

    @classmethod
    def from_ratings(
        cls,
        ratings: Ratings,
        movies: int,
        *,
        factors: EaseFactors,
        interest: Interest,
        size: int,
        temperature: float,
    ) -> MovieStatistics:
        """From training ratings of movie indices below `movies` and the factors that `ease_factors` gives for them.

        `size` factors are kept; `base_vectors` give EASE's scores divided by `temperature`.
        """
        mean = float(ratings.values.mean())

        def deviations(some: Ratings) -> np.ndarray:
            return np.asarray(some.values - np.repeat(shrunk_user_means(some, mean), some.lengths))

        first, base_vectors = _first(factors, size, temperature=temperature)
        return cls(
            mean=mean,
            min_rating=float(ratings.values.min()),
            max_rating=float(ratings.values.max()),
            latest_year=float(ratings.times.max() / SECONDS_PER_YEAR),
            counts=ratings.sums_by_movie(movies).astype(np.float32),
            deviation_sums=ratings.sums_by_movie(movies, deviations).astype(np.float32),
            factors=first,
            base_vectors=base_vectors,
            prior=_average_sum(ratings, first, interest=interest),
            interest=interest,
        )

    def with_factors(
        self, factors: EaseFactors, ratings: Ratings, *, interest: Interest, temperature: float
    ) -> MovieStatistics:
        """The same of the same `ratings`, with other factors of movies and other weights in sums of them."""
        first, base_vectors = _first(factors, self.factors.shape[1], temperature=temperature)
        prior = _average_sum(ratings, first, interest=interest)
        return replace(self, factors=first, base_vectors=base_vectors, prior=prior, interest=interest)

    def save(self, directory: Path) -> None:
        arrays = {key: np.asarray(getattr(self, name)) for name, key in ARRAY_KEYS.items()}
        arrays[INTEREST_KEY] = np.asarray(astuple(self.interest))
        np.savez(directory / STATISTICS_FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, directory: Path) -> MovieStatistics:
        with np.load(directory / STATISTICS_FILE) as saved:
            found: dict[str, Any] = {name: saved[key] for name, key in ARRAY_KEYS.items()}
            # An earlier version had none.
            numbers = saved[INTEREST_KEY].tolist() if INTEREST_KEY in saved.files else ()
        return cls(**found | {name: float(found[name]) for name in NUMBERS}, interest=Interest(*numbers))


def _average_sum(ratings: Ratings, factors: np.ndarray, *, interest: Interest) -> np.ndarray:
    """The sum of factors times interest of an average user (float [k])."""
    weights = ratings.sums_by_movie(len(factors), interest.of_ratings)
    return np.asarray(weights @ factors / len(ratings.users))


def _first(factors: EaseFactors, size: int, *, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """`factors` and `base_vectors` of `MovieStatistics`."""
    return _columns(factors.encoder, size), _columns(factors.decoder / temperature, size)


def _columns(matrix: np.ndarray, size: int) -> np.ndarray:
    """The first `size` columns (float32); zeros where there are not so many."""
    found = np.zeros((len(matrix), size), dtype=np.float32)
    found[:, : matrix.shape[1]] = matrix[:, :size]
    return found


def shrunk_user_means(ratings: Ratings, mean: float) -> np.ndarray:
    """The mean rating of each user (float32), drawn towards `mean` where there are few."""
    sums = ratings.reduce_by_user(ratings.values - np.float32(mean))
    return np.asarray(mean + sums / (ratings.lengths + SHRINKAGE), dtype=np.float32)
