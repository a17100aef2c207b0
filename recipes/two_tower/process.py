"""Splits the prepared ratings into what training, evaluation and serving read; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config, Data
from recipes.two_tower.metrics import relevant_ratings
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from trainyard.contract.holdout import fraction
from trainyard.errors import JobFailed

RATINGS_FILE = "ratings.parquet"
# As written in the first version: another text would choose other users, whom no champion was evaluated on.
SALT = "two_tower scored users"


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """Write the ratings of each role, all in natural ids, and the catalogue; returns their figures.

    * `features/movies.parquet`: see `catalogue.Movies`.
    * `train/ratings.parquet`, `validation/ratings.parquet`: everybody's ratings of that role.
    * `holdout/ratings.parquet`: held-out ratings of at most `max_evaluated_users` users, and
      `holdout/histories.parquet`: what those users rated before, which every model that is evaluated gets to see.
    """
    for name in ("train", "validation", "holdout", "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    movies = _movies(inputs)
    movies.save(outputs / "features")
    roles = {name: _ratings(inputs, name) for name in ("train", "validation", "holdout")}
    evaluated = _evaluated_users(roles["holdout"], config.data)
    held_out = roles["holdout"].of_users(evaluated)
    histories = roles["train"].concat(roles["validation"]).of_users(evaluated)
    for name in ("train", "validation"):
        roles[name].save(outputs / name / RATINGS_FILE)
    held_out.save(outputs / "holdout" / RATINGS_FILE)
    histories.save(outputs / "holdout" / HISTORIES_FILE)
    figures = {f"{name}_ratings": float(len(each)) for name, each in roles.items()}
    return {"movies": float(len(movies)), "evaluated_users": float(len(evaluated)), **figures}


def _ratings(inputs: Path, role: str) -> Ratings:
    table = duckdb.sql(
        f"SELECT user_id, movie_id, rating, timestamp FROM {_table(inputs, 'ratings')} WHERE role = '{role}' "  # noqa: S608 - the only things formatted in are a folder and a fixed word
        "ORDER BY user_id, timestamp, movie_id"
    ).to_arrow_table()
    if table.num_rows == 0:
        raise JobFailed(f"Expected {role} ratings, found none; upload users with at least three ratings each.")
    return Ratings.from_table(table, ("user_id", "movie_id", "rating", "timestamp"))


def _movies(inputs: Path) -> Movies:
    table = duckdb.sql(
        f"SELECT movie_id, title, genres, year FROM {_table(inputs, 'movies')} ORDER BY movie_id"  # noqa: S608
    ).to_arrow_table()
    return Movies.from_table(table)


def _evaluated_users(held_out: Ratings, data: Data) -> np.ndarray:
    """Users, of whom the choice depends on their ids alone, so that every run has the same ones.

    Where relevant ratings are so rare that none of them has any, they are chosen from those who do.
    """
    relevant = relevant_ratings(held_out, data.relevant_rating).users
    chosen = _some_users(held_out.users, data.max_evaluated_users)
    return chosen if np.isin(relevant, chosen).any() else _some_users(relevant, data.max_evaluated_users)


def _some_users(users: np.ndarray, limit: int) -> np.ndarray:
    if len(users) <= limit:
        return users
    order = np.asarray([fraction(int(user), SALT) for user in users])
    return np.asarray(np.sort(users[np.argsort(order, kind="stable")[:limit]]))


def _table(inputs: Path, name: str) -> str:
    return f"read_parquet('{(inputs / name).as_posix().replace(chr(39), chr(39) * 2)}/*.parquet') AS {name}"
