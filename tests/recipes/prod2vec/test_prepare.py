"""What prepare makes of order lines, on DuckDB; `tests/ingest/test_engines.py` demands the same of Spark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import pyarrow as pa
import pytest

from recipes.prod2vec.config import CONFIG, Config, sources
from recipes.prod2vec.order_lines import SALT
from recipes.prod2vec.prepare import check, prepare
from tests.recipes.tables import stored
from trainyard.contract.holdout import fraction, role
from trainyard.contract.records import rows
from trainyard.errors import ConfigError
from trainyard.run.settings.overrides import override


def config(**data: Any) -> Config:
    return override(CONFIG, {"data": data})


def tables(
    lines: Sequence[tuple[object, object, int | None]], products: Sequence[object] | None, **columns: list[str | None]
) -> dict[str, ibis.Table]:
    """Order lines of (order, product, place in the cart) with more columns, and a catalogue of product ids, or none."""
    order, product, place = zip(*lines, strict=True)
    ordered = {"order_id": order, "product_id": product, "add_to_cart_order": pa.array(place, pa.int64()), **columns}
    given = {"order_products": pa.table({name: list(each) for name, each in ordered.items()})}
    if products is not None:
        names = [f"product {each}" for each in products]
        given["products"] = pa.table({"product_id": list(products), "product_name": names})
    return stored(given)


def prepared(given: dict[str, ibis.Table], settings: Config) -> dict[str, list[dict[str, Any]]]:
    """The prepared tables with keys in place of indices."""
    found = {name: rows(table) for name, table in prepare(given, settings).items()}
    keys = {row["product_index"]: row["product_id"] for row in found["catalogue"]}
    assert sorted(keys) == list(range(len(keys)))
    for row in found["baskets"]:
        row["products"] = [keys[each] for each in row["products"]]
    for row in found["vocabulary"]:
        row["product_id"] = keys[row.pop("product_index")]
    return found


def baskets(given: dict[str, ibis.Table], settings: Config = CONFIG) -> dict[str, list[str]]:
    return {row["order_id"]: row["products"] for row in prepared(given, settings)["baskets"]}


def test_baskets_are_in_cart_order_capped_and_not_too_small():
    lines = [(7, 30, 3), (7, 10, 1), (7, 20, 2), (8, 10, 1), (3, 20, 2), (3, 30, 1), (9, 10, 1), (9, 99, 2)]
    found = baskets(tables(lines, [10, 20, 30]), config(max_basket=2))
    # Order 8 has one product; order 9 has one that the catalogue does not know.
    assert found == {"3": ["30", "20"], "7": ["10", "20"], "9": ["10", "99"]}


def test_a_place_that_is_not_known_comes_first_and_one_that_is_none_does_no_harm():
    lines = [("a", "x", 2), ("a", "y", None), ("a", "z", 1), ("b", "x", 2**62), ("b", "y", -(2**62)), ("b", "z", 5)]
    assert baskets(tables(lines, None)) == {"a": ["y", "z", "x"], "b": ["y", "z", "x"]}
    (warning,) = check(tables(lines, None), config(min_orders=1)).warnings
    assert "expected add_to_cart_order from 0 to 549,755,813,887, found -4,611,686,018,427,387,904 to" in warning


@pytest.mark.parametrize("kind", [int, str])
def test_roles_are_those_of_the_keys_as_text(kind):
    lines = [(kind(order), kind(product), product) for order in range(1, 1001) for product in (1, 2)]
    settings = config(holdout_fraction=0.2, validation_fraction=0.1)
    found = prepared(tables(lines, [1, 2]), settings)["baskets"]
    assert sorted(row["order_id"] for row in found) == sorted(str(order) for order in range(1, 1001))
    for row in found:
        assert row["role"] == role(row["order_id"], holdout=0.2, validation=0.1, salt=SALT)
    assert {row["role"] for row in found} == {"train", "validation", "holdout"}


def test_numbers_and_text_make_equal_tables():
    lines = [(order, product, product % 5) for order in range(100) for product in range(order % 7, 12, 3)]
    numbers, text = (
        prepared(tables([(k(a), k(b), c) for a, b, c in lines], [*map(o, range(15))]), config(top_products=10))
        for k, o in ((int, int), (str, int))
    )
    assert numbers["vocabulary"] == text["vocabulary"]
    assert numbers["catalogue"] == text["catalogue"]
    assert {row["order_id"]: row for row in numbers["baskets"]} == {row["order_id"]: row for row in text["baskets"]}


def test_the_vocabulary_counts_training_orders_only():
    def of_role(wanted):
        return [each for each in range(1, 200) if role(str(each), holdout=0.1, validation=0.05, salt=SALT) == wanted]

    trained, held_out = of_role("train"), of_role("holdout")
    lines = [(order, product, position) for order in trained[:5] for position, product in enumerate((40, 10))]
    lines += [(order, product, position) for order in trained[5:8] for position, product in enumerate((40, 30))]
    lines += [(order, 50, 1) for order in held_out] + [(trained[9], 99, 9)]
    found = prepared(tables(lines, [10, 20, 30, 40, 50]), config())["vocabulary"]
    assert [(row["product_id"], row["frequency"], row["rank"]) for row in found] == [
        ("40", 8, 0),
        ("10", 5, 1),
        ("30", 3, 2),
        ("99", 1, 3),
    ]


def test_the_vocabulary_is_cut_at_the_top_products_and_a_hash_chooses_among_equals():
    lines = [(order, product, product) for order in range(1, 300) for product in range(1, 31)]
    found = prepared(tables(lines, list(range(1, 31))), config(top_products=10))["vocabulary"]
    expected = sorted((str(each) for each in range(1, 31)), key=lambda each: fraction(each, SALT))
    assert [row["product_id"] for row in found] == expected[:10]


def test_without_a_catalogue_products_go_by_their_usual_name_or_their_id():
    lines = [(order, product, 1) for order in range(4) for product in ("85123A", "POST", "22633")]
    names = ["T-LIGHT", None, " ", "T-LIGHT", None, " ", "wrongly coded", None, " ", " T-LIGHT ", None, "HAND WARMER"]
    departments = [None, None, "3"] * 4
    given = tables(lines, None, product_name=names, department_id=departments)
    found = {row["product_id"]: row for row in prepared(given, CONFIG)["catalogue"]}
    assert {key: row["product_name"] for key, row in found.items()} == {
        "85123A": "T-LIGHT",
        "POST": "POST",
        "22633": "HAND WARMER",
    }
    assert {key: row["department"] for key, row in found.items()} == {"85123A": "", "POST": "", "22633": "3"}


def test_products_that_the_catalogue_lacks_are_kept_and_told():
    lines = [(order, product, product) for order in range(101, 151) for product in (1, 2, 3)]
    given = tables(lines, ["1", "2", "zz"])
    quality = check(given, CONFIG)
    assert quality.ok
    (warning,) = quality.warnings
    assert "found 50 of 150 order lines with 1 products that it lacks, such as '3'; they are used" in warning
    names = {row["product_id"]: row["product_name"] for row in prepared(given, CONFIG)["catalogue"]}
    assert names == {"1": "product 1", "2": "product 2", "3": "3", "zz": "product zz"}


def with_cancellations(number: str, **columns: list[str | None]) -> dict[str, ibis.Table]:
    """Sixty orders of two products with plain numbers, and three like `number`."""
    numbers = [str(536365 + each) for each in range(60)] + [number.format(536400 + each) for each in range(3)]
    return tables([(each, product, 1) for each in numbers for product in ("a", "b")], None, **columns)


def test_invoices_that_take_others_back_are_left_out():
    quality = check(with_cancellations("C{}"), CONFIG)
    assert quality.ok
    assert (quality.figures["cancelled_lines"], quality.figures["cancelled_orders"], quality.figures["orders"]) == (
        6,
        3,
        60,
    )
    assert "6 cancelled lines (3 orders have no other ones) are left out" in quality.warnings[0]
    kept = check(with_cancellations("C{}"), config(leave_out_cancelled=False))
    assert (kept.figures["orders"], kept.warnings) == (63, ())


@pytest.mark.parametrize("number", ["{}", "C-{}", "CC{}", "C1{}", "X{}"])
def test_a_letter_in_front_is_no_cancellation_where_it_may_mean_something_else(number):
    assert check(with_cancellations(number), CONFIG).figures["cancelled_lines"] == 0


def test_orders_that_all_begin_with_c_are_orders():
    lines = [(f"C{1000 + order}", product, 1) for order in range(60) for product in ("a", "b")]
    assert check(tables(lines, None), CONFIG).figures["orders"] == 60


def test_what_nothing_or_less_was_bought_of_is_no_purchase():
    quantities = ["1", "-1", "0", "0.0", "-2,5", "- 3", "0,5", "2 pcs", "-", None, "007", "0 pcs", "1e3"]
    lines = [(order, str(quantity), 1) for order in range(3) for quantity in quantities]
    found = baskets(tables(lines, None, quantity=quantities * 3))
    assert [sorted(each) for each in found.values()] == 3 * [sorted(["1", "0,5", "2 pcs", "-", "None", "007", "1e3"])]


def test_where_a_customer_is_named_a_day_is_an_order():
    lines = [("Ann", each, place) for place, each in enumerate("abcd")] + [("Bob", each, 1) for each in "aba"]
    dates = ["1/2/2015 9:03", "1/2/2015 17:40", "2/2/2015", "2/2/2015", "1/2/2015 8:00", "1/2/2015", "1/2/2015 9:00"]
    given = tables(lines, None, date=dates)
    found = baskets(given, config(baskets_by_day=True))
    assert {key: sorted(each) for key, each in found.items()} == {
        "Ann 1/2/2015": ["a", "b"],
        "Ann 2/2/2015": ["c", "d"],
        "Bob 1/2/2015": ["a", "b"],
    }


def test_good_data_is_accepted_with_figures():
    lines = [(order, product, product) for order in range(101, 151) for product in (1, 2, 3)]
    quality = check(tables(lines, [1, 2, 3, 4]), CONFIG)
    assert quality.ok
    assert not quality.warnings
    assert quality.figures == {
        "order_lines": 150,
        "orders": 50,
        "largest_order": 3,
        "cancelled_lines": 0,
        "cancelled_orders": 0,
        "products": 4,
        "ordered_products": 3,
        "unknown_products": 0,
        "unknown_lines": 0,
        "catalogue_products": 4,
        "lowest_place": 1,
        "highest_place": 3,
        "baskets": 50,
    }


@pytest.mark.parametrize(
    ("products", "settings", "sentence"),
    [
        ([1, 2, 3], {"min_orders": 51}, "expected at least 51 orders, found 50; upload more orders"),
        (
            [7, 8, 9],
            {},
            "found 150 of 150 order lines with 3 products that it lacks, such as '1'; upload the catalogue",
        ),
        (
            [1, 2],
            {"max_unknown_share": 0.3},
            "expected the products of at least 70% of the order lines, found 50 of 150",
        ),
    ],
)
def test_implausible_data_is_refused_with_numbers(products, settings, sentence):
    lines = [(order, product, product) for order in range(101, 151) for product in (1, 2, 3)]
    (problem,) = check(tables(lines, products), config(**settings)).problems
    assert sentence in problem
    assert "run.json" in problem


def test_a_catalogue_of_which_little_is_ordered_is_told():
    lines = [(order, product, product) for order in range(101, 151) for product in (1, 2, 3)]
    quality = check(tables(lines, list(range(1, 21))), CONFIG)
    assert quality.ok
    assert "expected between 6 and 20 distinct products for a catalogue of 20, found 3" in quality.warnings[0]


def test_orders_of_one_product_are_refused_for_that():
    lines = [(order, order % 7, 1) for order in range(500)]
    (problem,) = check(tables(lines, list(range(7))), CONFIG).problems
    assert "no order has two products or more" in problem
    assert "found 500 orders of one product each" in problem


def test_orders_that_make_no_baskets_are_refused():
    lines = [(order, product, 1) for order in range(500) for product in (order % 7, 9)]
    (problem,) = check(tables(lines, None), config(min_basket=3)).problems
    assert "found 0, 0, 0 among 500 orders; upload more such orders" in problem


@pytest.mark.parametrize(("last", "problems"), [("7", 0), ("3", 0), ("", 1)])
def test_every_role_is_looked_for_among_some_orders_and_then_among_all(last, problems):
    """With orders whose keys end in 7, which are looked at first, or without any of them."""
    keys = [f"{number}{last}" for number in range(2000)] if last else train_keys(60)
    quality = check(tables([(key, product, 1) for key in keys for product in (1, 2)], None), CONFIG)
    assert len(quality.problems) == problems
    assert all("found 60, 0, 0 among 60 orders" in each for each in quality.problems)


def train_keys(count: int) -> list[str]:
    data = CONFIG.data
    shares = {"holdout": data.holdout_fraction, "validation": data.validation_fraction}
    keys = (f"{number}7" for number in range(10 * count))
    return [key for key in keys if role(key, salt=SALT, **shares) == "train"][:count]


@pytest.mark.parametrize(("shared", "problems"), [(False, 1), (True, 0)])
def test_a_vocabulary_that_no_order_has_two_products_of_is_refused(shared, problems):
    lines = [(order, order % 10, 1) for order in range(50, 114)] + [(order, 100 + order, 2) for order in range(50, 114)]
    lines += [(order, (order + 1) % 10, 3) for order in (60,) if shared]
    quality = check(tables(lines, [*range(10), *range(150, 214)]), config(top_products=10))
    assert len(quality.problems) == problems
    assert all("2 of the 10 most frequent products, found none" in each for each in quality.problems)


def test_keys_that_differ_in_the_last_of_many_digits_are_different():
    alike = [f"8401234567890123412{each}" for each in (6, 7)] + [str(2**64 - each) for each in (1, 2)] + ["007", "7"]
    lines = [(order, product, place) for order in ("0", "00", str(2**64)) for place, product in enumerate(alike)]
    assert baskets(tables(lines, None)) == dict.fromkeys(("0", "00", str(2**64)), alike)


def test_settings_are_checked_against_each_other():
    with pytest.raises(ConfigError, match="expected min_basket <= max_basket, found 20 and 10"):
        config(min_basket=20, max_basket=10)
    with pytest.raises(ConfigError, match="expected min_ordered_share <= max_ordered_share"):
        config(min_ordered_share=0.9, max_ordered_share=0.5)


def test_orders_alone_are_enough():
    required = {source.name: source.required for source in sources(CONFIG)}
    assert required == {"order_products": True, "products": False, "orders": False}
