"""Scores every user of a ratings file: the best ten movies; runs in the training image, no TensorFlow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from recipes.two_tower.config import Config
from recipes.two_tower.inference import TOP_K, Recommender
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from trainyard.contract import chunks

TABLE = "ratings"
# Beyond this DuckDB sorts on disk: the file's ratings come in any order, and a user's have to come together.
SORTING_MEMORY = "32MB"


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per user of the file."""
    with _database(tables) as database:
        [[users]] = database.sql("SELECT count(DISTINCT userId) FROM ratings").fetchall()
    return int(users)


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per user, by user id, from about `score.chunk_rows` ratings at a time.

    A user has rated what the model remembers from its training and what the file says, which has the last word: as if
    the service were asked for the user with the file's new ratings. None of these movies is recommended.
    """
    recommender = Recommender.load(model_dir)
    histories = Ratings.load(model_dir / HISTORIES_FILE)
    titles = pa.array(recommender.movies.titles, pa.string())
    for uploaded in user_groups(tables, config.score.chunk_rows):
        natural = with_uploaded(histories.of_users(uploaded.users), uploaded)
        history = natural.encoded(recommender.movies.encode(natural.movies))
        yield _score_table(recommender, titles, history=history)


def with_uploaded(known: Ratings, uploaded: Ratings) -> Ratings:
    """Known ratings of the users in `uploaded`, with what is new in `uploaded`; it replaces ratings that differ."""
    movies = np.unique(np.concatenate([known.movies, uploaded.movies]))
    old, new = (each.user_rows * len(movies) + np.searchsorted(movies, each.movies) for each in (known, uploaded))
    order = np.argsort(old)
    index = np.minimum(np.searchsorted(old[order], new), max(len(old) - 1, 0))
    same = np.zeros(len(new), dtype=bool)
    if len(old):
        same = (old[order][index] == new) & (known.values[order][index] == uploaded.values)
    fresh = uploaded.filter(~same)
    return known.filter(~np.isin(old, new[~same])).concat(fresh).of_users(uploaded.users)


def _score_table(recommender: Recommender, titles: pa.Array, *, history: Ratings) -> pa.Table:
    best = recommender.recommend(history, TOP_K)
    indices = np.concatenate([each for each, _ in best])
    lengths = np.asarray([len(each) for each, _ in best])
    expected = recommender.expected_ratings(history, np.repeat(np.arange(len(best)), lengths), movies=indices)
    movies = pa.StructArray.from_arrays(
        [
            pa.array(recommender.movies.ids[indices], pa.int64()),
            titles.take(pa.array(indices)),
            pa.array(np.concatenate([each for _, each in best]).astype(np.float64)),
            pa.array(expected.astype(np.float64).round(2)),
        ],
        names=["movie_id", "title", "score", "rating"],
    )
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32())
    return pa.table(
        {
            "user_id": history.users,
            "rated": history.lengths.astype(np.int32),
            "recommended": pa.ListArray.from_arrays(offsets, movies),
        }
    )


def user_groups(tables: Path, rows: int) -> Iterator[Ratings]:
    """Whole users, ascending, in groups of about `rows` ratings; a user with more than that comes alone."""
    waiting: list[pa.Table] = []
    with _database(tables) as database:
        query = "SELECT userId, movieId, rating, timestamp FROM ratings ORDER BY userId, timestamp, movieId"
        for batch in database.sql(query).to_arrow_reader(rows):
            waiting.append(pa.Table.from_batches([batch]))
            users = waiting[-1]["userId"].to_numpy()
            # The last user of a batch may go on in the next one.
            complete = int(np.searchsorted(users, users[-1]))
            if complete:
                yield _ratings([*waiting[:-1], waiting[-1].slice(0, complete)])
                waiting = [waiting[-1].slice(complete)]
            elif len(waiting) > 1 and waiting[0]["userId"][0].as_py() != users[0]:
                yield _ratings(waiting[:-1])
                waiting = waiting[-1:]
    if waiting:
        yield _ratings(waiting)


def _ratings(tables: list[pa.Table]) -> Ratings:
    return Ratings.from_table(pa.concat_tables(tables), ("userId", "movieId", "rating", "timestamp"))


@contextmanager
def _database(tables: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the view `ratings`, which spills to a folder of its own that goes away with it."""
    files = [path.as_posix() for path in chunks.parts(tables / TABLE)]
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "memory_limit": SORTING_MEMORY,
            "temp_directory": folder,
            "preserve_insertion_order": False,
            "threads": 1,
        }
        with duckdb.connect(config=settings) as database:
            database.read_parquet(files).create_view("ratings")
            yield database
