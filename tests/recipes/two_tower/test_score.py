"""Bulk scoring of users: whose ratings come together, and which ratings count."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.two_tower import score
from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import CONFIG
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import Scale


def ratings(rows):
    """From (user, movie, rating, time) rows."""
    users, movies, values, times = (np.asarray(each) for each in zip(*rows, strict=True))
    return Ratings.from_columns(users, movies, values=values, times=times)


def listed(found, user):
    row = found.users.tolist().index(user)
    inside = slice(found.offsets[row], found.offsets[row + 1])
    return list(zip(found.movies[inside].tolist(), found.values[inside].tolist(), strict=True))


def test_new_and_changed_ratings_take_the_place_of_known_ones():
    known = ratings([(1, 10, 3.0, 5), (1, 20, 4.0, 6), (3, 10, 2.0, 1)])
    given = ratings([(1, 20, 1.0, 9), (1, 30, 5.0, 8), (2, 10, 4.5, 2), (3, 10, 2.0, 7)])
    found = score.with_uploaded(known.of_users(given.users), given)
    assert found.users.tolist() == [1, 2, 3]
    assert sorted(listed(found, 1)) == [(10, 3.0), (20, 1.0), (30, 5.0)]
    assert listed(found, 2) == [(10, 4.5)]
    assert listed(found, 3) == [(10, 2.0)]
    # What the model knew already keeps the time that it knew, and its position.
    assert found.times[found.offsets[2]] == 1


def test_strangers_have_only_what_the_file_says():
    none = np.asarray([])
    nobody = Ratings.from_columns(none, none, values=none, times=none).of_users(np.asarray([5, 6]))
    given = ratings([(5, 1, 4.0, 1), (6, 2, 3.0, 1)])
    assert listed(score.with_uploaded(nobody, given), 6) == [(2, 3.0)]


@pytest.mark.parametrize("of", [int, lambda each: f"user {each}"], ids=["numbers", "texts"])
@pytest.mark.parametrize("rows", [1, 3, 7, 1000])
def test_users_are_never_cut_in_two_and_none_is_lost(tmp_path, rows, of):
    generator = np.random.default_rng(0)
    users = np.concatenate([np.full(n, user) for user, n in ((4, 1), (9, 40), (2, 3), (7, 1), (8, 1), (1, 12))])
    order = generator.permutation(len(users))
    table = {"userId": np.asarray([of(each) for each in users[order]]), "movieId": np.arange(len(users))[order]}
    table["timestamp"] = order.astype("datetime64[s]")
    (tmp_path / "ratings").mkdir()
    half = len(users) // 2
    for part, rows_of in enumerate((slice(0, half), slice(half, None))):
        columns = {name: each[rows_of] for name, each in table.items()}
        file = tmp_path / "ratings" / f"part-{part:05d}.parquet"
        pq.write_table(pa.table({**columns, "rating": np.full(len(columns["userId"]), 3.5)}), file)
    groups = [each["userId"].to_pylist() for each in score.user_groups(tmp_path, rows)]
    assert [user for each in groups for user in sorted(set(each))] == sorted({of(each) for each in users})
    assert Counter(user for each in groups for user in each) == Counter(of(each) for each in users)
    assert score.count(tmp_path, CONFIG) == 6


def test_ratings_of_movies_that_the_model_does_not_know_are_counted():
    names = ("userId", "movieId", "rating", "seconds")
    columns = (["a", "a", "b"], ["10", "unknown", "unknown"], [4.0, 3.0, 5.0], [1.0, 2.0, 3.0])
    table = pa.table(dict(zip(names, columns, strict=True)))
    movies = Movies.from_columns(["10"], ["Heat"], genres=[()], years=np.asarray([1995.0]))
    statistics = SimpleNamespace(latest_year=2000.0)
    recommender = SimpleNamespace(movies=movies, scale=Scale.of_ratings(1.0, 5.0, relevant=4.0), statistics=statistics)
    keys, given, known = score.uploaded_ratings(table, recommender)
    assert (keys, given.lengths.tolist(), known.lengths.tolist()) == (["a", "b"], [2, 1], [1, 0])
