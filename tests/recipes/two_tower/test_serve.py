"""Requests get a top ten, also from strangers, or one sentence on what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from recipes.two_tower import serve
from recipes.two_tower.inference import Recommender
from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.requests import Rating
from trainyard.errors import BadRequest


@pytest.fixture(scope="module")
def predictor(trained):
    return serve.load(trained.model)


def test_a_known_user_gets_ten_unrated_movies_best_first(predictor):
    user = predictor.histories.written_keys[3]
    answer = predictor.predict([{"uid": user}])[0]
    found = [each["movie_id"] for each in answer["recommended"]]
    rated = predictor.histories.ratings.of_users(np.asarray([3])).movies
    assert len(set(found)) == 10
    assert not set(found) & {predictor.recommender.movies.written_ids[each] for each in rated}
    scores = [each["score"] for each in answer["recommended"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0.5 <= each["rating"] <= 5.0 and each["title"] for each in answer["recommended"])
    json.dumps(answer)


def test_an_unknown_user_gets_popular_movies(predictor):
    answer = predictor.predict([{"uid": -77}])[0]
    assert answer["rated"] == 0
    assert answer == predictor.predict([{"ratings": []}])[0]
    statistics, movies = predictor.recommender.statistics, predictor.recommender.movies
    counts = statistics.counts[movies.encode(str(each["movie_id"]) for each in answer["recommended"])]
    assert counts.mean() > 3 * statistics.counts.mean()


def test_what_is_best_for_a_known_user_is_worked_out_once(trained, monkeypatch):
    predictor = serve.load(trained.model)
    rows = [{"uid": predictor.histories.written_keys[3]}, {"uid": "nobody"}]
    answers = predictor.predict(rows)
    monkeypatch.setattr(predictor._single_user, "recommend", lambda *_: pytest.fail("worked out again"))
    assert predictor.predict(rows) == answers
    # Nobody is told apart from the others whom the model does not know.
    assert predictor.predict([{"uid": "somebody"}]) == answers[1:]


def test_new_ratings_come_on_top_of_the_known_ones(predictor):
    user = predictor.histories.written_keys[3]
    known = predictor.predict([{"uid": user, "count": 1}])[0]
    seen = known["recommended"][0]["movie_id"]
    again = predictor.predict([{"uid": user, "ratings": [{"movie_id": seen, "rating": 1}]}])[0]
    assert again["rated"] == known["rated"] + 1
    assert seen not in [each["movie_id"] for each in again["recommended"]]
    given = [{"movie_id": each, "rating": 4} for each in (-1, "tt-1", "007", -1)]
    strange = predictor.predict([{"ratings": given, "count": 2}])[0]
    assert strange["unknown"] == [-1, "tt-1", "007"]
    assert len(strange["recommended"]) == 2


@pytest.mark.parametrize("objective", ["retrieval", "rating"])
@pytest.mark.parametrize("known", [False, True])
def test_new_ratings_count_as_in_evaluation(predictor, objective, known):
    recommender = replace(predictor.recommender, objective=objective)
    answers = serve.Predictor(recommender, predictor.histories)
    user, new = predictor.histories.keys[3], {5: 4.5, 11: 1.0, 2: 3.0}
    year = recommender.statistics.latest_year
    ratings = Ratings.from_columns(
        np.zeros(len(new), dtype=np.int64),
        np.asarray([*new]),
        values=np.asarray([*new.values()]),
        times=np.full(len(new), np.rint(year * SECONDS_PER_YEAR)),
    )
    if known:
        before = predictor.histories.ratings.take(np.asarray([3]))
        before = replace(before, users=np.zeros(1, dtype=np.int64))
        ratings = before.filter(~np.isin(before.movies, [*new])).concat(ratings)
    history = ratings.encoded(np.arange(len(recommender.movies)), recommender.scale)
    [(movies, scores)] = recommender.recommend(history, 10)
    expected = recommender.expected_ratings(history, np.zeros(len(movies), dtype=np.int64), movies=movies)
    ids = recommender.movies.written_ids
    row = {"ratings": [{"movie_id": ids[movie], "rating": value} for movie, value in new.items()]}
    [answer] = answers.predict([row | ({"uid": user} if known else {})])
    assert [each["movie_id"] for each in answer["recommended"]] == [ids[each] for each in movies]
    assert [each["score"] for each in answer["recommended"]] == pytest.approx(scores.tolist(), rel=1e-5, abs=1e-6)
    # Rounded to two digits.
    assert [each["rating"] for each in answer["recommended"]] == pytest.approx(expected.tolist(), abs=0.00501)


def test_the_documents_objective_orders_by_expected_rating(predictor, trained):
    recommender = replace(Recommender.load(trained.model), objective="rating")
    answers = serve.Predictor(recommender, predictor.histories).predict([{"uid": predictor.histories.keys[0]}])
    ratings = [each["rating"] for each in answers[0]["recommended"]]
    assert ratings == sorted(ratings, reverse=True)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({}, "expected uid or ratings"),
        ([], "expected an object with"),
        ({"uid": ""}, "at least 1 characters in uid"),
        ({"uid": True}, "text in uid"),
        ({"uid": 7, "top": 3}, "found 'top'"),
        ({"uid": 7, "count": 0}, "at least 1 in count"),
        ({"ratings": 5}, "a list in ratings"),
        ({"ratings": [5]}, r"an object in ratings\[0\]"),
        ({"ratings": [{"movie_id": 1, "rating": 6}]}, r"from 0.5 to 5 in ratings\[0\].rating"),
        ({"ratings": [{"movie_id": 1, "rating": float("nan")}]}, r"that is finite in ratings\[0\].rating"),
        ({"ratings": [{"movie_id": [1], "rating": 4}]}, r"text in ratings\[0\].movie_id"),
        ({"ratings": [{"movie_id": 1}]}, r"from 0.5 to 5 in ratings\[0\].rating, found none"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(predictor, row, sentence):
    with pytest.raises(BadRequest, match=f"Row 1: .*{sentence}"):
        predictor.predict([{"uid": 1}, row])


class Counted(str):
    """A key that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Counted.compared += 1
        return str(self) == str(other)


def test_unknown_movies_are_compared_with_few_others(predictor):
    ids = [Counted(f"x{each}") for each in range(3000)]
    ratings = [Rating.model_construct(movie_id=each, rating=3.0) for each in [*ids, *ids]]
    Counted.compared = 0
    _, unknown = predictor._split_ratings(ratings, 0)
    assert unknown == [str(each) for each in ids]
    # In a list, each of 6,000 would have been compared with up to 3,000 before it.
    assert Counted.compared < 5 * len(ratings)


def test_a_movie_and_a_user_may_be_written_as_text_or_number(predictor):
    histories = predictor.histories
    movie, user = predictor.recommender.movies.ids[histories.ratings.movies[0]], histories.keys[0]
    answers = [
        predictor.predict([{"uid": of(user), "ratings": [{"movie_id": of(movie), "rating": 3}], "count": 2.0}])
        for of in (str, int, float)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0]["rated"] == histories.ratings.lengths[0]
