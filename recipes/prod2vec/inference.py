"""A trained model as numpy arrays: how to compare baskets and products; for train, evaluate, report, score, serve."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from recipes.prod2vec.features import RaggedArray, Vocabulary
from trainyard.contract.ranking import top_columns

# Which similarity ranks the products that may come next, given a basket:
# `cosine`: basket = mean of the unit target vectors, product = unit target vector.
# `in_out`: basket = mean of the target vectors, product = context vector, as in training (Mitra et al. 2016, "A Dual
# Embedding Space Model for Document Ranking").
Similarity = Literal["cosine", "in_out"]
SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)
TARGET_FILE = "target_vectors.npy"
CONTEXT_FILE = "context_vectors.npy"
SIMILARITY_FILE, SIMILARITY_KEY = "scoring.json", "scoring"


@dataclass(frozen=True, kw_only=True)
class ProductVectors:
    """`target` and `context`: float32 [products, size], rows in the order of `vocabulary`."""

    vocabulary: Vocabulary
    target: np.ndarray
    context: np.ndarray
    similarity: Similarity = "cosine"

    def save(self, directory: Path) -> None:
        np.save(directory / TARGET_FILE, self.target.astype(np.float32))
        np.save(directory / CONTEXT_FILE, self.context.astype(np.float32))
        (directory / SIMILARITY_FILE).write_text(json.dumps({SIMILARITY_KEY: self.similarity}), encoding="utf-8")
        self.vocabulary.save(directory)

    @classmethod
    def load(cls, directory: Path) -> ProductVectors:
        return cls(
            vocabulary=Vocabulary.load(directory),
            target=np.load(directory / TARGET_FILE),
            context=np.load(directory / CONTEXT_FILE),
            similarity=json.loads((directory / SIMILARITY_FILE).read_text(encoding="utf-8"))[SIMILARITY_KEY],
        )

    @cached_property
    def unit_vectors(self) -> np.ndarray:
        """Target vectors of length 1: their dot product is the cosine similarity of two products."""
        return normalize_rows(self.target)

    def next_product_scores(self, baskets: RaggedArray) -> np.ndarray:
        """How well each product continues each basket: float32 [baskets, products]; baskets hold indices."""
        in_baskets, candidates = (
            (self.unit_vectors, self.unit_vectors) if self.similarity == "cosine" else (self.target, self.context)
        )
        return np.asarray(basket_vectors(in_baskets, baskets) @ candidates.T)

    def similar(self, index: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices and cosines of the `count` products most like the one at `index`, best first, without itself."""
        return self.similar_many(np.array([index]), count)[0]

    def similar_many(self, indices: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """`similar` for several products at once."""
        cosines = self.unit_vectors[indices] @ self.unit_vectors.T
        cosines[np.arange(len(indices)), indices] = -np.inf
        best = top_columns(cosines, min(count, len(self.vocabulary) - 1))
        return [(columns, cosines[row, columns]) for row, columns in enumerate(best)]


def normalize_rows(matrix: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-12), dtype=np.float32)


def basket_vectors(vectors: np.ndarray, baskets: RaggedArray) -> np.ndarray:
    """Mean vector of the products in each basket: float32 [baskets, size]; zeros for an empty basket."""
    sums = np.zeros((len(baskets), vectors.shape[1]), dtype=np.float32)
    filled = np.flatnonzero(baskets.lengths)
    if len(filled):
        # Starts of non-empty rows only: `reduceat` would give an empty row its neighbour's first value.
        sums[filled] = np.add.reduceat(vectors[baskets.values], baskets.offsets[filled], axis=0)
    return np.asarray(sums / np.maximum(baskets.lengths, 1)[:, None], dtype=np.float32)
