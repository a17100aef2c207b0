"""A prod2vec model small enough to be made in a moment, for tests of what serves it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recipes.prod2vec.features import Vocabulary
from recipes.prod2vec.inference import ProductVectors
from trainyard.run.model_archive import ModelCard

PRODUCTS = 30


def small_model(folder: Path) -> Path:
    """The folder, made, with 30 products from 100 on; their vectors mean nothing."""
    folder.mkdir()
    random = np.random.default_rng(1)
    vocabulary = Vocabulary(
        product_ids=(np.arange(PRODUCTS) + 100).astype(str).astype(object),
        frequencies=np.arange(PRODUCTS)[::-1],
        names=tuple(f"product {index}" for index in range(PRODUCTS)),
        departments=("",) * PRODUCTS,
    )
    vectors = random.normal(size=(2, PRODUCTS, 4)).astype(np.float32)
    ProductVectors(vocabulary=vocabulary, target=vectors[0], context=vectors[1]).save(folder)
    ModelCard(recipe="prod2vec", run_id="r7", seed=1).write(folder)
    return folder
