"""Movies and users as numbers, the same for process, train, evaluate, report and serve; numpy only.

Everything about a user comes from a history of rated movies, never from an identity: a user who was not there in
training is described as well as any other, and one without ratings by zeros. Where a training row describes the user
and the movie that it belongs to, its own rating is taken out of both first (leave-one-out); otherwise a model learns
to read the answer from the averages and fails on rows that are not in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.two_tower.ratings import Ratings

MOVIES_FILE = "movies.parquet"
STATISTICS_FILE = "statistics.npz"
NO_GENRE = "(no genres listed)"
# Ratings that an average needs before it counts for half.
SHRINKAGE = 5.0
SECONDS_PER_YEAR = 31_556_952.0
UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Movies:
    """What is known of the movies before anybody rates: ids (int64, ascending), titles, genres and years (0: unknown).

    `genres` is float32 [movies, len(genre_names)], 1.0 where the movie belongs to the genre.
    """

    ids: np.ndarray
    titles: tuple[str, ...]
    genre_names: tuple[str, ...]
    genres: np.ndarray
    years: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def encode(self, movie_ids: np.ndarray) -> np.ndarray:
        """Indices (int64) of natural ids; `UNKNOWN` for a movie that is not in the catalogue."""
        if len(self) == 0:
            return np.full(len(movie_ids), UNKNOWN)
        place = np.minimum(np.searchsorted(self.ids, movie_ids), len(self) - 1)
        return np.where(self.ids[place] == movie_ids, place, UNKNOWN)

    def genres_of(self, index: int) -> tuple[str, ...]:
        """Names of the genres of one movie."""
        return tuple(name for name, mark in zip(self.genre_names, self.genres[index], strict=True) if mark)

    @classmethod
    def of(cls, ids: np.ndarray, titles: Sequence[str], genres: Sequence[str], years: np.ndarray) -> Movies:
        """From columns as MovieLens has them: genres in one text, separated by bars."""
        order = np.argsort(ids)
        listed = [[each for each in genres[row].split("|") if each and each != NO_GENRE] for row in order]
        names = tuple(sorted({each for row in listed for each in row}))
        column = {name: place for place, name in enumerate(names)}
        marks = np.zeros((len(order), len(names)), dtype=np.float32)
        for row, found in enumerate(listed):
            marks[row, [column[each] for each in found]] = 1.0
        return cls(
            ids=np.asarray(ids)[order],
            titles=tuple(titles[row] for row in order),
            genre_names=names,
            genres=marks,
            years=np.asarray(years, dtype=np.float64)[order],
        )

    def save(self, directory: Path) -> None:
        joined = ["|".join(self.genres_of(row)) for row in range(len(self))]
        columns = {"movie_id": self.ids, "title": pa.array(self.titles, pa.string()), "genres": joined}
        pq.write_table(pa.table({**columns, "year": self.years}), directory / MOVIES_FILE)

    @classmethod
    def load(cls, directory: Path) -> Movies:
        table = pq.read_table(directory / MOVIES_FILE)
        titles, genres = (table[name].to_pylist() for name in ("title", "genres"))
        return cls.of(table["movie_id"].to_numpy(), titles, genres, table["year"].to_numpy())


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """What the training ratings say of each movie.

    `mean` is the mean rating of all; `counts` and `deviations` [movies] are the number of a movie's ratings and the sum
    of their deviations from the raters' own (shrunk) means; `factors` [movies, k] places movies by who rated them how;
    `now` is the time of the last rating, in years.
    """

    mean: float
    counts: np.ndarray
    deviations: np.ndarray
    factors: np.ndarray
    now: float

    @cached_property
    def biases(self) -> np.ndarray:
        """By how much each movie is rated above what its raters give on average (float32 [movies])."""
        return np.asarray(self.deviations / (self.counts + SHRINKAGE), dtype=np.float32)

    @classmethod
    def of(cls, ratings: Ratings, movies: int, factors: np.ndarray) -> Statistics:
        """From training ratings whose `movies` are indices below `movies`."""
        mean = float(ratings.values.mean())
        sums = np.add.reduceat(ratings.values - mean, ratings.offsets[:-1])
        own_mean = mean + sums / (np.diff(ratings.offsets) + SHRINKAGE)
        deviation = ratings.values - own_mean[ratings.row_of_value]
        return cls(
            mean=mean,
            counts=np.bincount(ratings.movies, minlength=movies).astype(np.float32),
            deviations=np.bincount(ratings.movies, deviation, minlength=movies).astype(np.float32),
            factors=factors.astype(np.float32),
            now=float(ratings.times.max() / SECONDS_PER_YEAR),
        )

    def save(self, directory: Path) -> None:
        numbers = {"mean": np.float64(self.mean), "now": np.float64(self.now)}
        arrays = {"counts": self.counts, "deviations": self.deviations, "factors": self.factors}
        np.savez(directory / STATISTICS_FILE, allow_pickle=False, **numbers, **arrays)

    @classmethod
    def load(cls, directory: Path) -> Statistics:
        with np.load(directory / STATISTICS_FILE) as saved:
            arrays = {name: saved[name] for name in ("counts", "deviations", "factors")}
            return cls(mean=float(saved["mean"]), now=float(saved["now"]), **arrays)


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

    def movie_inputs(self, movies: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """What the movie tower reads (float32 [movies, n]); `own` as in `movie_biases`."""
        counts = self.statistics.counts[movies] - (0.0 if own is None else 1.0)
        head = [self.movie_biases(movies, own), np.log1p(counts), self._years[movies], *self.movies.genres[movies].T]
        return np.concatenate([np.stack(head, axis=1), self.statistics.factors[movies]], axis=1).astype(np.float32)
