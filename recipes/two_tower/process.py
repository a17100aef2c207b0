"""Splits the prepared ratings into what training, evaluation and serving read; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.genres import listed
from recipes.two_tower.histories import USERS_FILE, read_user_keys
from recipes.two_tower.metrics import relevant_ratings
from recipes.two_tower.ratings import HISTORIES_FILE, RATINGS_FILE, Ratings
from recipes.two_tower.scale import Scale
from trainyard.contract.holdout import fraction
from trainyard.contract.spilling import database
from trainyard.errors import JobFailed

SALT = "two_tower scored users"


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """Write the ratings of each role, by indices of users and movies, and what these are; returns their figures.

    * `features/movies.parquet`, `users.parquet`, `scale.json`: see `catalogue.Movies`, `Histories` and `Scale`.
    * `train/ratings.parquet`, `validation/ratings.parquet`: everybody's ratings of that role.
    * `holdout/ratings.parquet`: held-out ratings of at most `max_evaluated_users` users, and
      `holdout/histories.parquet`: what those users rated before, which every model that is evaluated gets to see.
      `movies.parquet` and `scale.json` lie there too: another model has other indices, and maybe another scale.
    """
    for name in ("train", "validation", "holdout", "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    movies, scale = _movies(inputs), _scale(inputs)
    for name in ("features", "holdout"):
        movies.save(outputs / name)
        scale.save(outputs / name)
    pq.write_table(_users(inputs), outputs / "features" / USERS_FILE)
    roles = {name: _ratings(inputs, name) for name in ("train", "validation", "holdout")}
    limit = config.data.max_evaluated_users
    evaluated = _evaluated_users(roles["holdout"], scale, keys=outputs / "features", limit=limit)
    held_out = roles["holdout"].of_users(evaluated)
    earlier, later = (roles[name].of_users(evaluated) for name in ("train", "validation"))
    histories = earlier.concat(later).of_users(evaluated)
    for name in ("train", "validation"):
        roles[name].save(outputs / name / RATINGS_FILE)
    held_out.save(outputs / "holdout" / RATINGS_FILE)
    histories.save(outputs / "holdout" / HISTORIES_FILE)
    figures = {f"{name}_ratings": float(len(each)) for name, each in roles.items()}
    return {"movies": float(len(movies)), "evaluated_users": float(len(evaluated)), **figures}


def _ratings(inputs: Path, role: str) -> Ratings:
    # As small as they are kept: of many millions, half of the memory.
    columns = '"user"::INTEGER AS "user", movie::INTEGER AS movie, rating::FLOAT AS rating, timestamp'
    table = _query(
        f"SELECT {columns} FROM {_table(inputs, 'ratings')} WHERE role = '{role}' "  # noqa: S608 - the only things formatted in are a folder and fixed words
        'ORDER BY "user", timestamp, movie'
    )
    if table.num_rows == 0:
        raise JobFailed(f"Expected {role} ratings, found none; upload users with at least three ratings each.")
    return Ratings.from_table(table)


def _movies(inputs: Path) -> Movies:
    table = _query(f"SELECT movie_id, title, genres, year FROM {_table(inputs, 'movies')} ORDER BY movie")  # noqa: S608
    ids, titles, genres = (table[name].to_pylist() for name in ("movie_id", "title", "genres"))
    return Movies.from_columns(ids, titles, genres=[listed(each) for each in genres], years=table["year"].to_numpy())


def _users(inputs: Path) -> pa.Table:
    return _query(f'SELECT user_id FROM {_table(inputs, "users")} ORDER BY "user"')  # noqa: S608


def _scale(inputs: Path) -> Scale:
    columns = "rated, lowest::DOUBLE AS lowest, highest::DOUBLE AS highest, relevant::DOUBLE AS relevant"
    [row] = _query(f"SELECT {columns} FROM {_table(inputs, 'scale')}").to_pylist()  # noqa: S608
    return Scale.of_ratings(**row) if row.pop("rated") else Scale.of_interactions()


def _evaluated_users(held_out: Ratings, scale: Scale, *, keys: Path, limit: int) -> np.ndarray:
    """Users, of whom the choice depends on their keys alone, so that every run has the same ones.

    Where relevant ratings are so rare that none of them has any, they are chosen from those who do.
    """
    relevant = relevant_ratings(held_out, scale).users
    chosen = _some_users(held_out.users, limit, keys=keys)
    return chosen if np.isin(relevant, chosen).any() else _some_users(relevant, limit, keys=keys)


def _some_users(users: np.ndarray, limit: int, *, keys: Path) -> np.ndarray:
    if len(users) <= limit:
        return users
    texts = read_user_keys(keys)
    order = np.asarray([fraction(texts[user], SALT) for user in users.tolist()])
    return np.asarray(np.sort(users[np.argsort(order, kind="stable")[:limit]]))


def _query(text: str) -> pa.Table:
    with database() as opened:
        return opened.sql(text).to_arrow_table()


def _table(inputs: Path, name: str) -> str:
    return f"read_parquet('{(inputs / name).as_posix().replace(chr(39), chr(39) * 2)}/*.parquet') AS {name}"
