"""Exact ranks of answers where baskets are scored by weights from product to product; runs in the training image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.features import OUT_OF_VOCABULARY
from recipes.prod2vec.item_weights import indicators
from recipes.prod2vec.metrics import EncodedQueries

QUERIES_PER_BLOCK = 5_000


def ranks(scorer: BasketScorer, queries: EncodedQueries) -> np.ndarray:
    """As `metrics.target_ranks`: rank (float64, best 0) of each query's answer, infinite where it is unknown.

    Time and memory grow with the weights of the products in the baskets, not with the products there are.
    """
    products = len(scorer.background)
    shape = (products, products)
    weights = sparse.csr_matrix((scorer.weights, scorer.products, scorer.offsets), shape=shape)
    found = [
        sparse_ranks(
            indicators(block.contexts, products, weights=scorer.line_weights(block.contexts)) @ weights,
            block,
            background=scorer.background,
        )
        for block in _blocks(queries)
    ]
    return np.concatenate(found)


def sparse_ranks(scores: sparse.csr_matrix, queries: EncodedQueries, *, background: np.ndarray) -> np.ndarray:
    """Ranks where a product's score is that in the query's row of `scores`, plus its `background` [products].

    Only the products that a row holds are looked at: how many of all others are better, their place in the sorted
    background says. Products of the basket are no candidates; equal scores share their ranks.
    """
    count, products = len(queries), len(background)
    scores.sort_indices()
    row, product = np.repeat(np.arange(count), np.diff(scores.indptr)), scores.indices
    scored = row * products + product
    basket = np.unique(queries.contexts.row_of_value * products + queries.contexts.values)
    own = _own_scores(queries, scored, added=scores.data, background=background)
    own[_places(np.arange(count) * products + queries.targets, basket)[0]] = np.inf
    rising = np.sort(background)
    better = products - np.searchsorted(rising, own, side="right")
    equal = np.searchsorted(rising, own, side="right") - np.searchsorted(rising, own, side="left")
    free = np.ones(len(scored), dtype=bool)
    free[_places(basket, scored)[1]] = False
    row, product, added = row[free], product[free], scores.data[free]
    # Counted among all others so far: what is scored or in the basket, by its background.
    basket_row, basket_product = np.divmod(basket, products)
    for rows, score, sign in (
        (row, background[product], -1),
        (basket_row, background[basket_product], -1),
        (row, background[product] + added, 1),
    ):
        better += sign * np.bincount(rows[score > own[rows]], minlength=count)
        equal += sign * np.bincount(rows[score == own[rows]], minlength=count)
    found = np.where(np.isfinite(own), better + (equal - 1) / 2, np.inf)
    found[queries.by_popularity] = queries.targets[queries.by_popularity]
    return np.asarray(found)


def _own_scores(
    queries: EncodedQueries, scored: np.ndarray, *, added: np.ndarray, background: np.ndarray
) -> np.ndarray:
    """Score (float32) of each query's answer; infinite where it is unknown."""
    own = np.full(len(queries), np.inf, dtype=np.float32)
    asked = np.flatnonzero(queries.targets != OUT_OF_VOCABULARY)
    targets = queries.targets[asked]
    own[asked] = background[targets]
    known, places = _places(asked * len(background) + targets, scored)
    own[asked[known]] += added[places]
    return own


def _places(keys: np.ndarray, ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which keys are among those that are sorted, and the places of these there."""
    places = np.searchsorted(ordered, keys)
    inside = np.flatnonzero(places < len(ordered))
    known = inside[ordered[places[inside]] == keys[inside]]
    return known, places[known]


def _blocks(queries: EncodedQueries) -> Iterator[EncodedQueries]:
    for start in range(0, len(queries), QUERIES_PER_BLOCK):
        yield queries[start : start + QUERIES_PER_BLOCK]
