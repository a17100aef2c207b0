"""The files that process leaves for training, which reads them without loading DuckDB; every stage from process on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recipes.prod2vec.features import RaggedArray

PRODUCTS_FILE = "products.npy"
OFFSETS_FILE = "offsets.npy"
KEEP_PROBABILITY_FILE = "keep_probability.npy"
NEGATIVE_PROBABILITY_FILE = "negative_probability.npy"


def load_baskets(directory: Path) -> RaggedArray:
    """The training baskets that process wrote, mapped rather than read into memory."""
    return RaggedArray(
        values=np.load(directory / PRODUCTS_FILE, mmap_mode="r"),
        offsets=np.load(directory / OFFSETS_FILE, mmap_mode="r"),
    )
