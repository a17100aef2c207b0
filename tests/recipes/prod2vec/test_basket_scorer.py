"""What goes with a basket: exact answers, weights that are what they say, and the choice on validation orders."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recipes.prod2vec import basket_choice, item_weights
from recipes.prod2vec.basket_ranks import ranks
from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.features import RaggedArray
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.item_weights import CoPurchases, chances, ease, ridge
from recipes.prod2vec.metrics import EncodedQueries, target_ranks
from tests.recipes.prod2vec.conftest import queries_of, vocabulary_of
from tests.recipes.prod2vec.contract import dense_scores

PRODUCTS = 40
SCORERS = [{}, {"memory": 2.0}, {"average": True}, {"memory": 5.0, "average": True}]


def random_scorer(seed=0, **settings):
    """Weights of either sign for up to ten products each, some rows empty, and some products equally popular."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 10, PRODUCTS)
    rows = [np.sort(random.choice(PRODUCTS, length, replace=False)) for length in lengths]
    return BasketScorer(
        method="ridge",
        offsets=np.concatenate(([0], np.cumsum(lengths))),
        products=np.concatenate(rows).astype(np.int32),
        weights=random.normal(0, 0.3, lengths.sum()).astype(np.float32),
        background=np.repeat(np.linspace(0.3, 0.0, PRODUCTS // 4), 4).astype(np.float32),
        **settings,
    )


def random_questions(count=300):
    random = np.random.default_rng(7)
    return queries_of(
        *[(random.choice(PRODUCTS + 5, random.integers(0, 6), replace=False), row % 43) for row in range(count)]
    )


@pytest.mark.parametrize("settings", SCORERS)
def test_the_best_products_are_those_with_the_highest_sums(settings):
    scorer, random = random_scorer(**settings), np.random.default_rng(3)
    for count in (1, 10, 60):
        basket = random.choice(PRODUCTS, 4, replace=False)
        expected = dense_scores(scorer, RaggedArray.from_lists([basket]))[0]
        expected[basket] = -np.inf
        indices, scores = scorer.best(basket, count)
        assert indices.tolist() == np.argsort(-expected, kind="stable")[: min(count, PRODUCTS - 4)].tolist()
        assert scores == pytest.approx(expected[indices], abs=1e-6)


@pytest.mark.parametrize("settings", SCORERS)
def test_ranks_are_those_of_all_scores(settings):
    scorer, questions, vocabulary = random_scorer(**settings), random_questions(), vocabulary_of(range(PRODUCTS))
    expected = target_ranks(lambda rows: dense_scores(scorer, rows), questions, vocabulary=vocabulary)
    assert np.isinf(expected).any()
    assert ranks(scorer, EncodedQueries.encode(questions, vocabulary)) == pytest.approx(expected)


def test_a_scorer_comes_back_from_its_folder_and_need_not_be_there(tmp_path):
    scorer = random_scorer(memory=2.0)
    assert BasketScorer.load(tmp_path) is None
    scorer.save(tmp_path)
    again = BasketScorer.load(tmp_path)
    assert (again.method, again.memory, again.average) == ("ridge", 2.0, False)
    assert again.best([1, 2], 5)[0].tolist() == scorer.best([1, 2], 5)[0].tolist()


def counted(seed=1, products=12, baskets=400):
    random = np.random.default_rng(seed)
    rows = [random.choice(products, random.integers(2, 7), replace=False) for _ in range(baskets)]
    return CoPurchases.count(RaggedArray.from_lists(rows), products), rows


def test_ease_is_a_ridge_regression_of_each_product_on_all_others():
    found, rows = counted()
    table = np.zeros((len(rows), 12))
    for row, products in enumerate(rows):
        table[row, products] = 1
    others = np.arange(12) != 3
    gram = table[:, others].T @ table[:, others] + 20 * np.eye(11)
    expected = np.linalg.solve(gram, table[:, others].T @ table[:, 3])
    assert ease(found, 20.0)[others, 3] == pytest.approx(expected, abs=1e-5)
    assert ease(found, 20.0)[3, 3] == 0


def test_regressions_on_the_most_telling_products_are_the_same_where_these_are_all(monkeypatch):
    whole = [each.toarray() for each in ridge(counted()[0], (5.0, 20.0))]
    monkeypatch.setattr(item_weights, "MAX_EXACT", 0)
    looked_up = [each.toarray() for each in ridge(counted()[0], (5.0, 20.0))]
    monkeypatch.setattr(item_weights, "MAX_DENSE", 0)
    sparse = [each.toarray() for each in ridge(counted()[0], (5.0, 20.0))]
    assert looked_up == [pytest.approx(each, abs=1e-5) for each in whole]
    assert sparse == [pytest.approx(each, abs=1e-5) for each in whole]
    monkeypatch.setattr(item_weights, "KEPT", 3)
    assert (np.diff(ridge(counted()[0], (5.0,))[0].indptr) == 3).all()


def test_counts_of_some_products_are_known_where_one_is_a_partner_of_the_other(monkeypatch):
    exact = counted()[0].all_pairs
    monkeypatch.setattr(item_weights, "MAX_DENSE", 0)
    monkeypatch.setattr(item_weights, "PARTNERS", 4)
    found, _ = counted()
    partners = found.partners.toarray() > 0
    expected = np.where(partners | partners.T, exact, 0)
    assert 0 < (expected == 0).sum() - len(expected) < expected.size / 2
    for products in ([3, 0, 11, 7], [0, 3], list(range(12)), [5]):
        asked = np.array(products, dtype=np.int32)
        assert (found.together(asked) == expected[np.ix_(asked, asked)]).all()


def test_chances_are_those_of_a_softmax():
    random = np.random.default_rng(0)
    target, context = random.normal(size=(2, 12, 4)).astype(np.float32)
    found, _ = counted()
    vectors = ProductVectors(vocabulary=vocabulary_of(range(12)), target=target, context=context)
    scores = 0.5 * target @ context.T + 0.75 * np.log(found.frequencies)
    np.fill_diagonal(scores, -np.inf)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert chances(vectors, found, gain=0.5, power=0.75).toarray() == pytest.approx(expected, abs=1e-6)


def chosen(baskets, seed=0):
    """The choice for carts of products of 60, a fifth of them for validation, with vectors that say nothing."""
    rows = [list(dict.fromkeys(each)) for each in baskets]
    frequencies = np.bincount(np.concatenate(rows), minlength=60)
    order = np.argsort(-frequencies, kind="stable")
    rank = np.argsort(order)
    vocabulary = vocabulary_of(range(60), frequencies=frequencies[order].tolist())
    vectors = np.random.default_rng(seed).normal(size=(2, 60, 4)).astype(np.float32)
    cut = len(rows) // 5
    train = RaggedArray.from_lists([rank[each] for each in rows[cut:]])
    asked = queries_of(*[(rank[each[:-1]], rank[each[-1]]) for each in rows[:cut]])
    model = ProductVectors(vocabulary=vocabulary, target=vectors[0], context=vectors[1])
    return basket_choice.choose(model, train, queries=asked, seed=1), rank


def test_where_the_last_product_decides_the_order_of_the_cart_counts(tmp_path):
    random = np.random.default_rng(5)
    # After product p comes one of ten others, whatever was in the cart before.
    carts = []
    for _ in range(1500):
        cart = [int(random.integers(60))]
        while len(cart) < 6:
            cart.append(int(cart[-1] * 7 + random.integers(10)) % 60)
        carts.append(cart)
    choice, _ = chosen([each for each in carts if len(set(each)) > 2])
    assert choice.settings[choice.name]["memory"] > 0
    assert choice.hit_rates[choice.name] > choice.hit_rates["popularity"] + 0.2
    choice.save(tmp_path)
    found = json.loads((tmp_path / "basket_candidates.json").read_text(encoding="utf-8"))
    assert found["chosen"] == choice.name
    assert {*found["candidates"]} == {"popularity", "co_occurrence", "ridge", "chances", "cosine", "in_out"}
    assert BasketScorer.load(tmp_path).memory == choice.scorer.memory


def test_where_products_are_bought_by_chance_popular_ones_are_recommended():
    random = np.random.default_rng(6)
    shares = 1 / np.arange(1, 61) ** 1.2
    carts = [random.choice(60, 5, replace=False, p=shares / shares.sum()) for _ in range(600)]
    choice, rank = chosen(carts)
    assert choice.hit_rates[choice.name] > choice.hit_rates["popularity"] - 0.03
    best, _ = choice.scorer.best([59], 10)
    assert len({*best.tolist()} & {*range(12)}) >= 9
    # Fitted again on all orders: its popularity is that of validation orders, too.
    often = np.bincount(rank[np.concatenate(carts)], minlength=60) / len(carts)
    weight = choice.settings[choice.name]["popularity"]
    assert choice.scorer.background == pytest.approx(weight * often, rel=1e-5)


def test_the_ridge_is_taken_unless_another_is_better_by_more_than_luck():
    hit, miss = np.zeros(100), np.full(100, 50.0)
    luck = np.where(np.arange(100) >= 49, hit, miss)
    half = np.where(np.arange(100) < 50, hit, miss)
    assert basket_choice.winner({"popularity": luck, "ridge": half}) == "ridge"
    assert basket_choice.winner({"popularity": hit, "ridge": half, "cosine": miss}) == "popularity"
