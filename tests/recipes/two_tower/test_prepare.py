"""Each user's latest ratings are held out, whatever engine, order of lines or ties; bad data is refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

from recipes.two_tower.config import CONFIG
from recipes.two_tower.prepare import check, prepare
from trainyard.run.overrides import override

MOVIES = pd.DataFrame(
    {
        "movieId": range(1, 31),
        "title": [f"Film {n} ({1950 + n})" for n in range(1, 29)] + ["Série (1999-2003) ", "No year"],
        "genres": ["Comedy|Drama"] * 29 + ["(no genres listed)"],
    }
)
COUNTS = {7: 20, 8: 10, 9: 3, 10: 2, 11: 1}


def ratings(shuffle=None):
    rows = [
        (user, movie, 0.5 + movie % 9 / 2, 1000 + (movie // 4))
        for user, n in COUNTS.items()
        for movie in range(1, n + 1)
    ]
    table = pd.DataFrame(rows, columns=["userId", "movieId", "rating", "timestamp"])
    return table if shuffle is None else table.sample(frac=1.0, random_state=shuffle)


def tables(found, **more):
    connection = ibis.duckdb.connect()
    frames = {"ratings": found, "movies": MOVIES, **more}
    for name, frame in frames.items():
        connection.con.register(f"{name}_frame", frame)
        connection.raw_sql(f"CREATE TABLE {name} AS SELECT * FROM {name}_frame")
    return {name: connection.table(name) for name in frames}


def prepared(found, **more):
    return {name: table.to_pyarrow().to_pandas() for name, table in prepare(tables(found, **more), CONFIG).items()}


def test_the_latest_fifth_of_each_user_is_held_out():
    found = prepared(ratings())["ratings"]
    counts = found.groupby(["user_id", "role"]).size().unstack(fill_value=0)
    assert counts.loc[7].to_dict() == {"holdout": 4, "train": 14, "validation": 2}
    assert counts.loc[8].to_dict() == {"holdout": 2, "train": 7, "validation": 1}
    assert counts.loc[9].to_dict() == {"holdout": 1, "train": 1, "validation": 1}
    assert counts.loc[10].to_dict() == {"holdout": 1, "train": 1, "validation": 0}
    assert counts.loc[11].to_dict() == {"holdout": 0, "train": 1, "validation": 0}
    times = found.groupby(["user_id", "role"]).timestamp.agg(["min", "max"])
    for user in (7, 8, 9):
        assert times.loc[user, "train"]["max"] <= times.loc[user, "validation"]["min"]
        assert times.loc[user, "validation"]["max"] <= times.loc[user, "holdout"]["min"]


def test_the_split_does_not_depend_on_the_order_of_lines():
    first, second = prepared(ratings())["ratings"], prepared(ratings(shuffle=3))["ratings"]
    pd.testing.assert_frame_equal(first, second)


def test_movies_get_year_tag_and_imdb_id():
    tags = pd.DataFrame(
        [(1, 3, "Funny", 1), (2, 3, "funny", 1), (3, 3, "dark", 1), (1, 4, "b", 1), (1, 4, "a", 1)],
        columns=["userId", "movieId", "tag", "timestamp"],
    )
    links = pd.DataFrame({"movieId": [3], "imdbId": ["0000042"], "tmdbId": [1]})
    movies = prepared(ratings(), tags=tags, links=links)["movies"].set_index("movie_id")
    assert len(movies) == 30
    assert movies.year[[1, 29, 30]].tolist() == [1951, 1999, 0]
    assert movies.tag[[3, 4]].tolist() == ["funny", "a"]
    assert movies.tag.isna().sum() == 28
    assert movies.imdb_id[3] == "0000042"
    assert prepared(ratings())["movies"].imdb_id.isna().all()


@pytest.mark.parametrize(
    ("changes", "found", "sentence"),
    [
        ({"min_users": 6}, ratings(), "expected at least 6 users, found 5"),
        ({"min_users": 2}, ratings().assign(rating=3.0), "different values"),
        ({"min_users": 2}, ratings().assign(movieId=lambda each: each.movieId + 28), "such as movieId 31"),
        ({"min_users": 2}, ratings().assign(rating=lambda each: each.rating * 1e9), "at most 1,000,000, found"),
        ({"min_users": 2}, ratings().assign(timestamp=2**60), "timestamp in seconds since 1970"),
        ({"min_users": 2}, ratings()[lambda each: each.movieId == 1].assign(rating=[1, 2, 3, 4, 5.0]), "found 5, 0, 0"),
        ({"min_users": 2, "relevant_rating": 5}, ratings(), "found 0 and 0 where ratings go from 0.5 to 4.5"),
    ],
)
def test_bad_data_is_refused_in_a_sentence(changes, found, sentence):
    quality = check(tables(found), override(CONFIG, {"data": changes}))
    assert not quality.ok
    assert sentence in " ".join(quality.problems)


def test_good_data_is_accepted_with_its_figures():
    quality = check(tables(ratings()), override(CONFIG, {"data": {"min_users": 2, "relevant_rating": 2}}))
    assert quality.ok, quality.problems
    assert quality.figures["ratings"] == 36
    assert quality.figures["rated_movies"] == 20


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="the extra `spark` is not installed")
def test_both_engines_give_the_same_tables(tmp_path):
    tags = pd.DataFrame([(1, 3, "Funny", 1), (1, 4, "b", 1)], columns=["userId", "movieId", "tag", "timestamp"])
    links = pd.DataFrame({"movieId": [3], "imdbId": ["0000042"], "tmdbId": [1]})
    for name, frame in {"ratings": ratings(shuffle=1), "movies": MOVIES, "tags": tags, "links": links}.items():
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
    found = {}
    for engine in ("duckdb", "spark"):
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.recipes.two_tower.prepare_on_engine",
            engine,
            str(tmp_path),
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
        assert done.returncode == 0, done.stderr
        tables = {each: pq.read_table(tmp_path / engine / each).to_pylist() for each in ("ratings", "movies")}
        found[engine] = (json.loads((tmp_path / engine / "figures.json").read_text()), tables)
    assert found["duckdb"] == found["spark"]
    assert len(found["spark"][1]["ratings"]) == 36
    assert [found["spark"][0][f"{each}_ratings"] for each in ("train", "validation", "holdout")] == [24, 4, 8]
