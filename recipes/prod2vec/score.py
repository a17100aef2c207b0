"""The ten nearest products of every product of a shop; score job in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recipes.prod2vec.config import Config
from recipes.prod2vec.features import OUT_OF_VOCABULARY
from recipes.prod2vec.inference import ProductVectors
from trainyard.contract import chunks
from trainyard.contract.ranking import blocks

CATALOGUE, LINES = "products", "order_products"
SIMILAR_PRODUCTS = 10


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per product of the catalogue or the orders, known to the model or not."""
    found = duckdb.sql(f"SELECT count(*) FROM ({_products(tables)})").fetchall()  # noqa: S608 - our own query
    return int(found[0][0])


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per product, `score.chunk_rows` at a time: the catalogue in its order, then others by their keys.

    Similar ones are so by cosine. A product without a name in the catalogue has the model's name for it, or its key.
    """
    vectors = ProductVectors.load(model_dir)
    names = pa.array(vectors.vocabulary.names, pa.string())
    reader = duckdb.sql(f"{_products(tables)} ORDER BY place NULLS LAST, product_id").to_arrow_reader(
        config.score.chunk_rows
    )
    for chunk in reader:
        indices = vectors.vocabulary.encode(chunk["product_id"])
        known = indices != OUT_OF_VOCABULARY
        yield pa.table(
            {
                "product_id": chunk["product_id"],
                "product_name": _named(chunk, names, indices=indices),
                "known": known,
                "similar": _similar(vectors, names, indices=indices, known=known),
            }
        )


def _products(tables: Path) -> str:
    """A query for every product: its key as text, its name in the catalogue or none, and its place there or none."""
    if not (tables / CATALOGUE).is_dir():
        return f"SELECT product_id, NULL::VARCHAR AS product_name, NULL AS place FROM ({_ordered(tables)})"  # noqa: S608
    listed = (
        "SELECT product_id::VARCHAR AS product_id, nullif(trim(product_name), '') AS product_name, "  # noqa: S608
        f"row_number() OVER () AS place FROM {_table(tables, CATALOGUE)}"
    )
    if not (tables / LINES).is_dir():
        return listed
    return f"SELECT product_id, product_name, place FROM ({listed}) FULL JOIN ({_ordered(tables)}) USING (product_id)"  # noqa: S608


def _ordered(tables: Path) -> str:
    return f"SELECT DISTINCT product_id::VARCHAR AS product_id FROM {_table(tables, LINES)}"  # noqa: S608


def _table(tables: Path, name: str) -> str:
    files = [part.as_posix().replace("'", "''") for part in chunks.parts(tables / name)]
    return "read_parquet([" + ", ".join(f"'{each}'" for each in files) + "])"


def _named(products: pa.RecordBatch, names: pa.Array, *, indices: np.ndarray) -> pa.Array:
    known = pa.array(indices, mask=indices == OUT_OF_VOCABULARY)
    return pc.coalesce(products["product_name"], names.take(known), products["product_id"])


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
            vectors.vocabulary.keys.take(pa.array(best)),
            names.take(pa.array(best)),
            pa.array(cosines.astype(np.float64)),
        ],
        names=["product_id", "product_name", "score"],
    )
    return pa.ListArray.from_arrays(pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32()), products)
