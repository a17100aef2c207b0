"""Features of movies and users, the same for process, train, evaluate, report and serve; numpy only.

Everything about a user comes from a history of rated movies, never from an identity: a user who was not there in
training is described as well as any other, and one without ratings by zeros. Where a training row describes the user
and the movie that it belongs to, its own rating is taken out of both first (leave-one-out); otherwise a model learns
to read the answer from the averages and fails on rows that are not in them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR, SHRINKAGE, MovieStatistics
from recipes.two_tower.ratings import Ratings

# Ratings whose profiles are made at a time.
BLOCK_RATINGS = 200_000


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Sums over the ratings of some users, from which a single rating can be taken out again.

    With `c` the content of a movie (see `Featurizer.contents`): `content_sums` adds up `c`, `residual_sums` adds up `c`
    times the rating's deviation from mean and movie bias, `factor_sums` the factors times the interest that the rating
    shows. `last_years`: the time of the last rating in years since 1970.
    """

    content_sums: np.ndarray
    residual_sums: np.ndarray
    factor_sums: np.ndarray
    last_years: np.ndarray

    def take(self, rows: np.ndarray) -> Profiles:
        """The profiles of these rows, in this order."""
        return Profiles(**{each.name: getattr(self, each.name)[rows] for each in fields(Profiles)})


@dataclass(frozen=True, kw_only=True)
class Featurizer:
    """Turns profiles and movies into the features that the two towers read."""

    movies: Movies
    statistics: MovieStatistics

    @cached_property
    def _decades(self) -> np.ndarray:
        """Years in decades around the catalogue's mean; an unknown year is average."""
        known = self.movies.years > 0
        centre = float(self.movies.years[known].mean()) if known.any() else 0.0
        return np.asarray(np.where(known, (self.movies.years - centre) / 10.0, 0.0), dtype=np.float32)

    @cached_property
    def contents(self) -> np.ndarray:
        """What a profile adds up of a movie: one, genres, year, popularity, factors (float32 [movies, n])."""
        popularity = np.log1p(self.statistics.counts)
        head = [np.ones(len(self.movies)), *self.movies.genres.T, self._decades, popularity]
        return np.concatenate([np.stack(head, axis=1), self.statistics.factors], axis=1).astype(np.float32)

    @property
    def _first_factor(self) -> int:
        """The column of `contents` where the factors begin."""
        return 3 + len(self.movies.genre_names)

    def profiles(self, ratings: Ratings) -> Profiles:
        """One profile per user of `ratings`, whose `movies` are indices; zeros for a user without any."""
        # Blocks of users, or the contents of all ratings would take more memory than anything else.
        parts = [self._profiles(each) for each in ratings.blocks(BLOCK_RATINGS)]
        return Profiles(
            **{each.name: np.concatenate([getattr(p, each.name) for p in parts]) for each in fields(Profiles)}
        )

    def _profiles(self, ratings: Ratings) -> Profiles:
        contents = self.contents[ratings.movies]
        residuals = self._residuals(ratings.movies, ratings.values)
        weights = self.statistics.interest.of_ratings(ratings)[:, None]
        last_years = ratings.reduce_by_user(ratings.times, np.maximum) / SECONDS_PER_YEAR
        return Profiles(
            content_sums=ratings.reduce_by_user(contents),
            residual_sums=ratings.reduce_by_user(contents * residuals),
            factor_sums=ratings.reduce_by_user(contents[:, self._first_factor :] * weights),
            last_years=np.where(ratings.lengths > 0, last_years, self.statistics.latest_year),
        )

    def leave_one_out(self, profiles: Profiles, movies: np.ndarray, *, values: np.ndarray) -> Profiles:
        """Profile by profile, the same without the rating `values` of the movie `movies`.

        Factors stay: who reads these is no rating tower.
        """
        contents = self.contents[movies]
        return Profiles(
            content_sums=profiles.content_sums - contents,
            residual_sums=profiles.residual_sums - contents * self._residuals(movies, values),
            factor_sums=profiles.factor_sums,
            last_years=profiles.last_years,
        )

    def _residuals(self, movies: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Deviations of ratings from mean and movie bias (float32 [ratings, 1])."""
        return np.asarray(values - self.statistics.mean - self.statistics.biases[movies], dtype=np.float32)[:, None]

    def user_biases(self, profiles: Profiles) -> np.ndarray:
        """By how much each user rates above what the same movies get from others (float32)."""
        return np.asarray(profiles.residual_sums[:, 0] / (profiles.content_sums[:, 0] + SHRINKAGE))

    def movie_biases(self, movies: np.ndarray, left_out: np.ndarray | None = None) -> np.ndarray:
        """The biases of movies; with `left_out`, each without one rating that deviates so from its user's mean."""
        counts, sums = self.statistics.counts[movies], self.statistics.deviation_sums[movies]
        if left_out is None:
            return np.asarray(sums / (counts + SHRINKAGE))
        return np.asarray((sums - left_out) / (counts - 1.0 + SHRINKAGE), dtype=np.float32)

    def user_features(self, profiles: Profiles) -> np.ndarray:
        """What the user tower reads (float32 [users, n]): tastes and habits, shrunk towards the average user."""
        count, known = profiles.content_sums[:, :1], slice(1, self._first_factor)
        bias = self.user_biases(profiles)[:, None]
        # Averages above the user's own bias: what is liked more than usual.
        tastes = (profiles.residual_sums - bias * profiles.content_sums)[:, 1:]
        habits = profiles.content_sums[:, known]
        root = np.sqrt(count + SHRINKAGE)
        genres = len(self.movies.genre_names)
        return np.concatenate(
            [
                bias,
                np.log1p(count),
                tastes[:, :genres] / (habits[:, :genres] + SHRINKAGE),
                tastes[:, genres : genres + 2] / (count + SHRINKAGE),
                habits / (count + SHRINKAGE),
                tastes[:, genres + 2 :] / root,
                profiles.factor_sums / root,
                (profiles.last_years - self.statistics.latest_year)[:, None] * (count > 0),
            ],
            axis=1,
        ).astype(np.float32)

    def user_base_vectors(self, profiles: Profiles) -> np.ndarray:
        """What the user tower corrects in retrieval (float32 [users, k]).

        The dot product with `MovieStatistics.base_vectors` is EASE cut to k factors. Somebody with few ratings is
        mixed with the average user, and so gets what most people like.
        """
        prior = SHRINKAGE / (profiles.content_sums[:, :1] + SHRINKAGE) * self.statistics.prior
        return np.asarray(profiles.factor_sums + prior, dtype=np.float32)

    def movie_features(self, movies: np.ndarray, left_out: np.ndarray | None = None) -> np.ndarray:
        """What the movie tower reads (float32 [movies, n]); `left_out` as in `movie_biases`."""
        counts = self.statistics.counts[movies] - (0.0 if left_out is None else 1.0)
        biases = self.movie_biases(movies, left_out)
        head = [biases, np.log1p(counts), self._decades[movies], *self.movies.genres[movies].T]
        return np.concatenate([np.stack(head, axis=1), self.statistics.factors[movies]], axis=1).astype(np.float32)
