"""Turns prepared baskets into what training reads; runs in the processing image.

The pairs of a target and a context product are not written out: there are about ten times as many as order lines, and
each epoch takes others. Training draws them inside the TensorFlow graph from these baskets, see `batches.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np

from recipes.prod2vec.config import Config
from recipes.prod2vec.features import OUT_OF_VOCABULARY, Queries, RaggedArray, Vocabulary, texts
from recipes.prod2vec.training_files import (
    KEEP_PROBABILITY_FILE,
    NEGATIVE_PROBABILITY_FILE,
    OFFSETS_FILE,
    PRODUCTS_FILE,
)
from trainyard.contract.lean.arrow import numbers, pa
from trainyard.errors import JobFailed

# Exponent of Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 2.2.
NEGATIVE_EXPONENT = 0.75
BASKETS_PER_READ = 100_000


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """Write training baskets, sampling tables, queries and the vocabulary; returns their figures.

    * `features/vocabulary.parquet`: see `features.Vocabulary`.
    * `train/products.npy` (int32 indices, basket after basket, shorter baskets first) and `train/offsets.npy` (int64).
    * `train/keep_probability.npy`, `train/negative_probability.npy`: float32 per product.
    * `validation/queries.parquet`, `holdout/queries.parquet`: see `features.Queries`.
    """
    for name in ("train", "validation", "holdout", "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    vocabulary, known = _vocabulary(inputs)
    vocabulary.save(outputs / "features")
    baskets = _training_baskets(inputs, known)
    np.save(outputs / "train" / PRODUCTS_FILE, baskets.values)
    np.save(outputs / "train" / OFFSETS_FILE, baskets.offsets)
    frequencies = vocabulary.frequencies
    np.save(outputs / "train" / KEEP_PROBABILITY_FILE, keep_probability(frequencies, config.data.subsampling_threshold))
    np.save(outputs / "train" / NEGATIVE_PROBABILITY_FILE, negative_probability(frequencies))
    figures = {"products": float(len(vocabulary)), "train_baskets": float(len(baskets))}
    figures["train_lines"] = float(len(baskets.values))
    for role in ("validation", "holdout"):
        queries = _queries(inputs, role, limit=config.data.max_queries)
        queries.save(outputs / role)
        figures[f"{role}_queries"] = float(len(queries))
    return figures


def keep_probability(frequencies: np.ndarray, threshold: float) -> np.ndarray:
    """Probability (float32) that an occurrence of a product is used: `sqrt(t / f) + t / f`, at most 1, as in word2vec.

    `f` is the product's share of all lines and `t` the threshold; a threshold of 0 keeps all.
    """
    if threshold == 0:
        return np.ones(len(frequencies), dtype=np.float32)
    ratio = threshold * frequencies.sum() / frequencies
    return np.asarray(np.minimum(1.0, np.sqrt(ratio) + ratio), dtype=np.float32)


def negative_probability(frequencies: np.ndarray) -> np.ndarray:
    """Probability (float32) of each product to be drawn as a negative: proportional to frequency to the power 0.75."""
    weights = frequencies.astype(np.float64) ** NEGATIVE_EXPONENT
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def _table(inputs: Path, name: str) -> str:
    return f"read_parquet('{(inputs / name).as_posix().replace(chr(39), chr(39) * 2)}/*.parquet') AS {name}"


def _vocabulary(inputs: Path) -> tuple[Vocabulary, np.ndarray]:
    """The vocabulary, and the number in the catalogue of each of its products."""
    table = duckdb.sql(
        f"""
        SELECT product_index, frequency, product_id, product_name, department
        FROM {_table(inputs, "vocabulary")} JOIN {_table(inputs, "catalogue")} USING (product_index)
        ORDER BY rank
        """  # noqa: S608 - the only thing formatted in is the name of an input folder
    ).to_arrow_table()
    if table.num_rows < 2:
        raise JobFailed(
            f"Expected at least 2 products in the training baskets, found {table.num_rows}; upload more orders."
        )
    vocabulary = Vocabulary(
        product_ids=texts(table["product_id"]),
        frequencies=numbers(table["frequency"]),
        names=tuple(table["product_name"].to_pylist()),
        departments=tuple(table["department"].to_pylist()),
    )
    return vocabulary, numbers(table["product_index"])


def _training_baskets(inputs: Path, known: np.ndarray) -> RaggedArray:
    """Training baskets in indices of the vocabulary, sorted by length; those with fewer than two of it are left out.

    Baskets of equal length side by side let training draw a length first and then a basket of it. They are read in the
    order of their keys as text, so the result does not depend on how the table was split into files.
    """
    ranks = np.full(len(_catalogue(inputs)), OUT_OF_VOCABULARY, dtype=np.int32)
    ranks[known] = np.arange(len(known))
    parts = [_translated(rows, ranks) for rows in _baskets_of(inputs, "train")]
    lengths = np.concatenate([part.lengths for part in parts])
    values = np.concatenate([part.values for part in parts])
    if not (lengths >= 2).any():
        raise JobFailed("Expected training baskets of at least 2 known products, found none; upload more orders.")
    baskets = RaggedArray(values=values, offsets=np.concatenate(([0], np.cumsum(lengths))))
    by_length = np.argsort(lengths, kind="stable")
    return baskets.take(by_length[lengths[by_length] >= 2])


def _translated(rows: RaggedArray, ranks: np.ndarray) -> RaggedArray:
    """Rows of numbers in the catalogue as rows of indices, without the products that are out of vocabulary."""
    indices = ranks[rows.values]
    return RaggedArray(values=indices, offsets=rows.offsets).filter_values(indices != OUT_OF_VOCABULARY)


def _catalogue(inputs: Path) -> np.ndarray:
    """The key of every product at its number in the catalogue."""
    table = duckdb.sql(f"SELECT product_id FROM {_table(inputs, 'catalogue')} ORDER BY product_index")  # noqa: S608
    return texts(table.to_arrow_table()["product_id"])


def _baskets_of(inputs: Path, role: str) -> Iterator[RaggedArray]:
    reader = duckdb.sql(
        f"SELECT products FROM {_table(inputs, 'baskets')} WHERE role = '{role}' ORDER BY order_id"  # noqa: S608
    ).to_arrow_reader(BASKETS_PER_READ)
    for batch in reader:
        yield RaggedArray.from_arrow(batch.column(0))


def _queries(inputs: Path, role: str, *, limit: int) -> Queries:
    """At most `limit` queries: the choice depends on order ids alone, so that every run has the same ones."""
    table: pa.Table = duckdb.sql(
        f"""
        SELECT order_id, products[:-2] AS context, products[-1] AS target
        FROM (SELECT * FROM {_table(inputs, "baskets")} WHERE role = '{role}' AND len(products) >= 2
              ORDER BY md5(order_id), order_id LIMIT {limit})
        ORDER BY order_id
        """  # noqa: S608
    ).to_arrow_table()
    if table.num_rows == 0:
        raise JobFailed(f"Expected {role} baskets of at least 2 products, found none; upload more orders.")
    contexts, targets = RaggedArray.from_arrow(table["context"]), numbers(table["target"])
    # Only the products that are asked about travel with the queries.
    used, position = np.unique(np.concatenate([contexts.values, targets]), return_inverse=True)
    return Queries(
        order_ids=texts(table["order_id"]),
        contexts=RaggedArray(values=position[: len(contexts.values)], offsets=contexts.offsets),
        targets=position[len(contexts.values) :],
        product_ids=_catalogue(inputs)[used],
    )
