"""Requests get exact nearest products, or one sentence on what is wrong with them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recipes.prod2vec import serve
from recipes.prod2vec.features import Vocabulary
from recipes.prod2vec.inference import ProductVectors
from trainyard.errors import BadRequest

IDS = np.array([7, 3, 2**62, -5])


@pytest.fixture
def predictor(tmp_path):
    vocabulary = Vocabulary(
        product_ids=IDS,
        frequencies=np.array([4, 3, 2, 1]),
        names=("Salsa", "Käse", "Tofu", "Rice"),
        departments=np.zeros(4, np.int64),
    )
    angle = np.array([0.0, 0.3, 1.0, 3.0])
    target = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32) * np.array([[1], [9], [2], [1]])
    ProductVectors(vocabulary=vocabulary, target=target, context=target[::-1], similarity="in_out").save(tmp_path)
    return serve.load(tmp_path)


def test_similar_products_by_cosine_without_the_product_itself(predictor):
    answer = predictor.predict([{"product_id": 7, "count": 2}])[0]
    assert [each["product_id"] for each in answer["products"]] == [3, 2**62]
    assert answer["products"][0]["product_name"] == "Käse"
    assert answer["products"][0]["score"] == pytest.approx(np.cos(0.3), abs=1e-6)
    json.dumps(answer)


def test_a_basket_is_continued_by_the_chosen_similarity(predictor):
    answer = predictor.predict([{"basket": [7, 12345], "count": 10}])[0]
    scores = predictor.vectors.context @ predictor.vectors.target[0]
    expected = [int(IDS[index]) for index in np.argsort(-scores) if index != 0]
    assert [each["product_id"] for each in answer["products"]] == expected
    assert answer["unknown"] == [12345]


def test_rows_are_answered_in_order(predictor):
    rows = [{"product_id": int(each), "count": 1} for each in IDS]
    assert predictor.predict(rows) == [predictor.predict([row])[0] for row in rows]
    assert predictor.predict([]) == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({}, "expected either product_id or basket"),
        ("7", "expected an object with"),
        ({"product_id": 7, "basket": [7]}, "expected either product_id or basket"),
        ({"product_id": 7, "top": 3}, "expected only product_id, basket and count; found 'top'"),
        ({"product_id": "7"}, "a whole number in product_id, found '7'"),
        ({"product_id": True}, "a whole number in product_id"),
        ({"product_id": 2**63}, "less than 9223372036854775808 in product_id"),
        ({"basket": []}, "at least 1 entries in basket"),
        ({"basket": 7}, "a list in basket"),
        ({"basket": [3, "x"]}, r"a whole number in basket\[1\]"),
        ({"product_id": 7, "count": 0}, "at least 1 in count"),
        ({"product_id": 8}, r"a product that the model knows in product_id, found \[8\]"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(predictor, row, sentence):
    with pytest.raises(BadRequest, match=f"Row 1: .*{sentence}"):
        predictor.predict([{"product_id": 7}, row])
