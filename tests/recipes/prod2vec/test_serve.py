"""Requests get exact nearest products, or one sentence on what is wrong with them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recipes.prod2vec import serve
from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.inference import ProductVectors
from tests.recipes.prod2vec.conftest import vocabulary_of
from trainyard.errors import BadRequest

IDS = [7, 3, 2**53, -5]


@pytest.fixture
def predictor(tmp_path):
    return predictor_of(tmp_path, IDS)


def predictor_of(tmp_path, ids):
    vocabulary = vocabulary_of(ids, names=("Salsa", "Käse", "Tofu", "Rice"))
    angle = np.array([0.0, 0.3, 1.0, 3.0])
    target = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32) * np.array([[1], [9], [2], [1]])
    ProductVectors(vocabulary=vocabulary, target=target, context=target[::-1], similarity="in_out").save(tmp_path)
    return serve.load(tmp_path)


def test_similar_products_by_cosine_without_the_product_itself(predictor):
    answer = predictor.predict([{"product_id": 7, "count": 2}])[0]
    assert [each["product_id"] for each in answer["products"]] == [3, 2**53]
    assert answer["products"][0]["product_name"] == "Käse"
    assert answer["products"][0]["score"] == pytest.approx(np.cos(0.3), abs=1e-6)
    json.dumps(answer)


def test_a_basket_is_continued_by_the_chosen_similarity(predictor):
    answer = predictor.predict([{"basket": [7, 12345], "count": 10}])[0]
    scores = predictor.vectors.context @ predictor.vectors.target[0]
    expected = [IDS[index] for index in np.argsort(-scores) if index != 0]
    assert [each["product_id"] for each in answer["products"]] == expected
    assert answer["unknown"] == [12345]


def test_a_basket_of_which_nothing_is_known_gets_what_is_popular(predictor):
    for basket in ([], [12345, "Salsa"]):
        (answer,) = predictor.predict([{"basket": basket, "count": 3}])
        assert [each["product_id"] for each in answer["products"]] == IDS[:3]
        assert answer["products"][0]["score"] == 0.25
        assert answer.get("unknown", []) == basket


def test_a_scorer_answers_baskets_and_vectors_say_what_is_alike(tmp_path):
    before = predictor_of(tmp_path, IDS).predict([{"product_id": 7, "count": 3}])
    BasketScorer(
        method="ridge",
        offsets=np.array([0, 2, 3, 3, 3]),
        products=np.array([2, 3, 3], np.int32),
        weights=np.array([0.5, 0.25, 1.0], np.float32),
        background=np.array([0.4, 0.3, 0.2, 0.1], np.float32),
        memory=1.0,
    ).save(tmp_path)
    predictor = serve.load(tmp_path)
    assert predictor.predict([{"product_id": 7, "count": 3}]) == before
    answers = predictor.predict([{"basket": each} for each in ([7, 3], [3, 7], [7, 3, 7])])
    late, early = 1.1, np.exp(-1) + 0.1
    assert [scored(each) for each in answers] == [
        pytest.approx({-5: early * 0.25 + late + 0.1, 2**53: early * 0.5 + 0.2}),
        pytest.approx({2**53: late * 0.5 + 0.2, -5: late * 0.25 + early + 0.1}),
        pytest.approx({2**53: late * 0.5 + 0.2, -5: late * 0.25 + early + 0.1}),
    ]


def scored(answer):
    return {each["product_id"]: each["score"] for each in answer["products"]}


def test_rows_are_answered_in_order(predictor):
    rows = [{"product_id": int(each), "count": 1} for each in IDS]
    assert predictor.predict(rows) == [predictor.predict([row])[0] for row in rows]
    assert predictor.predict([]) == []


@pytest.mark.parametrize("asked", [7, "7", 7.0, " 7 ", "7.0"])
def test_a_number_is_the_same_product_however_it_is_written(predictor, asked):
    assert predictor.predict([{"product_id": asked, "count": 2}]) == predictor.predict([{"product_id": 7, "count": 2}])


@pytest.mark.parametrize(
    ("ids", "answered"),
    [
        (["80144A", "POST", "7", "007"], ["POST", "7", "007"]),
        (
            ["1", "2", "84012345678901234126", "84012345678901234127"],
            ["2", "84012345678901234126", "84012345678901234127"],
        ),
        (["9007199254740993", "2", "3", "4"], ["2", "3", "4"]),
        (["1", "2", "3", "4"], [2, 3, 4]),
    ],
)
def test_ids_come_back_as_text_unless_all_are_numbers_that_json_can_hold(tmp_path, ids, answered):
    (answer,) = predictor_of(tmp_path, ids).predict([{"product_id": ids[0], "count": 3}])
    assert [each["product_id"] for each in answer["products"]] == answered


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({}, "expected either product_id or basket"),
        ("7", "expected an object with"),
        ({"product_id": 7, "basket": [7]}, "expected either product_id or basket"),
        ({"product_id": 7, "top": 3}, "expected only product_id, basket and count; found 'top'"),
        ({"product_id": True}, "text in product_id"),
        ({"product_id": ""}, "at least 1 characters in product_id"),
        ({"product_id": "80144A"}, r"a product that the model knows in product_id, found \['80144A'\]"),
        ({"basket": 7}, "a list in basket"),
        ({"basket": [3, None]}, r"text in basket\[1\]"),
        ({"product_id": 7, "count": 0}, "at least 1 in count"),
        ({"product_id": 8}, r"a product that the model knows in product_id, found \[8\]"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(predictor, row, sentence):
    with pytest.raises(BadRequest, match=f"Row 1: .*{sentence}"):
        predictor.predict([{"product_id": 7}, row])
