"""What users did before a model was trained, kept with it under their keys; runs wherever a model is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from trainyard.contract.lean.arrow import pa, read_table
from trainyard.contract.values import written_keys

USERS_FILE = "users.parquet"
# The columns of an earlier version, which had the keys of users and movies in its ratings.
EARLIER_COLUMNS = ("user_id", "movie_id", "rating", "timestamp")


@dataclass(frozen=True, kw_only=True)
class Histories:
    """The ratings that users gave before training, on the scale of the data, and the keys of these users as text.

    The users of `ratings` are places in `keys`; its movies are indices of the model's catalogue.
    """

    keys: list[str]
    ratings: Ratings

    @classmethod
    def load(cls, directory: Path, movies: Movies, *, users: int | None = None) -> Histories:
        """Of a model folder whose catalogue is `movies`; with `users`, the ratings of so many at most."""
        if not (directory / USERS_FILE).exists():
            return cls._of_an_earlier_version(read_table(directory / HISTORIES_FILE), movies)
        return cls(keys=read_user_keys(directory), ratings=Ratings.load(directory / HISTORIES_FILE, users=users))

    @classmethod
    def _of_an_earlier_version(cls, table: pa.Table, movies: Movies) -> Histories:
        users, movie_ids = (np.unique(table[name].to_numpy(), return_inverse=True) for name in EARLIER_COLUMNS[:2])
        index = movies.encode(str(each) for each in movie_ids[0].tolist())
        values, times = (table[name].to_numpy() for name in EARLIER_COLUMNS[2:])
        ratings = Ratings.from_columns(users[1], index[movie_ids[1]], values=values, times=times)
        return cls(keys=[str(each) for each in users[0].tolist()], ratings=ratings)

    @property
    def written_keys(self) -> list[int | str]:
        """The keys as answers have them."""
        return written_keys(self.keys)


def read_user_keys(directory: Path) -> list[str]:
    """The keys of users in the order of the index."""
    found: list[str] = read_table(directory / USERS_FILE, columns=["user_id"])["user_id"].to_pylist()
    return found
