"""The ten nearest products of every product of a catalogue; score job in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from recipes.prod2vec.config import Config
from recipes.prod2vec.features import OUT_OF_VOCABULARY
from recipes.prod2vec.inference import ProductVectors
from trainyard.contract import chunks
from trainyard.contract.ranking import blocks

TABLE = "products"
SIMILAR_PRODUCTS = 10


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per line of products.csv, known to the model or not."""
    return chunks.count(tables / TABLE)


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per product, in the order of the file, `score.chunk_rows` at a time; similar ones by cosine."""
    vectors = ProductVectors.load(model_dir)
    names = pa.array(vectors.vocabulary.names, pa.string())
    for chunk in chunks.read(tables / TABLE, ("product_id", "product_name"), rows=config.score.chunk_rows):
        indices = vectors.vocabulary.encode(chunk["product_id"].to_numpy())
        known = indices != OUT_OF_VOCABULARY
        yield pa.table(
            {
                "product_id": chunk["product_id"],
                "product_name": chunk["product_name"],
                "known": known,
                "similar": _similar(vectors, names, indices=indices, known=known),
            }
        )


def _similar(vectors: ProductVectors, names: pa.Array, *, indices: np.ndarray, known: np.ndarray) -> pa.ListArray:
    """The nearest of every product; an empty list where the model does not know it."""
    asked = indices[known]
    found = [
        each
        for block in blocks(len(asked), len(vectors.vocabulary))
        for each in vectors.similar_many(asked[block], SIMILAR_PRODUCTS)
    ]
    best = np.concatenate([np.empty(0, np.int64), *(each for each, _ in found)])
    cosines = np.concatenate([np.empty(0, np.float32), *(each for _, each in found)])
    lengths = np.zeros(len(indices), dtype=np.int64)
    lengths[known] = [len(each) for each, _ in found]
    products = pa.StructArray.from_arrays(
        [
            pa.array(vectors.vocabulary.product_ids[best], pa.int64()),
            names.take(pa.array(best)),
            pa.array(cosines.astype(np.float64)),
        ],
        names=["product_id", "product_name", "score"],
    )
    return pa.ListArray.from_arrays(pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32()), products)
