"""Prepared tables for the tests of prod2vec, made by hand or from the generated sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.prod2vec import prepare, sample
from recipes.prod2vec.config import CONFIG, sources
from tests.recipes.tables import read_sources

Basket = tuple[int, str, Sequence[int]]


def write_prepared(directory: Path, baskets: Sequence[Basket], *, top: int = 1_000_000) -> Path:
    """What `prepare` would write for these (order id, role, product ids); product 7 is called "Product 7"."""
    counts = Counter(product for _, role, products in baskets if role == "train" for product in products)
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:top]
    products = sorted({product for _, _, each in baskets for product in each})
    tables = {
        "baskets": pa.table(
            {
                "order_id": pa.array([order for order, _, _ in baskets], pa.int64()),
                "role": [role for _, role, _ in baskets],
                "products": pa.array([list(each) for _, _, each in baskets], pa.list_(pa.int64())),
            }
        ),
        "vocabulary": pa.table(
            {
                "product_id": [product for product, _ in ranked],
                "frequency": [count for _, count in ranked],
                "rank": list(range(len(ranked))),
            }
        ),
        "catalogue": pa.table(
            {
                "product_id": products,
                "product_name": [f"Product {product}" for product in products],
                "aisle_id": [1] * len(products),
                "department_id": [product % 3 for product in products],
            }
        ),
    }
    for name, table in tables.items():
        (directory / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, directory / name / "part-00000.parquet")
    return directory


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
