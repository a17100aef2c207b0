"""What prepare makes of order lines, on DuckDB; `tests/ingest/test_engines.py` demands the same of Spark."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa
import pytest

from recipes.prod2vec.config import CONFIG, Config, sources
from recipes.prod2vec.prepare import SALT, check, prepare
from tests.recipes.tables import stored
from trainyard.contract.holdout import role
from trainyard.contract.records import rows
from trainyard.errors import ConfigError
from trainyard.run.overrides import override

INT64_COLUMNS = ("order_id", "product_id", "add_to_cart_order", "reordered")


def config(**data: Any) -> Config:
    return override(CONFIG, {"data": data})


def tables(lines: list[tuple[int, int, int]], products: list[int]) -> dict[str, ibis.Table]:
    """Order lines of (order, product, position in the cart), and a catalogue of product ids."""
    columns = [*zip(*lines, strict=True), [0] * len(lines)]
    ordered = {name: pa.array(column, pa.int64()) for name, column in zip(INT64_COLUMNS, columns, strict=True)}
    catalogue = {
        "product_id": pa.array(products, pa.int64()),
        "product_name": [f"product {each}" for each in products],
        "aisle_id": pa.array([1] * len(products), pa.int64()),
        "department_id": pa.array([2] * len(products), pa.int64()),
    }
    return stored({"order_products": pa.table(ordered), "products": pa.table(catalogue)})


def prepared(given: dict[str, ibis.Table], settings: Config) -> dict[str, list[dict[str, Any]]]:
    return {name: rows(table) for name, table in prepare(given, settings).items()}


def test_baskets_are_in_cart_order_capped_and_not_too_small():
    lines = [(7, 30, 3), (7, 10, 1), (7, 20, 2), (8, 10, 1), (3, 20, 2), (3, 30, 1), (9, 10, 1), (9, 99, 2)]
    found = prepared(tables(lines, [10, 20, 30]), config(max_basket=2))["baskets"]
    # Order 8 has one product; order 9 has one that the catalogue knows.
    assert [(row["order_id"], row["products"]) for row in found] == [(3, [30, 20]), (7, [10, 20])]


def test_roles_are_those_of_the_stable_split():
    lines = [(order, product, product) for order in range(1, 1001) for product in (1, 2)]
    settings = config(holdout_fraction=0.2, validation_fraction=0.1)
    found = prepared(tables(lines, [1, 2]), settings)["baskets"]
    assert [row["order_id"] for row in found] == list(range(1, 1001))
    for row in found:
        assert row["role"] == role(row["order_id"], holdout=0.2, validation=0.1, salt=SALT)
    assert {row["role"] for row in found} == {"train", "validation", "holdout"}


def test_the_vocabulary_counts_training_orders_only():
    trained = [each for each in range(1, 200) if role(each, holdout=0.1, validation=0.05, salt=SALT) == "train"]
    held_out = [each for each in range(1, 200) if role(each, holdout=0.1, validation=0.05, salt=SALT) == "holdout"]
    lines = [(order, product, position) for order in trained[:5] for position, product in enumerate((40, 10))]
    lines += [(order, product, position) for order in trained[5:8] for position, product in enumerate((40, 30, 20))]
    lines += [(order, 50, 1) for order in held_out] + [(order, 99, 9) for order in trained]
    found = prepared(tables(lines, [10, 20, 30, 40, 50]), config())["vocabulary"]
    assert [(row["product_id"], row["frequency"], row["rank"]) for row in found] == [
        (40, 8, 0),
        (10, 5, 1),
        (20, 3, 2),
        (30, 3, 3),
    ]


def test_the_vocabulary_is_cut_at_the_top_products():
    lines = [(order, product, product) for order in range(1, 300) for product in range(1, 31)]
    found = prepared(tables(lines, list(range(1, 31))), config(top_products=10))["vocabulary"]
    assert [row["product_id"] for row in found] == list(range(1, 11))


def test_good_data_is_accepted_with_figures():
    lines = [(order, product, product) for order in range(1, 51) for product in (1, 2, 3)]
    quality = check(tables(lines, [1, 2, 3, 4]), CONFIG)
    assert quality.ok
    assert quality.figures == {
        "order_lines": 150,
        "orders": 50,
        "ordered_products": 3,
        "unknown_lines": 0,
        "catalogue_products": 4,
        "lowest_cart_position": 1,
        "highest_cart_position": 3,
        "lowest_id": 1,
        "highest_id": 4,
        "train_baskets": 42,
        "validation_baskets": 4,
        "holdout_baskets": 4,
    }


@pytest.mark.parametrize(
    ("products", "settings", "sentence"),
    [
        ([1, 2, 3], {"min_orders": 51}, "expected at least 51 orders, found 50; upload more orders"),
        ([1, 2], {}, "found 50 of 150 lines with unknown products, such as product_id 3; upload the catalogue"),
        (list(range(1, 21)), {}, "expected between 6 and 20 distinct products for a catalogue of 20, found 3"),
        (
            [1, 2],
            {"max_unknown_share": 0.5},
            "expected between 1 and 2 distinct products for a catalogue of 2, found 3",
        ),
    ],
)
def test_implausible_data_is_refused_with_numbers(products, settings, sentence):
    lines = [(order, product, product) for order in range(1, 51) for product in (1, 2, 3)]
    problems = check(tables(lines, products), config(**settings)).problems
    assert any(sentence in each for each in problems), problems
    assert all("run.json" in each for each in problems)


@pytest.mark.parametrize(
    ("product", "position", "sentence"),
    [
        (2**40, 1, "products: expected product ids from 0 to 1,099,511,627,775, found 1 to 1,099,511,627,776"),
        (-1, 1, "found -1 to 2"),
        (3, 2**22, "order_products: expected add_to_cart_order from 0 to 4,194,303, found 1 to 4,194,304"),
        (3, -1, "found -1 to 2"),
    ],
)
def test_numbers_that_baskets_cannot_hold_are_refused(product, position, sentence):
    lines = [(order, each, each) for order in range(1, 51) for each in (1, 2)]
    problems = check(tables([*lines, (1, product, position)], [1, 2, product]), CONFIG).problems
    assert len(problems) == 1
    assert sentence in problems[0]


def test_orders_that_make_no_baskets_are_refused():
    lines = [(order, order % 7, 1) for order in range(500)]
    (problem,) = check(tables(lines, list(range(7))), CONFIG).problems
    assert "found 0, 0, 0 among 500 orders; upload more such orders" in problem


@pytest.mark.parametrize(("shared", "problems"), [(False, 1), (True, 0)])
def test_a_vocabulary_that_no_order_has_two_products_of_is_refused(shared, problems):
    lines = [(order, order % 10, 1) for order in range(64)] + [(order, 100 + order, 2) for order in range(64)]
    lines += [(order, (order + 1) % 10, 3) for order in range(63, 64) if shared]
    quality = check(tables(lines, [*range(10), *range(100, 164)]), config(top_products=10))
    assert len(quality.problems) == problems
    assert all("2 of the 10 most frequent products, found none" in each for each in quality.problems)


def test_the_largest_numbers_are_kept():
    lines = [(2**63 - 1, 2**40 - 1, 2**22 - 1), (2**63 - 1, 0, 0), (-(2**63), 5, 7), (-(2**63), 2**40 - 1, 6)]
    given = tables(lines, [0, 5, 2**40 - 1])
    (problem,) = check(given, config(min_orders=1)).problems
    assert problem.startswith(
        "order_products: expected orders of at least 2 different products of products.csv to train"
    )
    found = prepared(given, config())["baskets"]
    assert [row["products"] for row in found] == [[2**40 - 1, 5], [0, 2**40 - 1]]


def test_settings_are_checked_against_each_other():
    with pytest.raises(ConfigError, match="expected min_basket <= max_basket, found 20 and 10"):
        config(min_basket=20, max_basket=10)
    with pytest.raises(ConfigError, match="expected min_ordered_share <= max_ordered_share"):
        config(min_ordered_share=0.9, max_ordered_share=0.5)


def test_orders_are_optional():
    required = {source.name: source.required for source in sources(CONFIG)}
    assert required == {"order_products": True, "products": True, "orders": False}
