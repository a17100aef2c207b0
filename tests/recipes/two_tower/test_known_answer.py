"""On generated ratings, the planted tastes decide what is recommended, also to somebody with a handful of ratings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.two_tower import evaluate, score, serve
from recipes.two_tower.config import BEST_MOVIE, CONFIG
from recipes.two_tower.histories import read_user_keys
from recipes.two_tower.inference import TOP_K, Recommender
from recipes.two_tower.sample import OWN_TASTE_SHARE, TASTES
from trainyard.run.settings.overrides import override


def test_users_get_movies_of_their_planted_taste(trained):
    recommender = Recommender.load(trained.model)
    histories, users = trained.holdout_histories(recommender), read_user_keys(trained.model)
    own = []
    for user, (indices, _) in zip(histories.users.tolist(), recommender.recommend(histories, TOP_K), strict=True):
        tastes = [trained.planted["movies"][int(recommender.movies.ids[index])] for index in indices]
        own.append(np.mean(np.asarray(tastes) == trained.planted["users"][int(users[user])]))
    assert np.mean(own) > OWN_TASTE_SHARE > 4 / len(TASTES)


def test_five_ratings_show_a_newcomers_taste(trained):
    predictor = serve.load(trained.model)
    movies, counts = predictor.recommender.movies, predictor.recommender.statistics.counts
    tastes = np.asarray([trained.planted["movies"][int(each)] for each in movies.ids])
    for taste in range(len(TASTES)):
        popular = np.flatnonzero(tastes == taste)[np.argsort(-counts[tastes == taste])][:5]
        row = {"ratings": [{"movie_id": movies.ids[each], "rating": 5.0} for each in popular]}
        answer = predictor.predict([row])[0]
        found = [trained.planted["movies"][each["movie_id"]] for each in answer["recommended"]]
        assert np.mean(np.asarray(found) == taste) >= 0.6


def test_the_model_beats_its_simple_baselines(trained):
    scores = evaluate.evaluate(trained.model, trained.holdout, config=trained.config)
    references = evaluate.references(trained.channels, trained.holdout, config=trained.config)
    assert scores.metrics["ndcg_at_10"] > 2 * references["popularity"].metrics["ndcg_at_10"]
    assert scores.metrics["rmse"] < 0.9 * references["averages"].metrics["rmse"]


def test_the_gate_may_look_at_ratings_instead(trained):
    config = override(CONFIG, {"gate": {"primary": "negative_mse"}})
    scores = evaluate.evaluate(trained.model, trained.holdout, config=config)
    assert scores.examples.mean() == scores.metrics["negative_mse"]
    assert scores.metrics["rmse"] ** 2 == pytest.approx(-scores.metrics["negative_mse"])


def test_what_is_watched_of_recommendations_is_the_first_that_the_service_answers(trained):
    predictor, data = serve.load(trained.model), evaluate.Holdout.load(trained.holdout)
    answers = evaluate.evaluate(trained.model, trained.holdout, config=trained.config).answers
    keys = read_user_keys(trained.model)
    served = predictor.predict([{"uid": keys[user], "count": 3} for user in data.relevant.users.tolist()])
    assert answers[BEST_MOVIE].tolist() == [str(each["recommended"][0]["movie_id"]) for each in served]
    assert answers["ratings"].sum() == len(data.held_out.of_users(data.relevant.users))


def test_bulk_scores_have_the_best_movie_of_each_user(trained, tmp_path):
    predictor = serve.load(trained.model)
    movies = predictor.recommender.movies.ids
    # Somebody who has rated all there is has nothing left.
    rated = {"a": movies[:5], "b": movies[5:9], "c": movies}
    rows = [(user, movie) for user, own in rated.items() for movie in own]
    users, chosen = (pa.array(each) for each in zip(*rows, strict=True))
    (tmp_path / "ratings").mkdir()
    columns = {"userId": users, "movieId": chosen, "rating": np.full(len(rows), 4.0)}
    times = pa.array(np.arange(len(rows)), pa.timestamp("s"))
    pq.write_table(pa.table({**columns, "timestamp": times}), tmp_path / "ratings" / "part-00000.parquet")
    found = pa.concat_tables(score.score(trained.model, tmp_path, config=CONFIG))
    firsts = [each[0]["movie_id"] if each else None for each in found["recommended"].to_pylist()]
    assert found[BEST_MOVIE].to_pylist() == firsts
    assert [each is None for each in firsts] == [False, False, True]
