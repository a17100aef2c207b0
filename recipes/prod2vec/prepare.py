"""Judges the order files and turns them into baskets, vocabulary and catalogue; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.prod2vec import data_problems
from recipes.prod2vec.config import Config, Data
from trainyard.contract.holdout import ROLES, TRAIN, role_of, trains
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "prod2vec"
# Position in the cart and product id travel as one whole number, the position in front: 22 and 40 bits.
ID_BITS = 40
MAX_ID = 2**ID_BITS - 1
MAX_CART_POSITION = 2**22 - 1
# Of so many orders one is looked at first, where all that is asked is whether there is any.
GLANCE = 64


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses too few orders, products missing from the catalogue, an implausible share of it ordered, and huge ids.

    Also orders of which none makes a basket to train on, to choose settings by or to evaluate on.
    """
    data = config.data
    found = _figures(tables["order_products"], tables["products"])
    figures = {name: float(value) for name, value in found.items()} | _basket_figures(tables, data)
    problems = (
        *data_problems.too_few_orders(figures, data),
        *data_problems.unknown_products(figures, data),
        *data_problems.implausible_share(figures, data),
        *data_problems.out_of_range(
            "products: expected product ids", figures["lowest_id"], highest=figures["highest_id"], limit=MAX_ID
        ),
        *data_problems.out_of_range(
            "order_products: expected add_to_cart_order",
            figures["lowest_cart_position"],
            highest=figures["highest_cart_position"],
            limit=MAX_CART_POSITION,
        ),
    )
    # What follows from another problem is no second one; and a vocabulary is only made of ids that fit.
    problems = (
        problems or data_problems.too_few_baskets(figures, data) or _unknown_vocabulary(tables, figures, data=data)
    )
    return Quality(problems=problems, figures=figures)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `baskets`: order_id, role (train, validation or holdout), products (ids in cart order, at most `max_basket`; ids
      outside the vocabulary stay in), sorted by order_id. Orders of fewer than `min_basket` products are left out.
    * `vocabulary`: product_id, frequency (lines of training orders), rank (from 0); the `top_products` most frequent,
      of two equally frequent ones the smaller id first.
    * `catalogue`: the products as they came, sorted by product_id.
    """
    data, products = config.data, tables["products"]
    lines = tables["order_products"].semi_join(products, "product_id")
    return {
        "baskets": _baskets(lines, data).order_by("order_id"),
        "vocabulary": _vocabulary(tables["order_products"], products, data=data),
        "catalogue": products.order_by("product_id"),
    }


def _baskets(lines: ibis.Table, data: Data) -> ibis.Table:
    # Sorting each list puts a basket in order on both engines; only DuckDB could collect in a given order. Lists of
    # whole numbers cost a third less than lists of pairs, and `check` has seen to it that position and id fit into one.
    entry = (lines.add_to_cart_order << ID_BITS) + lines.product_id
    orders = lines.group_by("order_id").agg(entries=entry.collect())
    orders = orders.filter(orders.entries.length() >= data.min_basket)
    products = orders.entries.sort()[: data.max_basket].map(lambda entry: entry & MAX_ID)
    return orders.select("order_id", role=role_of(orders.order_id, **_split(data)), products=products)


def _vocabulary(lines: ibis.Table, products: ibis.Table, *, data: Data) -> ibis.Table:
    # Counted where true, not filtered: DuckDB evaluates what the hash repeats once in an aggregate, not in a filter.
    trained = trains(lines.order_id, **_split(data))
    counted = lines.group_by("product_id").agg(frequency=lines.count(where=trained))
    counted = counted.filter(counted.frequency > 0).semi_join(products, "product_id")
    top = counted.order_by(counted.frequency.desc(), counted.product_id).limit(data.top_products)
    # A window without partition, which Spark evaluates in one task: fine for a table of at most `top_products` rows.
    rank = ibis.row_number().over(ibis.window(order_by=[top.frequency.desc(), top.product_id]))
    return top.mutate(rank=rank.cast("int32")).order_by("rank")


def _usable(lines: ibis.Table, vocabulary: ibis.Table, *, data: Data) -> bool:
    """Whether a training basket of these lines holds two products of the vocabulary."""
    baskets = _baskets(lines, data)
    entries = baskets.filter(baskets.role == TRAIN).select("order_id", product_id=baskets.products.unnest())
    known = entries.semi_join(vocabulary, "product_id")
    counted = known.group_by("order_id").agg(products=known.count())
    return bool(rows(counted.agg(usable=counted.count(where=counted.products > 1)))[0]["usable"])


def _split(data: Data) -> dict[str, Any]:
    return {"holdout": data.holdout_fraction, "validation": data.validation_fraction, "salt": SALT}


def _figures(lines: ibis.Table, products: ibis.Table) -> Mapping[str, Any]:
    counted = lines.group_by("product_id").agg(times=lines.count())
    unknown = counted.anti_join(products, "product_id")
    figures = ibis.cross_join(
        lines.agg(
            orders=lines.order_id.nunique(),
            lowest_cart_position=lines.add_to_cart_order.min(),
            highest_cart_position=lines.add_to_cart_order.max(),
        ),
        counted.agg(order_lines=counted.times.sum(), ordered_products=counted.count()),
        unknown.agg(unknown_lines=unknown.times.sum().fill_null(0), unknown_example=unknown.product_id.min()),
        products.agg(
            catalogue_products=products.count(),
            lowest_id=products.product_id.min(),
            highest_id=products.product_id.max(),
        ),
    )
    row: Mapping[str, Any] = rows(figures)[0]
    return {name: value for name, value in row.items() if value is not None}


def _basket_figures(tables: Mapping[str, ibis.Table], data: Data) -> dict[str, float]:
    """How many baskets `prepare` makes for each role."""
    lines = tables["order_products"].semi_join(tables["products"], "product_id")
    orders = lines.group_by("order_id").agg(products=lines.count())
    orders = orders.filter(orders.products >= data.min_basket)
    split = orders.select(role=role_of(orders.order_id, **_split(data)))
    found = split.agg(**{each: split.count(where=split.role == each) for each in ROLES})
    return {f"{role}_baskets": float(baskets) for role, baskets in rows(found)[0].items()}


def _unknown_vocabulary(tables: Mapping[str, ibis.Table], found: Mapping[str, float], *, data: Data) -> tuple[str, ...]:
    """Whether a vocabulary that is cut leaves no training basket with two products of it."""
    if found["ordered_products"] <= data.top_products:
        return ()
    lines = tables["order_products"].semi_join(tables["products"], "product_id")
    vocabulary = _vocabulary(tables["order_products"], tables["products"], data=data)
    if any(_usable(some, vocabulary, data=data) for some in (lines.filter(lines.order_id % GLANCE == 0), lines)):
        return ()
    return (
        f"order_products: expected training orders of at least 2 of the {data.top_products:,} most frequent products, "
        f"found none in {found['train_baskets']:,.0f} orders; raise data.top_products in run.json, or upload orders "
        "that have products in common.",
    )
