"""What the training ratings say of each movie, saved with every model; for train, evaluate, report and serve."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recipes.two_tower.factors import Factors
from recipes.two_tower.ratings import Ratings

STATISTICS_FILE = "statistics.npz"
# Ratings that an average needs before it counts for half.
SHRINKAGE = 5.0
SECONDS_PER_YEAR = 31_556_952.0


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """What the training ratings say of each movie.

    `mean`, `worst` and `best`: of all ratings; `now`: the time of the last one, in years. `counts` and `deviations`
    [movies]: the number of a movie's ratings, and the sum of their deviations from the raters' own (shrunk) means.
    `factors` [movies, k] place movies by who rated them how. `starts` [movies, k] are the vectors that retrieval starts
    from, and `prior` [k] is the sum of factors times rating of an average user.
    """

    mean: float
    worst: float
    best: float
    now: float
    counts: np.ndarray
    deviations: np.ndarray
    factors: np.ndarray
    starts: np.ndarray
    prior: np.ndarray

    @cached_property
    def biases(self) -> np.ndarray:
        """By how much each movie is rated above what its raters give on average (float32 [movies])."""
        return np.asarray(self.deviations / (self.counts + SHRINKAGE), dtype=np.float32)

    def without_factors(self) -> Statistics:
        """What the rating towers read: factors know who rated a movie, which is true of every training row only."""
        none = np.empty((len(self.counts), 0), dtype=np.float32)
        return replace(self, factors=none, starts=none, prior=none[0])

    @classmethod
    def of(cls, ratings: Ratings, movies: int, *, factors: Factors, size: int, temperature: float) -> Statistics:
        """From training ratings of movie indices below `movies` and the factors that `movie_factors` gives for them."""
        mean, best = float(ratings.values.mean()), float(ratings.values.max())
        deviation = ratings.values - shrunk_means(ratings, mean)[ratings.row_of_value]
        first, starts = (_columns(each, size) for each in (factors.values, factors.weights / (best * temperature)))
        return cls(
            mean=mean,
            worst=float(ratings.values.min()),
            best=best,
            now=float(ratings.times.max() / SECONDS_PER_YEAR),
            counts=np.bincount(ratings.movies, minlength=movies).astype(np.float32),
            deviations=np.bincount(ratings.movies, deviation, minlength=movies).astype(np.float32),
            factors=first,
            starts=starts,
            prior=np.bincount(ratings.movies, ratings.values, minlength=movies) @ first / len(ratings.users),
        )

    def save(self, directory: Path) -> None:
        arrays = {each.name: np.asarray(getattr(self, each.name)) for each in fields(self)}
        np.savez(directory / STATISTICS_FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, directory: Path) -> Statistics:
        with np.load(directory / STATISTICS_FILE) as saved:
            found: dict[str, Any] = {name: saved[name] for name in saved.files}
        for name in ("mean", "worst", "best", "now"):
            found[name] = float(found[name])
        return cls(**found)


def _columns(matrix: np.ndarray, size: int) -> np.ndarray:
    """The first `size` columns (float32); zeros where there are not so many."""
    found = np.zeros((len(matrix), size), dtype=np.float32)
    found[:, : matrix.shape[1]] = matrix[:, :size]
    return found


def shrunk_means(ratings: Ratings, mean: float) -> np.ndarray:
    """The mean rating of each user (float32), drawn towards `mean` where there are few."""
    sums = ratings.sums(ratings.values - np.float32(mean))
    return np.asarray(mean + sums / (ratings.lengths + SHRINKAGE), dtype=np.float32)
