"""Ratings grouped by user, as arrays and as Parquet files; for every stage after prepare, numpy only.

Users and movies are indices: of the tables that prepare made, or of a model's own catalogue after `encoded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recipes.two_tower.scale import Scale
from trainyard.contract.lean.arrow import numbers, pa, read_table

COLUMNS = ("user", "movie", "rating", "timestamp")
RATINGS_FILE = "ratings.parquet"
# The ratings of the users that a model was trained on, kept with the model.
HISTORIES_FILE = "histories.parquet"
# Ratings of whole users that are looked at together.
BLOCK_RATINGS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """The ratings of user `users[i]` are the rows `offsets[i] : offsets[i + 1]` of the other arrays; users ascend.

    `values` are on the scale of the data, or as models compute on them after `encoded`; `times` seconds since 1970.
    """

    users: np.ndarray
    offsets: np.ndarray
    movies: np.ndarray
    values: np.ndarray
    times: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def lengths(self) -> np.ndarray:
        """The number of ratings of each user."""
        return np.diff(self.offsets)

    @cached_property
    def user_rows(self) -> np.ndarray:
        """For every rating, the index of its user in `users`."""
        return np.repeat(np.arange(len(self.users)), self.lengths)

    def reduce_by_user(self, values: np.ndarray, ufunc: np.ufunc = np.add) -> np.ndarray:
        """Sum (or another reduction) of `values` [ratings, ...] by user [users, ...]; zeros where there are none."""
        found = np.zeros((len(self.users), *values.shape[1:]), dtype=values.dtype)
        filled = np.flatnonzero(self.lengths)
        if len(filled):
            # Offsets of users with ratings only: `reduceat` would give the others their neighbour's first value.
            found[filled] = ufunc.reduceat(values, self.offsets[filled], axis=0)
        return found

    def sums_by_movie(self, movies: int, weights: Callable[[Ratings], np.ndarray] | None = None) -> np.ndarray:
        """How many ratings each movie has, or the sum of their `weights` (float64 [movies]).

        `weights` gives those of some users' ratings at a time: of all, they and what they come from would be several
        times the ratings.
        """
        found = np.zeros(movies)
        for block in self.blocks(BLOCK_RATINGS):
            found += np.bincount(block.movies, weights(block) if weights else None, minlength=movies)
        return found

    def blocks(self, size: int) -> Iterator[Ratings]:
        """All users in order, some at a time: about `size` ratings, or one user with more."""
        starts = np.searchsorted(self.offsets, np.arange(0, len(self), size))
        for first, end in pairwise(np.unique([*starts, 0, len(self.users)])):
            yield self.take(np.arange(first, end))

    def filter(self, mask: np.ndarray) -> Ratings:
        """The same users with only the ratings where `mask` is true; a user may be left without any."""
        if mask.all():
            return self
        running = np.concatenate(([0], np.cumsum(mask)))
        fields = {name: getattr(self, name)[mask] for name in ("movies", "values", "times")}
        return replace(self, offsets=running[self.offsets], **fields)

    def take(self, rows: np.ndarray) -> Ratings:
        """The users at these indices, in this order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        source = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        fields = {name: getattr(self, name)[source] for name in ("movies", "values", "times")}
        return replace(self, users=self.users[rows], offsets=offsets, **fields)

    def encoded(self, index: np.ndarray, scale: Scale) -> Ratings:
        """As a model computes on them: `index` [movies] gives its own index of each movie, negative where it has none.

        Ratings of movies without an index are left out.
        """
        known = replace(self, values=scale.normalised(self.values))
        if np.array_equal(index, np.arange(len(index))):
            return known
        movies = index[self.movies]
        return replace(known, movies=movies).filter(movies >= 0)

    def of_users(self, users: np.ndarray) -> Ratings:
        """One row per entry of `users`; those that rated nothing get an empty row."""
        if len(self.users) == 0:
            return replace(self, users=users, offsets=np.zeros(len(users) + 1, dtype=np.int64))
        row = np.minimum(np.searchsorted(self.users, users), len(self.users) - 1)
        taken = self.take(row)
        return replace(taken, users=users).filter((self.users[row] == users)[taken.user_rows])

    @classmethod
    def from_table(cls, table: pa.Table, names: Sequence[str] = COLUMNS) -> Ratings:
        """From the columns of a table that hold user, movie, rating and time, in this order."""
        users, movies, values, times = (numbers(table[name]) for name in names)
        return cls.from_columns(users, movies, values=values, times=times)

    @classmethod
    def from_columns(cls, users: np.ndarray, movies: np.ndarray, *, values: np.ndarray, times: np.ndarray) -> Ratings:
        """From columns in any order; the ratings of a user keep their order."""
        columns = {"movies": np.asarray(movies)}
        columns |= {"values": np.asarray(values, dtype=np.float32), "times": np.asarray(times, dtype=np.float64)}
        if np.any(users[1:] < users[:-1]):
            order = np.argsort(users, kind="stable")
            users, columns = users[order], {name: column[order] for name, column in columns.items()}
        first = (
            np.flatnonzero(np.concatenate(([True], users[1:] != users[:-1]))) if len(users) else np.empty(0, np.int64)
        )
        return cls(
            users=users[first].astype(np.int64), offsets=np.append(first, len(users)).astype(np.int64), **columns
        )

    def concat(self, other: Ratings) -> Ratings:
        """The ratings of both."""
        users = np.concatenate([np.repeat(each.users, each.lengths) for each in (self, other)])
        columns = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in ("movies", "values", "times")}
        return Ratings.from_columns(users, **columns)

    def save(self, path: Path) -> None:
        columns = {"user": np.repeat(self.users.astype(np.int32), self.lengths), "movie": self.movies.astype(np.int32)}
        times = self.times.astype(np.int64)
        pq.write_table(pa.table({**columns, "rating": self.values, "timestamp": times}), path)

    @classmethod
    def load(cls, path: Path, *, users: int | None = None) -> Ratings:
        """What `save` wrote; of users below `users`, of whose ratings no others are read."""
        return cls.from_table(
            read_table(path) if users is None else pq.read_table(path, filters=[("user", "<", users)])
        )
