"""Prepared tables for the tests of prod2vec, made by hand or from the generated sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.prod2vec import prepare, sample
from recipes.prod2vec.config import CONFIG, sources
from recipes.prod2vec.features import Queries, RaggedArray, Vocabulary
from tests.recipes.tables import read_sources

Basket = tuple[int, str, Sequence[int]]


def write_prepared(directory: Path, baskets: Sequence[Basket], *, top: int = 1_000_000) -> Path:
    """What `prepare` would write for these (order id, role, product ids); product 7 is called "Product 7"."""
    counts = Counter(product for _, role, products in baskets if role == "train" for product in products)
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:top]
    products = sorted({product for _, _, each in baskets for product in each})
    index = {product: position for position, product in enumerate(products)}
    tables = {
        "baskets": pa.table(
            {
                "order_id": [str(order) for order, _, _ in baskets],
                "role": [role for _, role, _ in baskets],
                "products": pa.array([[index[p] for p in each] for _, _, each in baskets], pa.list_(pa.int64())),
            }
        ),
        "vocabulary": pa.table(
            {
                "product_index": pa.array([index[product] for product, _ in ranked], pa.int64()),
                "frequency": [count for _, count in ranked],
                "rank": list(range(len(ranked))),
            }
        ),
        "catalogue": pa.table(
            {
                "product_index": list(range(len(products))),
                "product_id": [str(product) for product in products],
                "product_name": [f"Product {product}" for product in products],
                "department": [str(product % 3) for product in products],
            }
        ),
    }
    for name, table in tables.items():
        (directory / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, directory / name / "part-00000.parquet")
    return directory


def vocabulary_of(
    ids: Iterable[object],
    *,
    frequencies: Sequence[int] = (),
    names: Sequence[str] = (),
    departments: Sequence[str] = (),
) -> Vocabulary:
    """A vocabulary of products with these ids, equally frequent and without departments unless they are given."""
    keys = [str(each) for each in ids]
    return Vocabulary(
        product_ids=np.asarray(keys, dtype=object),
        frequencies=np.asarray(frequencies or [1] * len(keys)),
        names=tuple(names or (f"Product {each}" for each in keys)),
        departments=tuple(departments or [""] * len(keys)),
    )


def queries_of(*asked: tuple[Sequence[object], object]) -> Queries:
    """Queries of (products in the basket, the product that follows), by their ids."""
    keys = sorted({str(each) for context, target in asked for each in (*context, target)})
    index = {key: position for position, key in enumerate(keys)}
    return Queries(
        order_ids=np.asarray([str(each) for each in range(len(asked))], dtype=object),
        contexts=RaggedArray.from_lists([[index[str(each)] for each in context] for context, _ in asked]),
        targets=np.asarray([index[str(target)] for _, target in asked]),
        product_ids=np.asarray(keys, dtype=object),
    )


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, list[tuple[int, int]]]]:
    """Prepared tables of a generated sample of 200,000 order lines, and the answer planted in it."""
    root = tmp_path_factory.mktemp("sampled")
    planted = sample.write(root / "raw", size=200_000, seed=3)
    tables = read_sources(ibis.duckdb.connect(), root / "raw", sources(CONFIG))
    for name, table in prepare.prepare(tables, CONFIG).items():
        (root / "prepare" / name).mkdir(parents=True)
        table.to_parquet(root / "prepare" / name / "part-00000.parquet")
    return root / "prepare", planted
