"""The nearest products of every product, found once in training so that serving looks them up; numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.prod2vec.inference import ProductVectors
from trainyard.contract.ranking import blocks

NEIGHBOURS_FILE = "neighbours.npz"
NEIGHBOURS_PER_PRODUCT = 20
# The work grows with the square of the products; beyond this, serving searches.
MAX_PRODUCTS = 50_000


@dataclass(frozen=True, kw_only=True)
class PrecomputedNeighbours:
    """Row i: indices (int32) and cosines (float32) of the products most like product i, best first."""

    indices: np.ndarray
    cosines: np.ndarray

    @classmethod
    def compute(cls, vectors: ProductVectors) -> PrecomputedNeighbours:
        """Exact, as `ProductVectors.similar_many` finds them."""
        products = len(vectors.vocabulary)
        count = min(NEIGHBOURS_PER_PRODUCT, products - 1)
        found = [
            pair
            for block in blocks(products, products)
            for pair in vectors.similar_many(np.arange(products)[block], count)
        ]
        return cls(
            indices=np.asarray([indices for indices, _ in found], dtype=np.int32).reshape(products, count),
            cosines=np.asarray([cosines for _, cosines in found], dtype=np.float32).reshape(products, count),
        )

    def save(self, directory: Path) -> None:
        np.savez(directory / NEIGHBOURS_FILE, indices=self.indices, cosines=self.cosines)

    @classmethod
    def load(cls, directory: Path) -> PrecomputedNeighbours | None:
        """None for a model without precomputed neighbours."""
        if not (directory / NEIGHBOURS_FILE).is_file():
            return None
        with np.load(directory / NEIGHBOURS_FILE) as saved:
            return cls(indices=saved["indices"], cosines=saved["cosines"])
