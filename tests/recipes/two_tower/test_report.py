"""What remains of a run: movie vectors as tables, top tens, a map and the sections of the page; the metrics."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from recipes.two_tower import report, sample
from recipes.two_tower.inference import Recommender
from recipes.two_tower.metrics import ndcg_and_recall, relevant_ratings
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import Scale
from trainyard.contract.report import ReportInputs


@pytest.fixture(scope="module")
def reported(trained, tmp_path_factory):
    outputs = tmp_path_factory.mktemp("reported")
    inputs = ReportInputs(model=trained.model, prepare=trained.root / "prepare", process=trained.root / "process")
    return Recommender.load(trained.model), outputs, report.report(inputs, outputs, config=trained.config)


def test_the_table_of_movies_is_enough_to_score_them(reported):
    recommender, outputs, _ = reported
    table = pd.read_parquet(outputs / "movie_embeddings.parquet")
    assert table.title.tolist() == list(recommender.movies.titles)
    assert table.imdb_id.str.len().min() == 7
    assert table.tag.notna().any()
    vectors = table[[f"v{each}" for each in range(32)]].to_numpy()
    assert np.array_equal(vectors, recommender.movie_vectors)
    text = pd.read_csv(outputs / "movie_embeddings.csv.gz", dtype={"imdb_id": str, "movie_id": str})
    text = text.fillna({"genres": ""})
    pd.testing.assert_frame_equal(text, table, check_dtype=False)


def test_sections_show_top_tens_a_map_and_both_trainings(reported):
    _, outputs, sections = reported
    assert [each.title for each in sections] == ["Top ten of a few users", "Map of movies", "Training"]
    highlights = json.loads((outputs / "highlights.json").read_text(encoding="utf-8"))
    assert highlights["columns"][-1] == "a newcomer"
    assert len(highlights["rows"]) == 10
    assert all(len(row) == len(highlights["columns"]) and all(row) for row in highlights["rows"])
    assert all(figure.png.startswith(b"\x89PNG") for each in sections for figure in each.figures)
    listed = pd.read_parquet(outputs / "recommendations.parquet")
    assert listed.groupby("user_id").size().unique().tolist() == [10]


def _ratings(users, movies, values):
    times = np.zeros(len(users))
    return Ratings.from_columns(np.asarray(users), np.asarray(movies), values=np.asarray(values), times=times)


def test_ndcg_and_recall_by_hand():
    relevant = _ratings([1, 1, 1, 2], [10, 11, 12, 20], [5, 5, 5, 5])
    found = ndcg_and_recall([np.asarray([11, 99, 10]), np.asarray([1, 2, 3])], relevant, count=3)
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert found[0] == pytest.approx([(1 + 0.5) / ideal, 2 / 3])
    assert found[1].tolist() == [0.0, 0.0]


def test_users_without_anything_relevant_are_left_out():
    ratings = _ratings([1, 1, 2], [10, 11, 20], [4.0, 3.5, 3.0])
    liked = relevant_ratings(ratings, Scale.of_ratings(1.0, 5.0, relevant=4.0))
    assert liked.users.tolist() == [1]
    assert liked.movies.tolist() == [10]


@pytest.mark.parametrize("size", [1, 13, 5000])
def test_the_sample_has_the_size_asked_for_and_no_duplicates(tmp_path, size):
    planted = sample.write(tmp_path, size=size, seed=2)
    ratings, movies = pd.read_csv(tmp_path / "ratings.csv"), pd.read_csv(tmp_path / "movies.csv")
    assert len(ratings) == size
    assert not ratings.duplicated(["userId", "movieId"]).any()
    assert set(ratings.movieId) <= set(movies.movieId)
    assert set(planted["users"]) == set(ratings.userId)
    assert ratings.rating.between(0.5, 5).all()
    if size == 5000:
        again = tmp_path / "again"
        sample.write(again, size=size, seed=2)
        assert (again / "ratings.csv").read_bytes() == (tmp_path / "ratings.csv").read_bytes()
        assert ratings.duplicated(["userId", "timestamp"]).mean() > 0.2
