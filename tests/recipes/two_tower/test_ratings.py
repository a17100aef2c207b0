"""Ratings as arrays: in any order, by blocks of users, and of some users of a file."""

from __future__ import annotations

import numpy as np

from recipes.two_tower import ratings as module
from recipes.two_tower.movie_statistics import shrunk_user_means
from recipes.two_tower.ratings import Ratings


def _some(rows: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return random.integers(0, 17, rows), random.integers(0, 9, rows), random.integers(1, 6, rows), np.arange(rows)


def test_rows_in_any_order_are_the_same_ratings(tmp_path):
    users, movies, values, times = _some()
    found = Ratings.from_columns(users, movies, values=values, times=times)
    order = np.argsort(users, kind="stable")
    again = Ratings.from_columns(users[order], movies[order], values=values[order], times=times[order])
    for name in ("users", "offsets", "movies", "values", "times"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))
    assert found.users.tolist() == sorted(set(users.tolist()))
    assert found.values.dtype == np.float32
    found.save(tmp_path / "r.parquet")
    few = Ratings.load(tmp_path / "r.parquet", users=5)
    np.testing.assert_array_equal(few.values, found.take(np.flatnonzero(found.users < 5)).values)


def test_sums_by_movie_do_not_depend_on_the_blocks(monkeypatch):
    users, movies, values, times = _some()
    found = Ratings.from_columns(users, movies, values=values, times=times)
    means = shrunk_user_means(found, 3.0)
    expected = np.bincount(found.movies, found.values - means[found.user_rows], minlength=9)
    monkeypatch.setattr(module, "BLOCK_RATINGS", 20)

    def deviations(some: Ratings) -> np.ndarray:
        return some.values - np.repeat(shrunk_user_means(some, 3.0), some.lengths)

    np.testing.assert_allclose(found.sums_by_movie(9, deviations), expected, atol=1e-5)
    np.testing.assert_array_equal(found.sums_by_movie(9), np.bincount(found.movies, minlength=9))
