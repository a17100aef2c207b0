"""Scores every user of a ratings file: the best ten movies; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from recipes.two_tower.catalogue import UNKNOWN
from recipes.two_tower.config import BEST_MOVIE, Config
from recipes.two_tower.histories import Histories
from recipes.two_tower.inference import TOP_K, Recommender
from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR
from recipes.two_tower.ratings import Ratings
from trainyard.contract import chunks
from trainyard.contract.spilling import database

TABLE = "ratings"


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per user of the file."""
    with _database(tables) as opened:
        [[users]] = opened.sql("SELECT count(DISTINCT userId) FROM ratings").fetchall()
    return int(users)


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per user, by user id, from about `score.chunk_rows` ratings at a time.

    A user has rated what the model remembers from its training and what the file says, which has the last word: as if
    the service were asked for the user with the file's new ratings. None of these movies is recommended.
    """
    recommender = Recommender.load(model_dir)
    remembered = Remembered.load(model_dir, recommender)
    names = (pa.array(each, pa.string()) for each in (recommender.movies.ids, recommender.movies.titles))
    movies = pa.StructArray.from_arrays(list(names), names=["movie_id", "title"])
    for group in user_groups(tables, config.score.chunk_rows):
        keys, given, uploaded = uploaded_ratings(group, recommender)
        history = with_uploaded(remembered.of_users(keys), uploaded)
        scored = _score_table(recommender, movies, keys=keys, history=history)
        unknown = {"ratings": given.lengths, "unknown_movies": given.lengths - uploaded.lengths}
        yield pa.table({**dict(zip(scored.column_names, scored.columns, strict=True)), **unknown})


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """Ratings of the users that a model was trained on (encoded), and the row of each user by key."""

    ratings: Ratings
    rows: Mapping[str, int]

    @classmethod
    def load(cls, model_dir: Path, recommender: Recommender) -> Remembered:
        found = Histories.load(model_dir, recommender.movies)
        ratings = found.ratings.encoded(np.arange(len(recommender.movies), dtype=np.int32), recommender.scale)
        return cls(ratings=ratings, rows={found.keys[user]: row for row, user in enumerate(ratings.users.tolist())})

    def of_users(self, keys: Sequence[str]) -> Ratings:
        """One row per key, numbered from 0; empty for those whom the model does not know."""
        rows = np.asarray([self.rows.get(each, UNKNOWN) for each in keys], dtype=np.int64)
        numbered = replace(self.ratings, users=np.arange(len(self.ratings.users)))
        return replace(numbered.of_users(rows), users=np.arange(len(keys)))


def uploaded_ratings(table: pa.Table, recommender: Recommender) -> tuple[list[str], Ratings, Ratings]:
    """The keys of the users in a table of the file, their ratings by the place of the key, and as the model computes.

    Rows without a rating say nothing to a model of ratings; movies that the model does not know are left out.
    """
    users, rows = _coded(table["userId"])
    movie_ids, movies = _coded(table["movieId"])
    values, times = (table[name].to_numpy() for name in ("rating", "seconds"))
    # What is given without a time is as new as the latest that the model knows, as in a request.
    latest = np.rint(recommender.statistics.latest_year * SECONDS_PER_YEAR)
    times = np.where(np.isfinite(times), times, latest)
    given = Ratings.from_columns(rows, movies, values=values, times=times).of_users(np.arange(len(users)))
    if recommender.scale.rated:
        given = given.filter(np.isfinite(given.values))
    return users, given, given.encoded(recommender.movies.encode(movie_ids), recommender.scale)


def _coded(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """The keys in a column as text, in the order in which they come, and the place of each row's key among them."""
    found = column.combine_chunks().dictionary_encode()
    return found.dictionary.cast(pa.string()).to_pylist(), found.indices.to_numpy()


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


def _score_table(recommender: Recommender, movies: pa.Array, *, keys: Sequence[str], history: Ratings) -> pa.Table:
    best = recommender.recommend(history, TOP_K)
    indices = np.concatenate([each for each, _ in best])
    lengths = np.asarray([len(each) for each, _ in best])
    fields = [
        *movies.take(pa.array(indices)).flatten(),
        pa.array(np.concatenate([each for _, each in best]).astype(np.float64)),
        _expected(recommender, history, lengths=lengths, movies=indices),
    ]
    recommended = pa.StructArray.from_arrays(fields, names=["movie_id", "title", "score", "rating"])
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32())
    return pa.table(
        {
            "user_id": pa.array(keys, pa.string()),
            "rated": history.lengths.astype(np.int32),
            "recommended": pa.ListArray.from_arrays(offsets, recommended),
            BEST_MOVIE: pa.array(recommender.movies.first_ids(each for each, _ in best), pa.string()),
        }
    )


def _expected(recommender: Recommender, history: Ratings, *, lengths: np.ndarray, movies: np.ndarray) -> pa.Array:
    """Expected ratings of `lengths` movies of each user, null from a model of interactions."""
    if recommender.rating_towers is None:
        return pa.nulls(len(movies), pa.float64())
    expected = recommender.expected_ratings(history, np.repeat(np.arange(len(lengths)), lengths), movies=movies)
    return pa.array(expected.round(2))


def user_groups(tables: Path, rows: int) -> Iterator[pa.Table]:
    """Whole users, ascending, in groups of about `rows` ratings; a user with more than that comes alone.

    The tables have the columns userId, movieId, rating and seconds (NaN where there is none).
    """
    waiting: list[pa.Table] = []
    with _database(tables) as opened:
        query = (
            "SELECT userId, movieId, coalesce(rating, 'nan'::DOUBLE) AS rating, "
            "coalesce(epoch(timestamp), 'nan'::DOUBLE) AS seconds FROM ratings ORDER BY userId, timestamp, movieId"
        )
        for batch in opened.sql(query).to_arrow_reader(rows):
            waiting.append(pa.Table.from_batches([batch]))
            codes = waiting[-1]["userId"].combine_chunks().dictionary_encode().indices.to_numpy()
            # The last user of a batch may go on in the next one.
            complete = int(np.searchsorted(codes, codes[-1]))
            if complete:
                yield pa.concat_tables([*waiting[:-1], waiting[-1].slice(0, complete)])
                waiting = [waiting[-1].slice(complete)]
            elif len(waiting) > 1 and waiting[0]["userId"][0] != waiting[-1]["userId"][0]:
                yield pa.concat_tables(waiting[:-1])
                waiting = waiting[-1:]
    if waiting:
        yield pa.concat_tables(waiting)


@contextmanager
def _database(tables: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the view `ratings`."""
    files = [path.as_posix() for path in chunks.parts(tables / TABLE)]
    with database() as opened:
        opened.read_parquet(files).create_view("ratings")
        yield opened
