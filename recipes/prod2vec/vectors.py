"""A trained model as numpy arrays: how to compare baskets and products; for train, evaluate, report, serve."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from recipes.prod2vec.features import OUT_OF_VOCABULARY, Queries, Ragged, Vocabulary
from trainyard.ranking import blocks, top_columns

# `cosine`: basket = mean of the unit target vectors, product = unit target vector.
# `in_out`: basket = mean of the target vectors, product = context vector, as in training.
Scoring = Literal["cosine", "in_out"]
SCORINGS: tuple[Scoring, ...] = get_args(Scoring)
TARGET_FILE = "target_vectors.npy"
CONTEXT_FILE = "context_vectors.npy"
SCORING_FILE = "scoring.json"
TOP = 10


@dataclass(frozen=True, kw_only=True)
class ProductVectors:
    """`target` and `context`: float32 [products, size], rows in the order of `vocabulary`."""

    vocabulary: Vocabulary
    target: np.ndarray
    context: np.ndarray
    scoring: Scoring = "cosine"

    def save(self, directory: Path) -> None:
        np.save(directory / TARGET_FILE, self.target.astype(np.float32))
        np.save(directory / CONTEXT_FILE, self.context.astype(np.float32))
        (directory / SCORING_FILE).write_text(json.dumps({"scoring": self.scoring}), encoding="utf-8")
        self.vocabulary.save(directory)

    @classmethod
    def load(cls, directory: Path) -> ProductVectors:
        return cls(
            vocabulary=Vocabulary.load(directory),
            target=np.load(directory / TARGET_FILE),
            context=np.load(directory / CONTEXT_FILE),
            scoring=json.loads((directory / SCORING_FILE).read_text(encoding="utf-8"))["scoring"],
        )

    @cached_property
    def unit(self) -> np.ndarray:
        """Target vectors of length 1: their dot product is the cosine similarity of two products."""
        return unit_rows(self.target)

    def next_scores(self, baskets: Ragged) -> np.ndarray:
        """How well each product continues each basket: float32 [baskets, products]; baskets hold indices."""
        rows, products = (self.unit, self.unit) if self.scoring == "cosine" else (self.target, self.context)
        return np.asarray(mean_rows(rows, baskets) @ products.T)

    def similar(self, index: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices and cosines of the `count` products most like the one at `index`, best first, without itself."""
        return self.similar_many(np.array([index]), count)[0]

    def similar_many(self, indices: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """`similar` for several products at once."""
        cosines = self.unit[indices] @ self.unit.T
        cosines[np.arange(len(indices)), indices] = -np.inf
        best = top_columns(cosines, min(count, len(self.vocabulary) - 1))
        return [(columns, cosines[row, columns]) for row, columns in enumerate(best)]


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-12), dtype=np.float32)


def mean_rows(matrix: np.ndarray, baskets: Ragged) -> np.ndarray:
    """Mean of the matrix rows that each basket names: float32 [baskets, size]; zeros for an empty basket."""
    sums = np.zeros((len(baskets), matrix.shape[1]), dtype=np.float32)
    filled = np.flatnonzero(baskets.lengths)
    if len(filled):
        # Starts of non-empty rows only: `reduceat` would give an empty row its neighbour's first value.
        sums[filled] = np.add.reduceat(matrix[baskets.values], baskets.offsets[filled], axis=0)
    return np.asarray(sums / np.maximum(baskets.lengths, 1)[:, None], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class EncodedQueries:
    """Queries in the indices of one vocabulary; `targets` is `OUT_OF_VOCABULARY` where the answer is unknown to it."""

    contexts: Ragged
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    @classmethod
    def of(cls, queries: Queries, vocabulary: Vocabulary) -> EncodedQueries:
        return cls(contexts=vocabulary.encode_rows(queries.contexts), targets=vocabulary.encode(queries.targets))

    def __getitem__(self, rows: slice) -> EncodedQueries:
        return EncodedQueries(contexts=self.contexts[rows], targets=self.targets[rows])

    @property
    def answerable(self) -> np.ndarray:
        """Where both the answer and something of the basket are known; elsewhere every model misses."""
        return np.asarray((self.targets != OUT_OF_VOCABULARY) & (self.contexts.lengths > 0))


def mask_contexts(scores: np.ndarray, contexts: Ragged) -> None:
    """What is in the basket already is no candidate: its scores become minus infinity, in place."""
    scores[contexts.row_of_value, contexts.values] = -np.inf


def ranks_in(scores: np.ndarray, queries: EncodedQueries) -> np.ndarray:
    """Rank (float64, best 0) of each query's answer in its row of scores; infinite where it cannot be answered.

    Products with the same score share their places, so that a model that scores all alike gains nothing by it.
    """
    mask_contexts(scores, queries.contexts)
    rows = np.flatnonzero(queries.answerable)
    found = scores[rows, queries.targets[rows]][:, None]
    candidates = scores[rows]
    better, equal = (candidates > found).sum(axis=1), (candidates == found).sum(axis=1)
    ranks = np.full(len(queries), np.inf)
    # An answer that is in the basket itself was masked; nobody can be credited for it.
    ranks[rows] = np.where(np.isfinite(found[:, 0]), better + (equal - 1) / 2, np.inf)
    return ranks


def ranks(score: Callable[[Ragged], np.ndarray], queries: Queries, vocabulary: Vocabulary) -> np.ndarray:
    """`ranks_in` of all queries, block by block; `score` gives float [baskets, products] for encoded baskets."""
    encoded = EncodedQueries.of(queries, vocabulary)
    found = [
        ranks_in(score(encoded.contexts[block]), encoded[block]) for block in blocks(len(queries), len(vocabulary))
    ]
    return np.concatenate(found)


def hits(ranks: np.ndarray) -> np.ndarray:
    """1.0 where the answer is among the ten best, else 0.0."""
    return (ranks < TOP).astype(np.float64)
