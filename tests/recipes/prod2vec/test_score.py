"""Every product of a shop is scored under its own key, with and without a catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.prod2vec import score
from recipes.prod2vec.config import CONFIG, GOES_WITH, SCORES
from recipes.prod2vec.inference import ProductVectors
from tests.recipes.prod2vec.conftest import vocabulary_of
from trainyard.contract import chunks
from trainyard.stages.answers import AnswerProfiler, naming_rows

LINES = ["80144A", "POST", "80144A", "zz", "22"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    vectors = np.eye(3, 2, dtype=np.float32)
    vocabulary = vocabulary_of(["POST", "80144A", "007"], names=["Postage", "T-light", "Bond"])
    ProductVectors(vocabulary=vocabulary, target=vectors, context=vectors).save(folder)
    return folder


def scored(model: Path, tables: Path, **given: dict[str, list[object]]) -> list[dict[str, object]]:
    for name, columns in given.items():
        (tables / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), tables / name / "part-00000.parquet")
    found = pa.concat_tables(score.score(model, tables, config=CONFIG))
    assert score.count(tables, CONFIG) == found.num_rows
    return found.select([each.name for each in SCORES]).cast(chunks.schema(SCORES)).to_pylist()


def test_lists_for_single_products_are_no_answers_to_baskets(model, tmp_path):
    (tmp_path / "tables" / "order_products").mkdir(parents=True)
    pq.write_table(pa.table({"product_id": LINES}), tmp_path / "tables" / "order_products" / "part-00000.parquet")
    profiler = AnswerProfiler(rows=4, left_out=naming_rows(SCORES))
    for each in score.score(model, tmp_path / "tables", config=CONFIG):
        profiler.add(each)
    assert GOES_WITH not in profiler.profile().columns


def told(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(row["product_id"], row["product_name"], row["known"]) for row in rows]


def test_without_a_catalogue_the_products_are_those_of_the_orders(model, tmp_path):
    rows = scored(model, tmp_path / "tables", order_products={"product_id": LINES})
    assert told(rows) == [
        ("22", "22", False),
        ("80144A", "T-light", True),
        ("POST", "Postage", True),
        ("zz", "zz", False),
    ]
    assert [each["product_id"] for each in rows[1]["similar"]] == ["POST", "007"]
    assert rows[0]["similar"] == rows[0]["goes_with"] == []
    # Without a scorer of its own, as in models of earlier versions, vectors say what goes with a product.
    assert [each["product_id"] for each in rows[1]["goes_with"]] == ["POST", "007"]


def test_lines_of_orders_with_products_that_the_model_does_not_know_are_counted(model, tmp_path):
    (tmp_path / "tables" / "order_products").mkdir(parents=True)
    pq.write_table(pa.table({"product_id": LINES}), tmp_path / "tables" / "order_products" / "part-00000.parquet")
    [table] = score.score(model, tmp_path / "tables", config=CONFIG)
    assert sum(table["lines"].to_pylist()) == len(LINES)
    assert sum(table["unknown_products"].to_pylist()) == 2


def test_a_catalogue_comes_first_in_its_order_and_names_its_products(model, tmp_path):
    products = {"product_id": ["zz", "007", "80144A"], "product_name": ["Zebra", None, " T-light holder "]}
    rows = scored(model, tmp_path / "tables", products=products, order_products={"product_id": LINES})
    assert told(rows) == [
        ("zz", "Zebra", False),
        ("007", "Bond", True),
        ("80144A", "T-light holder", True),
        ("22", "22", False),
        ("POST", "Postage", True),
    ]


def test_numbers_are_scored_as_they_are_written(tmp_path):
    vectors = np.eye(2, dtype=np.float32)
    (tmp_path / "model").mkdir()
    ProductVectors(vocabulary=vocabulary_of([7, 2**62]), target=vectors, context=vectors).save(tmp_path / "model")
    rows = scored(tmp_path / "model", tmp_path / "tables", order_products={"product_id": [2**62, 7, 8]})
    assert told(rows) == [(str(2**62), f"Product {2**62}", True), ("7", "Product 7", True), ("8", "8", False)]
