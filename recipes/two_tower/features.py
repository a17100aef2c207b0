"""Movies and users as numbers, the same for process, train, evaluate, report and serve; numpy only.

Everything about a user comes from a history of rated movies, never from an identity: a user who was not there in
training is described as well as any other, and one without ratings by zeros. Where a training row describes the user
and the movie that it belongs to, its own rating is taken out of both first (leave-one-out); otherwise a model learns
to read the answer from the averages and fails on rows that are not in them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR, SHRINKAGE, Statistics
from recipes.two_tower.ratings import Ratings

# Described at a time.
BLOCK_RATINGS = 200_000


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Sums over the ratings of some users, from which a single rating can be taken out again.

    With `c` what describes a movie (see `Describer.contents`): `plain` is the sum of `c`, `tilted` of `c` times the
    rating's deviation from mean and movie bias, `liked` of the factors times the rating. `last`: time in years.
    """

    plain: np.ndarray
    tilted: np.ndarray
    liked: np.ndarray
    last: np.ndarray

    def take(self, rows: np.ndarray) -> Profiles:
        """The profiles of these rows, in this order."""
        return Profiles(plain=self.plain[rows], tilted=self.tilted[rows], liked=self.liked[rows], last=self.last[rows])


@dataclass(frozen=True, kw_only=True)
class Describer:
    """Turns profiles and movies into the numbers that the two towers read."""

    movies: Movies
    statistics: Statistics

    @cached_property
    def _years(self) -> np.ndarray:
        """Years in decades around the catalogue's mean; an unknown year is average."""
        known = self.movies.years > 0
        centre = float(self.movies.years[known].mean()) if known.any() else 0.0
        return np.asarray(np.where(known, (self.movies.years - centre) / 10.0, 0.0), dtype=np.float32)

    @cached_property
    def contents(self) -> np.ndarray:
        """What a profile sums up of a movie: one, genres, year, popularity, factors (float32 [movies, n])."""
        popularity = np.log1p(self.statistics.counts)
        head = [np.ones(len(self.movies)), *self.movies.genres.T, self._years, popularity]
        return np.concatenate([np.stack(head, axis=1), self.statistics.factors], axis=1).astype(np.float32)

    @property
    def _facts(self) -> int:
        """Columns of `contents` before the factors."""
        return 3 + len(self.movies.genre_names)

    def profiles(self, ratings: Ratings) -> Profiles:
        """One profile per user of `ratings`, whose `movies` are indices; zeros for a user without any."""
        # Blocks of users, or the contents of all ratings would take more memory than anything else.
        starts = np.searchsorted(ratings.offsets, np.arange(0, len(ratings), BLOCK_RATINGS))
        bounds = np.unique([*starts, 0, len(ratings.users)])
        parts = [self._profiles(ratings.take(np.arange(a, b))) for a, b in pairwise(bounds)]
        return Profiles(
            **{each.name: np.concatenate([getattr(p, each.name) for p in parts]) for each in fields(Profiles)}
        )

    def _profiles(self, ratings: Ratings) -> Profiles:
        contents = self.contents[ratings.movies]
        tilt, value = self._tilt(ratings.movies, ratings.values), ratings.values[:, None].astype(np.float32)
        last = ratings.sums(ratings.times, np.maximum) / SECONDS_PER_YEAR
        return Profiles(
            plain=ratings.sums(contents),
            tilted=ratings.sums(contents * tilt),
            liked=ratings.sums(contents[:, self._facts :] * value),
            last=np.where(ratings.lengths > 0, last, self.statistics.now),
        )

    def without(self, profiles: Profiles, movies: np.ndarray, values: np.ndarray) -> Profiles:
        """Profile by profile, the same without the rating `values` of the movie `movies`."""
        contents = self.contents[movies]
        return Profiles(
            plain=profiles.plain - contents,
            tilted=profiles.tilted - contents * self._tilt(movies, values),
            liked=profiles.liked - contents[:, self._facts :] * values[:, None].astype(np.float32),
            last=profiles.last,
        )

    def _tilt(self, movies: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.asarray(values - self.statistics.mean - self.statistics.biases[movies], dtype=np.float32)[:, None]

    def user_biases(self, profiles: Profiles) -> np.ndarray:
        """By how much each user rates above what the same movies get from others (float32)."""
        return np.asarray(profiles.tilted[:, 0] / (profiles.plain[:, 0] + SHRINKAGE))

    def movie_biases(self, movies: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """The biases of movies; with `own`, each without one rating that deviates so from its user's mean."""
        counts, sums = self.statistics.counts[movies], self.statistics.deviations[movies]
        if own is None:
            return np.asarray(sums / (counts + SHRINKAGE))
        return np.asarray((sums - own) / (counts - 1.0 + SHRINKAGE), dtype=np.float32)

    def user_inputs(self, profiles: Profiles) -> np.ndarray:
        """What the user tower reads (float32 [users, n]): tastes and habits, shrunk towards the average user."""
        count, facts = profiles.plain[:, :1], slice(1, self._facts)
        bias = self.user_biases(profiles)[:, None]
        # Averages above the user's own bias: what is liked more than usual.
        tastes = (profiles.tilted - bias * profiles.plain)[:, 1:]
        seen = profiles.plain[:, facts]
        root = np.sqrt(count + SHRINKAGE)
        number = len(self.movies.genre_names)
        return np.concatenate(
            [
                bias,
                np.log1p(count),
                tastes[:, :number] / (seen[:, :number] + SHRINKAGE),
                tastes[:, number : number + 2] / (count + SHRINKAGE),
                seen / (count + SHRINKAGE),
                tastes[:, number + 2 :] / root,
                profiles.liked / root,
                (profiles.last - self.statistics.now)[:, None] * (count > 0),
            ],
            axis=1,
        ).astype(np.float32)

    def user_starts(self, profiles: Profiles) -> np.ndarray:
        """Where retrieval starts from (float32 [users, k]): with `Statistics.starts`, EASE cut to k factors.

        Somebody with few ratings is mixed with the average user, and so gets what most people like.
        """
        prior = SHRINKAGE / (profiles.plain[:, :1] + SHRINKAGE) * self.statistics.prior
        return np.asarray(profiles.liked + prior, dtype=np.float32)

    def movie_inputs(self, movies: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """What the movie tower reads (float32 [movies, n]); `own` as in `movie_biases`."""
        counts = self.statistics.counts[movies] - (0.0 if own is None else 1.0)
        head = [self.movie_biases(movies, own), np.log1p(counts), self._years[movies], *self.movies.genres[movies].T]
        return np.concatenate([np.stack(head, axis=1), self.statistics.factors[movies]], axis=1).astype(np.float32)
