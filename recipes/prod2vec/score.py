"""What is like every product of a shop and what goes with it; score job in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.config import Config
from recipes.prod2vec.features import OUT_OF_VOCABULARY, RaggedArray
from recipes.prod2vec.inference import ProductVectors
from trainyard.contract import chunks
from trainyard.contract.ranking import blocks, top_columns

CATALOGUE, LINES = "products", "order_products"
LISTED_PRODUCTS = 10
# The places and the scores of the best products for one.
Best = tuple[np.ndarray, np.ndarray]


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per product of the catalogue or the orders, known to the model or not."""
    found = duckdb.sql(f"SELECT count(*) FROM ({_products(tables)})").fetchall()  # noqa: S608 - our own query
    return int(found[0][0])


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per product, `score.chunk_rows` at a time: the catalogue in its order, then others by their keys.

    Similar ones are so by cosine; what goes with a product is what its basket is answered with, if it is there alone.
    A product without a name in the catalogue has the model's name for it, or its key.
    """
    vectors, scorer = ProductVectors.load(model_dir), BasketScorer.load(model_dir)
    names = pa.array(vectors.vocabulary.names, pa.string())
    reader = duckdb.sql(f"{_products(tables)} ORDER BY place NULLS LAST, product_id").to_arrow_reader(
        config.score.chunk_rows
    )
    for chunk in reader:
        indices = vectors.vocabulary.encode(chunk["product_id"])
        known = indices != OUT_OF_VOCABULARY
        found = _similar(vectors, indices[known]), _going_with(vectors, scorer, indices=indices[known])
        similar, goes_with = (_lists(each, vectors, names=names, known=known) for each in found)
        yield pa.table(
            {
                "product_id": chunk["product_id"],
                "product_name": _named(chunk, names, indices=indices),
                "known": known,
                **_lines(chunk["lines"], known),
                "similar": similar,
                "goes_with": goes_with,
            }
        )


def _lines(lines: pa.Array, known: np.ndarray) -> dict[str, np.ndarray]:
    """Lines of orders with each product, and those of them that the model knows nothing of, as `SHARES` name them."""
    found = lines.to_numpy()
    return {"lines": found, "unknown_products": np.where(known, 0, found)}


def _products(tables: Path) -> str:
    """A query for every product: its key as text, its name and place in the catalogue or none, and its order lines."""
    if not (tables / CATALOGUE).is_dir():
        return f"SELECT product_id, NULL::VARCHAR AS product_name, NULL AS place, lines FROM ({_ordered(tables)})"  # noqa: S608
    listed = (
        "SELECT product_id::VARCHAR AS product_id, nullif(trim(product_name), '') AS product_name, "  # noqa: S608
        f"row_number() OVER () AS place FROM {_table(tables, CATALOGUE)}"
    )
    if not (tables / LINES).is_dir():
        return f"SELECT *, 0 AS lines FROM ({listed})"  # noqa: S608
    both = f"({listed}) FULL JOIN ({_ordered(tables)}) USING (product_id)"
    return f"SELECT product_id, product_name, place, coalesce(lines, 0) AS lines FROM {both}"  # noqa: S608


def _ordered(tables: Path) -> str:
    return f"SELECT product_id::VARCHAR AS product_id, count(*) AS lines FROM {_table(tables, LINES)} GROUP BY 1"  # noqa: S608


def _table(tables: Path, name: str) -> str:
    files = [part.as_posix().replace("'", "''") for part in chunks.parts(tables / name)]
    # By name, for a file need not have all columns that others have.
    return "read_parquet([" + ", ".join(f"'{each}'" for each in files) + "], union_by_name = true)"


def _named(products: pa.RecordBatch, names: pa.Array, *, indices: np.ndarray) -> pa.Array:
    known = pa.array(indices, mask=indices == OUT_OF_VOCABULARY)
    return pc.coalesce(products["product_name"], names.take(known), products["product_id"])


def _similar(vectors: ProductVectors, indices: np.ndarray) -> list[Best]:
    return [
        each
        for block in blocks(len(indices), len(vectors.vocabulary))
        for each in vectors.similar_many(indices[block], LISTED_PRODUCTS)
    ]


def _going_with(vectors: ProductVectors, scorer: BasketScorer | None, *, indices: np.ndarray) -> list[Best]:
    """The best products for a basket of each one."""
    if scorer is not None:
        return [scorer.best([index], LISTED_PRODUCTS) for index in indices.tolist()]
    count, found = min(LISTED_PRODUCTS, len(vectors.vocabulary) - 1), []
    for block in blocks(len(indices), len(vectors.vocabulary)):
        asked = indices[block]
        scores = vectors.next_product_scores(RaggedArray(values=asked, offsets=np.arange(len(asked) + 1)))
        scores[np.arange(len(asked)), asked] = -np.inf
        found += [(best, scores[row, best]) for row, best in enumerate(top_columns(scores, count))]
    return found


def _lists(found: list[Best], vectors: ProductVectors, *, names: pa.Array, known: np.ndarray) -> pa.ListArray:
    """Lists of products with names and scores, one per row; an empty list where the model does not know it."""
    best = np.concatenate([np.empty(0, np.int64), *(each for each, _ in found)])
    scores = np.concatenate([np.empty(0, np.float32), *(each for _, each in found)])
    lengths = np.zeros(len(known), dtype=np.int64)
    lengths[known] = [len(each) for each, _ in found]
    products = pa.StructArray.from_arrays(
        [vectors.vocabulary.keys.take(pa.array(best)), names.take(pa.array(best)), pa.array(scores.astype(np.float64))],
        names=["product_id", "product_name", "score"],
    )
    return pa.ListArray.from_arrays(pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32()), products)
