"""Judges orders and turns them into baskets, vocabulary and catalogue; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.prod2vec import data_problems
from recipes.prod2vec.config import Config, Data
from recipes.prod2vec.order_lines import SALT, Orders, place_of
from trainyard.contract.holdout import ROLES, TRAIN, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import kept, rows

# Place in the cart and index of the product travel as one whole number, the place in front: 39 and 24 bits.
INDEX_BITS = 24
MAX_PRODUCTS = 2**INDEX_BITS
MAX_PLACE = 2**39 - 1
# Of so many orders about one in ten is looked at first, where all that is asked is whether there is any.
GLANCE = "7"
BASKETS_OF = {role: f"{role}_baskets" for role in ROLES}


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses too few orders, a catalogue of other products, and orders that make no baskets.

    There must be a basket to train on, one to choose settings by and one to evaluate on. Cancelled lines, products
    that the catalogue lacks and a catalogue that is hardly ordered from are warnings.
    """
    data, orders = config.data, Orders(tables, config.data)
    figures = {name: float(value) for name, value in _figures(orders, data).items()}
    unlisted = _unlisted(orders) if figures.get("unknown_lines") else ""
    problems = (
        *data_problems.too_few_orders(figures, data),
        *data_problems.too_many_products(figures, MAX_PRODUCTS),
        *data_problems.foreign_catalogue(figures, data, example=unlisted),
    )
    # What follows from another problem is no second one; and a vocabulary is only made of products that fit.
    problems = problems or data_problems.too_few_baskets(figures, data)
    problems = problems or _unknown_vocabulary(orders, figures, data=data)
    warnings = (
        *data_problems.cancelled_lines(figures),
        *data_problems.unlisted_products(figures, example=unlisted),
        *data_problems.implausible_share(figures, data),
        *data_problems.places_out_of_range(figures, MAX_PLACE),
    )
    told = {name: value for name, value in figures.items() if name not in BASKETS_OF.values()}
    return Quality(problems=problems, warnings=warnings, figures=told)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `baskets`: order_id (text), role (train, validation or holdout), products (indices in cart order, at most
      `max_basket`; those outside the vocabulary stay in), sorted by the order's key. Orders of fewer than
      `min_basket` products are left out.
    * `vocabulary`: product_index, frequency (lines of training orders), rank (from 0); the `top_products` most
      frequent, of two equally frequent ones the smaller index first.
    * `catalogue`: product_index, product_id (text), product_name, department of every product, sorted by index.
    """
    orders = Orders(tables, config.data)
    products = orders.products.select("product_index", "product_id", "product_name", "department")
    gathered = kept(_gathered(orders.indexed, config.data))
    return {
        # By the key in its own type: to sort numbers as text takes longer.
        "baskets": _baskets(gathered, config.data).order_by("key").drop("key"),
        "vocabulary": _vocabulary(orders, gathered, data=config.data),
        "catalogue": products.order_by("product_index"),
    }


def _gathered(lines: ibis.Table, data: Data) -> ibis.Table:
    """Orders as order_id, role and entries: product and place of each line as one number, in no order."""
    # Sorting each list puts a basket in order on both engines; only DuckDB could collect in a given order. Lists of
    # whole numbers cost a third less than lists of pairs.
    place = ibis.greatest(0, ibis.least(lines.place, MAX_PLACE))
    entry = (place << INDEX_BITS) + lines.product_index
    orders = lines.group_by("order_id").agg(entries=entry.collect())
    return orders.mutate(role=role_of(orders.order_id.cast("string"), **_split(data)))


def _baskets(gathered: ibis.Table, data: Data) -> ibis.Table:
    orders = gathered.filter(gathered.entries.length() >= data.min_basket)
    products = orders.entries.sort()[: data.max_basket].map(_product)
    return orders.select(key=orders.order_id, order_id=orders.order_id.cast("string"), role="role", products=products)


def _product(entry: Any) -> Any:
    return entry & (MAX_PRODUCTS - 1)


def _vocabulary(orders: Orders, gathered: ibis.Table, *, data: Data) -> ibis.Table:
    # Few orders are held out: to take off what they have is less work than to count all others.
    held_out = gathered.filter(gathered.role != TRAIN).select(entry=gathered.entries.unnest())
    held_out = held_out.group_by(product_index=_product(held_out.entry)).agg(held_out=held_out.count())
    counted = orders.products.left_join(held_out, "product_index")
    counted = counted.select("product_index", frequency=counted.times - counted.held_out.fill_null(0))
    counted = counted.filter(counted.frequency > 0)
    top = counted.order_by(counted.frequency.desc(), counted.product_index).limit(data.top_products)
    # A window without partition, as for the index of products.
    rank = ibis.row_number().over(ibis.window(order_by=[top.frequency.desc(), top.product_index]))
    return top.mutate(rank=rank.cast("int32")).order_by("rank")


def _usable(gathered: ibis.Table, vocabulary: ibis.Table, *, data: Data) -> bool:
    """Whether a training basket of these orders holds two products of the vocabulary."""
    baskets = _baskets(gathered, data)
    entries = baskets.filter(baskets.role == TRAIN).select("order_id", product_index=baskets.products.unnest())
    known = entries.semi_join(vocabulary, "product_index")
    counted = known.group_by("order_id").agg(products=known.count())
    return bool(rows(counted.agg(usable=counted.count(where=counted.products > 1)))[0]["usable"])


def _split(data: Data) -> dict[str, Any]:
    return {"holdout": data.holdout_fraction, "validation": data.validation_fraction, "salt": SALT}


def _figures(orders: Orders, data: Data) -> dict[str, Any]:
    """Counts of lines, orders, baskets and products; those of the catalogue where there is one.

    Those of baskets by role are all there are where a role has none, and otherwise some of them.
    """
    lines, products = orders.lines, orders.products
    place = place_of(lines)
    found = rows(
        lines.agg(
            cancelled_lines=lines.count(where=lines.taken_back),
            lowest_place=place.min().fill_null(0),
            highest_place=place.max().fill_null(0),
        )
    )[0]
    found |= rows(
        products.agg(
            order_lines=products.times.sum().fill_null(0),
            ordered_products=products.count(where=products.times > 0),
            products=products.count(),
            catalogue_products=products.count(where=products.listed),
            unknown_products=products.count(where=~products.listed),
            unknown_lines=products.times.sum(where=~products.listed).fill_null(0),
        )
    )[0]
    found |= _basket_figures(orders.purchases, data, some=True)
    if not all(found[each] for each in BASKETS_OF.values()):
        found |= _basket_figures(orders.purchases, data, some=False)
    all_orders = _count_orders(lines) if found["cancelled_lines"] else found["orders"]
    found["cancelled_orders"] = all_orders - found["orders"]
    if orders.catalogue is None:
        for name in ("catalogue_products", "unknown_products", "unknown_lines"):
            del found[name]
    return found


def _basket_figures(lines: ibis.Table, data: Data, *, some: bool) -> dict[str, Any]:
    """How many orders there are, of how many products at most, and how many are baskets: of all, and by role.

    By role only `some` orders are counted: to hash the keys of all takes as long as to count their lines.
    """
    orders = lines.group_by("order_id").agg(products=lines.count())
    key = orders.order_id.cast("string")
    role = role_of(key, **_split(data))
    role = ibis.ifelse(key.endswith(GLANCE), role, ibis.null("string")) if some else role
    orders = orders.select("products", role=role)
    basket = orders.products >= data.min_basket
    return rows(
        orders.agg(
            orders=orders.count(),
            largest_order=orders.products.max().fill_null(0),
            baskets=orders.count(where=basket),
            **{name: orders.count(where=basket & (orders.role == each)) for each, name in BASKETS_OF.items()},
        )
    )[0]


def _count_orders(lines: ibis.Table) -> int:
    return int(rows(lines.agg(orders=lines.order_id.nunique()))[0]["orders"])


def _unlisted(orders: Orders) -> str:
    """The key of a product that was ordered and that the catalogue lacks."""
    products = orders.products
    return str(rows(products.filter(~products.listed).agg(example=products.product_id.min()))[0]["example"])


def _unknown_vocabulary(orders: Orders, found: Mapping[str, float], *, data: Data) -> tuple[str, ...]:
    """Whether a vocabulary that is cut leaves no training basket with two products of it."""
    if found["ordered_products"] <= data.top_products:
        return ()
    gathered = kept(_gathered(orders.indexed, data))
    vocabulary = kept(_vocabulary(orders, gathered, data=data))
    some = gathered.filter(gathered.order_id.cast("string").endswith(GLANCE))
    if any(_usable(each, vocabulary, data=data) for each in (some, gathered)):
        return ()
    return (
        f"order_products: expected training orders of at least 2 of the {data.top_products:,} most frequent products, "
        f"found none in {found['baskets']:,.0f} orders; raise data.top_products in run.json, or upload orders "
        "that have products in common.",
    )
