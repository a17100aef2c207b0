"""Metrics of next-product recommendations: ranks, hit rate, MRR, coverage; numpy only, for training and evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recipes.prod2vec.features import OUT_OF_VOCABULARY, Queries, RaggedArray, Vocabulary
from trainyard.contract.ranking import blocks, top_columns

TOP_K = 10
COVERAGE_BLOCK = 200
# Scores float [baskets, products] of every product as the next one of baskets given as indices.
Scorer = Callable[[RaggedArray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class EncodedQueries:
    """Queries in the indices of one vocabulary; `targets` is `OUT_OF_VOCABULARY` where the answer is unknown to it.

    Products of a basket that the vocabulary lacks are left out.
    """

    contexts: RaggedArray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    @classmethod
    def encode(cls, queries: Queries, vocabulary: Vocabulary) -> EncodedQueries:
        indices = vocabulary.encode(queries.product_ids)
        contexts = RaggedArray(values=indices[queries.contexts.values], offsets=queries.contexts.offsets)
        known = contexts.filter_values(contexts.values != OUT_OF_VOCABULARY)
        return cls(contexts=known, targets=indices[queries.targets])

    def __getitem__(self, rows: slice) -> EncodedQueries:
        return EncodedQueries(contexts=self.contexts[rows], targets=self.targets[rows])

    @property
    def baskets(self) -> RaggedArray:
        """The whole baskets, answers included, as far as the vocabulary knows them."""
        whole = RaggedArray(
            values=np.insert(self.contexts.values, self.contexts.offsets[1:], self.targets),
            offsets=self.contexts.offsets + np.arange(len(self) + 1),
        )
        return whole.filter_values(whole.values != OUT_OF_VOCABULARY)

    @property
    def by_popularity(self) -> np.ndarray:
        """Rows of which the answer is known but nothing of the basket: there every model says what is popular."""
        return np.flatnonzero((self.targets != OUT_OF_VOCABULARY) & (self.contexts.lengths == 0))


def exclude_basket(scores: np.ndarray, contexts: RaggedArray) -> None:
    """What is in the basket already is no candidate: its scores become minus infinity, in place."""
    scores[contexts.row_of_value, contexts.values] = -np.inf


def target_ranks(scorer: Scorer, queries: Queries, *, vocabulary: Vocabulary) -> np.ndarray:
    """Rank (float64, best 0) of each query's answer among all products; infinite where it is unknown.

    Products with the same score share their ranks, so that a model that scores all alike gains nothing by it. A basket
    of which nothing is known is answered by popularity, which the indices of the vocabulary are the order of.
    """
    return encoded_ranks(scorer, EncodedQueries.encode(queries, vocabulary), products=len(vocabulary))


def encoded_ranks(scorer: Scorer, queries: EncodedQueries, *, products: int) -> np.ndarray:
    """`target_ranks` of queries in the indices of a vocabulary of so many products."""
    ranks = [_ranks_in(scorer(queries.contexts[block]), queries[block]) for block in blocks(len(queries), products)]
    return np.concatenate(ranks)


def hits(ranks: np.ndarray) -> np.ndarray:
    """1.0 where the answer is among the ten best, else 0.0."""
    return (ranks < TOP_K).astype(np.float64)


def reciprocal_ranks(ranks: np.ndarray) -> np.ndarray:
    """1 / (1 + rank): 1.0 where the answer is the best, 0.0 where it cannot be given."""
    return np.asarray(1.0 / (1.0 + ranks))


def hit_rate(ranks: np.ndarray) -> float:
    """Share of the queries whose answer is among the ten best."""
    return float(hits(ranks).mean())


def mean_reciprocal_rank(ranks: np.ndarray) -> float:
    """Mean of `reciprocal_ranks` (MRR)."""
    return float(reciprocal_ranks(ranks).mean())


def best_products(scorer: Scorer, contexts: RaggedArray) -> list[np.ndarray]:
    """Indices of the ten best products for each of these baskets, which are not empty, best first."""
    found: list[np.ndarray] = []
    for start in range(0, len(contexts), COVERAGE_BLOCK):
        block = contexts[start : start + COVERAGE_BLOCK]
        scores = scorer(block)
        exclude_basket(scores, block)
        found += list(top_columns(scores, TOP_K))
    return found


def coverage(recommended: Sequence[np.ndarray], products: int) -> float:
    """Share of all products that are recommended to anybody."""
    return len(np.unique(np.concatenate([np.empty(0, np.int64), *recommended]))) / products


def _ranks_in(scores: np.ndarray, queries: EncodedQueries) -> np.ndarray:
    exclude_basket(scores, queries.contexts)
    rows = np.flatnonzero((queries.targets != OUT_OF_VOCABULARY) & (queries.contexts.lengths > 0))
    found = scores[rows, queries.targets[rows]][:, None]
    candidates = scores[rows]
    better, equal = (candidates > found).sum(axis=1), (candidates == found).sum(axis=1)
    ranks = np.full(len(queries), np.inf)
    # An answer that is in the basket itself was excluded; nobody can be credited for it.
    ranks[rows] = np.where(np.isfinite(found[:, 0]), better + (equal - 1) / 2, np.inf)
    ranks[queries.by_popularity] = queries.targets[queries.by_popularity]
    return ranks
