"""Things of any kind: interactions without ratings, times or a catalogue, under keys that are texts; earlier models."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.two_tower import evaluate, report, score, serve
from recipes.two_tower.config import CONFIG
from recipes.two_tower.evaluate import Holdout
from recipes.two_tower.histories import USERS_FILE, Histories
from recipes.two_tower.inference import Recommender
from recipes.two_tower.ratings import HISTORIES_FILE, RATINGS_FILE
from recipes.two_tower.scale import SCALE_FILE
from tests.recipes.two_tower.conftest import prepared_from, trained_in
from trainyard.contract.report import ReportInputs
from trainyard.run.settings.overrides import override

pytest.importorskip("tensorflow")

ARTISTS, LISTENERS = 40, 60


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A model of who plays whom: listeners of either of two tastes, artists with names that no number looks like."""
    root, random = tmp_path_factory.mktemp("played"), np.random.default_rng(3)
    (root / "raw").mkdir()
    lines = ["user;artist;plays"]
    for listener in range(LISTENERS):
        own = random.permutation(np.arange(listener % 2, ARTISTS, 2))[:12]
        lines += [f"u{listener:03}x;{name(each)};{int(np.exp(random.normal(3, 2))) + 1}" for each in own]
    (root / "raw" / "user_artists.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = override(CONFIG, {"hyperparameters": {"retrieval_epochs": 2, "embedding_size": 8}})
    prepared_from(root / "raw", root / "prepare", config)
    return root, config, trained_in(root, config)


def name(artist):
    return f"Señor {artist:02}/{'ab'[artist % 2]}"


def test_interactions_have_no_ratings_anywhere(played, tmp_path):
    root, config, metrics = played
    assert list(metrics) == ["validation_ndcg_at_10", "validation_ranked_ndcg_at_10"]
    assert not (root / "model" / "rating.keras").exists()
    found = evaluate.evaluate(root / "model", root / "process" / "holdout", config=config)
    assert set(found.metrics) == {"ndcg_at_10", "recall_at_10", "coverage_at_10"}
    assert found.not_applicable == tuple(config.gate.maximum) == ("relative_rmse",)
    assert found.metrics["ndcg_at_10"] > 0.3
    channels = {each: root / "process" / each for each in ("train", "validation", "features")}
    assert "averages" not in evaluate.references(channels, root / "process" / "holdout", config=config)
    inputs = ReportInputs(model=root / "model", prepare=root / "prepare", process=root / "process")
    top_tens = report.report(inputs, tmp_path, config=config)[0]
    assert "no ratings are expected" in top_tens.text
    assert "expected_rating" not in pq.read_schema(tmp_path / report.RECOMMENDATIONS_FILE).names
    assert top_tens.tables[0].rows[0][0].startswith("user u0")


def test_keys_come_back_as_they_were_written(played):
    predictor = serve.load(played[0] / "model")
    answer = predictor.predict([{"uid": "u000x"}, {"ratings": [{"movie_id": name(1)}, {"movie_id": 7}]}])
    movies = [each["movie_id"] for each in answer[0]["recommended"]]
    assert all(each in {name(artist) for artist in range(ARTISTS)} for each in movies)
    assert [each["title"] for each in answer[0]["recommended"]] == movies
    assert sum(each.endswith("a") for each in movies) >= 8
    assert not any("rating" in each for each in answer[0]["recommended"])
    assert sum(each["movie_id"].endswith("b") for each in answer[1]["recommended"]) >= 8
    assert answer[1]["unknown"] == ["7"]
    assert predictor.predict(predictor.examples())


def test_bulk_scores_of_interactions_are_those_of_the_service(played, tmp_path):
    root, config, _ = played
    (tmp_path / "ratings").mkdir()
    columns = {"userId": ["u000x", "new"], "movieId": [name(3), name(2)], "rating": [None, None]}
    table = pa.table({**columns, "timestamp": pa.array([None, None], pa.timestamp("us"))})
    fields = {"rating": pa.float64()}
    schema = pa.schema([pa.field(each.name, fields.get(each.name, each.type)) for each in table.schema])
    pq.write_table(table.cast(schema), tmp_path / "ratings" / "part-00000.parquet")
    rows = [row for each in score.score(root / "model", tmp_path, config=config) for row in each.to_pylist()]
    asked = [{"ratings": [{"movie_id": name(2)}]}, {"uid": "u000x", "ratings": [{"movie_id": name(3)}]}]
    answers = serve.load(root / "model").predict(asked)
    assert [row["user_id"] for row in rows] == ["new", "u000x"]
    for row, answer in zip(rows, answers, strict=True):
        assert row["rated"] == answer["rated"]
        assert [each["movie_id"] for each in row["recommended"]] == [each["movie_id"] for each in answer["recommended"]]
        assert {each["rating"] for each in row["recommended"]} == {None}


def test_a_champion_is_evaluated_by_keys_on_data_of_other_indices(trained, tmp_path):
    """The same held-out ratings with movies in another order, some of which the champion does not know."""
    data = Holdout.load(trained.holdout)
    order = np.random.default_rng(2).permutation(len(data.keys) + 5)
    keys = np.asarray([*data.keys, *(f"new {each}" for each in range(5))], dtype=object)
    shutil.copytree(trained.holdout, tmp_path, dirs_exist_ok=True)
    movies = {"movie_id": keys[np.argsort(order)], "title": keys, "genres": [""] * len(keys), "year": [0] * len(keys)}
    pq.write_table(pa.table(movies), tmp_path / "movies.parquet")
    for file in (RATINGS_FILE, HISTORIES_FILE):
        table = pq.read_table(tmp_path / file)
        shuffled = pa.array(order[table["movie"].to_numpy()].astype(np.int32))
        pq.write_table(table.set_column(1, "movie", shuffled), tmp_path / file)
    expected = evaluate.evaluate(trained.model, trained.holdout, config=trained.config)
    found = evaluate.evaluate(trained.model, tmp_path, config=trained.config)
    assert found.metrics == pytest.approx(expected.metrics, rel=1e-6)
    assert found.examples == pytest.approx(expected.examples)


def test_a_model_of_an_earlier_version_answers_as_before(trained, tmp_path):
    """It kept its catalogue and histories under the keys themselves, which were numbers, and had no scale."""
    recommender = Recommender.load(trained.model)
    known = Histories.load(trained.model, recommender.movies)
    shutil.copytree(trained.model, tmp_path, dirs_exist_ok=True)
    for file in (SCALE_FILE, USERS_FILE):
        (tmp_path / file).unlink()
    movies = pq.read_table(tmp_path / "movies.parquet")
    pq.write_table(movies.set_column(0, "movie_id", movies["movie_id"].cast(pa.int64())), tmp_path / "movies.parquet")
    users, ids = (np.asarray(each, dtype=np.int64) for each in (known.keys, recommender.movies.ids))
    rows = known.ratings
    columns = {"user_id": users[rows.users[rows.user_rows]], "movie_id": ids[rows.movies], "rating": rows.values}
    earlier = pa.table({**columns, "timestamp": rows.times.astype(np.int64)})
    pq.write_table(earlier, tmp_path / HISTORIES_FILE)
    asked = [{"uid": int(each)} for each in users[:20]] + [{"ratings": [{"movie_id": int(ids[3]), "rating": 4.5}]}]
    assert serve.load(tmp_path).predict(asked) == serve.load(trained.model).predict(asked)
