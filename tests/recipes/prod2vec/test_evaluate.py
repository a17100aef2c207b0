"""Metrics count what a reader would count, and products unknown to a model are misses."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.prod2vec import evaluate, serve
from recipes.prod2vec.config import CONFIG
from recipes.prod2vec.features import RaggedArray
from recipes.prod2vec.inference import ProductVectors, basket_vectors
from recipes.prod2vec.metrics import target_ranks
from recipes.prod2vec.process import process
from tests.recipes.prod2vec.conftest import queries_of, vocabulary_of, write_prepared
from trainyard.contract.ranking import top_columns
from trainyard.run.settings.overrides import override


def test_rank_counts_better_products_outside_the_basket():
    vocabulary = vocabulary_of([10, 20, 30, 40])
    scores = np.array([[9.0, 1.0, 5.0, 3.0]])
    queries = queries_of(([10], 30), ([10], 20), ([30], 20), ([30, 10], 40))
    found = target_ranks(lambda baskets: np.repeat(scores, len(baskets), axis=0), queries, vocabulary=vocabulary)
    assert found.tolist() == [0, 2, 2, 0]


def test_the_unknown_is_a_miss_and_an_unknown_basket_gets_what_is_popular():
    vocabulary = vocabulary_of([10, 20, 30])
    queries = queries_of(([10], 99), ([10], 10), ([99], 99), ([99], 30), ([], 10))
    found = target_ranks(lambda baskets: np.ones((len(baskets), 3)), queries, vocabulary=vocabulary)
    assert found.tolist() == [np.inf, np.inf, np.inf, 2, 0]


def test_a_model_that_scores_all_alike_gains_nothing():
    vocabulary = vocabulary_of(np.arange(101))
    found = target_ranks(
        lambda baskets: np.zeros((len(baskets), 101)), queries_of(([0], 1), ([0], 99)), vocabulary=vocabulary
    )
    assert found.tolist() == [49.5, 49.5]


def test_blocks_do_not_change_ranks(monkeypatch):
    random = np.random.default_rng(1)
    vectors = ProductVectors(
        vocabulary=vocabulary_of(np.arange(50)),
        target=random.normal(size=(50, 4)).astype(np.float32),
        context=random.normal(size=(50, 4)).astype(np.float32),
    )
    asked = [(random.integers(0, 50, 1 + row % 4).tolist(), int(random.integers(0, 60))) for row in range(40)]
    whole = target_ranks(vectors.next_product_scores, queries_of(*asked), vocabulary=vectors.vocabulary)
    monkeypatch.setattr("trainyard.contract.ranking.BLOCK_BYTES", 4 * 50 * 7)
    in_blocks = target_ranks(vectors.next_product_scores, queries_of(*asked), vocabulary=vectors.vocabulary)
    assert np.array_equal(whole, in_blocks)


def test_both_similarities_are_what_they_say():
    random = np.random.default_rng(1)
    target, context = random.normal(size=(2, 6, 3)).astype(np.float32)
    vocabulary, basket = vocabulary_of(np.arange(6)), RaggedArray.from_lists([[0, 2]])
    unit = target / np.linalg.norm(target, axis=1, keepdims=True)
    cosine = ProductVectors(vocabulary=vocabulary, target=target, context=context, similarity="cosine")
    in_out = ProductVectors(vocabulary=vocabulary, target=target, context=context, similarity="in_out")
    assert cosine.next_product_scores(basket)[0] == pytest.approx((unit[0] + unit[2]) / 2 @ unit.T, abs=1e-6)
    assert in_out.next_product_scores(basket)[0] == pytest.approx((target[0] + target[2]) / 2 @ context.T, abs=1e-5)


def test_means_of_empty_baskets_are_zero():
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert basket_vectors(matrix, RaggedArray.from_lists([[], [0, 2], [], [1], []])).tolist() == [
        [0, 0],
        [2, 3],
        [0, 0],
        [2, 3],
        [0, 0],
    ]


def test_top_columns_are_exact():
    scores = np.random.default_rng(0).normal(size=(7, 40))
    assert np.array_equal(top_columns(scores, 5), np.argsort(-scores, axis=1)[:, :5])


def test_a_model_with_another_vocabulary_is_evaluated_on_the_same_rows(tmp_path):
    queries = queries_of(*[([each], each + 1) for each in range(0, 30, 2)])
    queries.save(tmp_path)
    evaluations = []
    for products in (np.arange(30), np.arange(12)[::-1]):
        directory = tmp_path / str(len(products))
        directory.mkdir()
        # A product and its successor share a direction.
        angle = (products // 2) * 0.2
        vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        ProductVectors(vocabulary=vocabulary_of(products), target=vectors, context=vectors).save(directory)
        evaluations.append(evaluate.evaluate(directory, tmp_path, config=CONFIG))
    assert evaluations[0].examples.tolist() == [1.0] * 15
    assert evaluations[1].examples.tolist() == [1.0] * 6 + [0.0] * 9
    assert evaluations[1].metrics["hit_rate_at_10"] == pytest.approx(0.4)
    assert evaluations[0].metrics["mrr"] == 1.0
    assert evaluations[0].metrics["coverage_at_10"] == 1.0


def test_what_is_watched_of_baskets_is_the_first_product_that_the_service_answers(tmp_path):
    baskets = [["1", "2"], ["7"], ["unknown"], ["3", "unknown"]]
    queries_of(*[(each, "4") for each in baskets]).save(tmp_path)
    random = np.random.default_rng(1)
    vocabulary = vocabulary_of([str(each) for each in range(20)])
    vectors = random.normal(size=(20, 4)).astype(np.float32)
    ProductVectors(vocabulary=vocabulary, target=vectors, context=vectors).save(tmp_path)
    answers = evaluate.evaluate(tmp_path, tmp_path, config=CONFIG).answers
    served = serve.load(tmp_path).predict([{"basket": each} for each in baskets])
    assert answers["goes_with"].tolist() == [str(each["products"][0]["product_id"]) for each in served]
    assert answers["lines"].tolist() == [3, 2, 2, 3]
    assert answers["unknown_products"].tolist() == [0, 0, 1, 1]


def test_references_find_what_can_be_found(tmp_path):
    random = np.random.default_rng(5)
    groups = [np.arange(20) + 100 * group for group in range(4)]
    baskets = [(row, "train", random.permutation(groups[row % 4])[:5].tolist()) for row in range(600)]
    for first, role in ((1000, "validation"), (2000, "holdout")):
        baskets += [(first + row, role, random.permutation(groups[row % 4])[:5].tolist()) for row in range(80)]
    config = override(
        CONFIG, {"hyperparameters": {"embedding_size": 8, "epochs": 10}, "data": {"subsampling_threshold": 0}}
    )
    process(write_prepared(tmp_path / "prepare", baskets), tmp_path / "process", config=config)
    channels = {name: tmp_path / "process" / name for name in ("train", "validation", "features")}
    found = evaluate.references(channels, tmp_path / "process" / "holdout", config=config)
    chance, informed = 10 / 76, 10 / 16
    assert found["popularity"].metrics["hit_rate_at_10"] == pytest.approx(chance, abs=0.12)
    assert found["item co-occurrence"].metrics["hit_rate_at_10"] == pytest.approx(informed, abs=0.15)
    assert found["EASE"].metrics["hit_rate_at_10"] == pytest.approx(informed, abs=0.15)
    assert found["gensim Word2Vec, cosine"].metrics["hit_rate_at_10"] == pytest.approx(informed, abs=0.15)
    assert all(0 < each.metrics["mrr"] < 1 for each in found.values())
