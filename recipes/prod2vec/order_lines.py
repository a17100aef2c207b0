"""Tells which order lines are purchases and of which products, whatever their keys; Ibis expressions that run in Glue.

Keys are numbers or text in the tables. They are joined in the type that they have and compared as text across tables;
every product gets an index, so that what comes after this works with whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import ibis

from recipes.prod2vec.config import Data
from trainyard.contract.holdout import fraction_of
from trainyard.contract.records import kept, rows

SALT = "prod2vec orders"
NOT_BOUGHT = r"^\s*(-\s*[0-9.,]|0+([.,]0*)?(\s|$))"
CLOCK = r"[ T]+[0-9]{1,2}:.*$"
# A cancellation takes back another invoice: C536379 among 536378 and 536380.
PLAIN_NUMBER, CANCELLATION = "^[0-9]+$", "^[Cc][0-9]+$"


class Orders:
    """The tables as people uploaded them, and what the recipe makes of them."""

    def __init__(self, tables: Mapping[str, ibis.Table], data: Data) -> None:
        lines = tables["order_products"]
        if data.baskets_by_day:
            lines = _by_day(lines)
        self.catalogue = tables.get("products")
        taken_back = _taken_back(lines) if data.leave_out_cancelled else ibis.literal(False)
        self.lines = lines.mutate(taken_back=taken_back)

    @cached_property
    def purchases(self) -> ibis.Table:
        """Lines of products that were bought, with the columns of the file."""
        return self.lines.filter(~self.lines.taken_back)

    @cached_property
    def products(self) -> ibis.Table:
        """Every product of the catalogue or of a purchase.

        * product_index: from 0, in an order that a hash of the key gives, so that where products are equal in all else
          their index chooses among them without favour.
        * product_id: the key as text; product_name: the key where nothing else is known; department: may be empty.
        * times: its purchases; listed: whether the catalogue has it.
        """
        found = self._counted if self.catalogue is None else _with_catalogue(self._counted, self.catalogue)
        for name in [each for each in ("product_name", "department_id") if each in self.purchases.columns]:
            found = _filled(found, _usual(self.purchases, name), name=name)
        found = found.select(
            "product_id",
            "times",
            "listed",
            product_name=ibis.coalesce(found.product_name, found.product_id),
            department=found.department_id.fill_null(""),
            spread=fraction_of(found.product_id, SALT),
        )
        # A window without partition, which Spark evaluates in one task: fine for a table of products.
        index = ibis.row_number().over(ibis.window(order_by=[found.spread, found.product_id]))
        return kept(found.mutate(product_index=index.cast("int32")).drop("spread"))

    @cached_property
    def _keys(self) -> ibis.Table:
        """Every key as purchases have it and as text, with the number of its lines; all else is asked of this table."""
        counted = self.purchases.group_by("product_id").agg(times=self.purchases.count())
        # All lines are counted for it, which once is enough.
        return kept(counted.mutate(key=counted.product_id.cast("string")))

    @cached_property
    def _counted(self) -> ibis.Table:
        return self._keys.select(
            product_id=self._keys.key,
            product_name=ibis.null("string"),
            department_id=ibis.null("string"),
            times=self._keys.times,
            listed=ibis.literal(False),
        )

    @cached_property
    def indexed(self) -> ibis.Table:
        """Purchases as order_id, product_index and place: the place in the cart, 0 where it is not known."""
        lines = self.purchases.select("order_id", "product_id", place=place_of(self.purchases))
        return lines.join(self._indices, "product_id").drop("product_id")

    @cached_property
    def _indices(self) -> ibis.Table:
        """The index of every key as purchases have it."""
        products = self.products.select("product_index", key=self.products.product_id)
        return self._keys.join(products, "key").select("product_id", "product_index")


def place_of(lines: ibis.Table) -> Any:
    """The place in the cart: 0, before all others, where a line has none."""
    return column(lines, "add_to_cart_order", kind="int64").fill_null(0)


def column(table: ibis.Table, name: str, *, kind: str) -> Any:
    """A column that a table need not have; nulls where it lacks it."""
    return table[name].cast(kind) if name in table.columns else ibis.null(kind)


def _by_day(lines: ibis.Table) -> ibis.Table:
    """The lines with an order of its own for each day, as the date is written; of a product the first of the day."""
    day = lines.date.cast("string").re_replace(CLOCK, "")
    lines = lines.mutate(order_id=lines.order_id.cast("string") + " " + day)
    earlier = ibis.window(group_by=["order_id", "product_id"], order_by=["date", place_of(lines)])
    numbered = lines.mutate(number=ibis.row_number().over(earlier))
    return numbered.filter(numbered.number == 0).drop("number")


def _taken_back(lines: ibis.Table) -> Any:
    """Whether a line was cancelled or brought back: nothing or less than nothing was bought, or its number says so."""
    returned = column(lines, "quantity", kind="string").re_search(NOT_BOUGHT).fill_null(False)
    return returned | lines.order_id.re_search(CANCELLATION) if _numbers_tell(lines) else returned


def _numbers_tell(lines: ibis.Table) -> bool:
    """Whether order numbers with a C in front are cancellations: some, as long as the others, which are plain numbers.

    Where all orders have letters, as in C1001 and C1002, or another length, the C means something else.
    """
    if lines.order_id.type().is_integer():
        return False
    plain, length = lines.order_id.re_search(PLAIN_NUMBER), lines.order_id.length()
    marked = lines.order_id.re_search(CANCELLATION)
    found = rows(
        lines.agg(
            plain=lines.count(where=plain),
            shortest=length.min(where=plain),
            longest=length.max(where=plain),
            marked=lines.count(where=marked),
            shortest_marked=length.min(where=marked),
            longest_marked=length.max(where=marked),
        )
    )[0]
    return bool(
        0 < found["marked"] < found["plain"]
        and found["shortest"] < found["shortest_marked"]
        and found["longest_marked"] <= found["longest"] + 1
    )


def _with_catalogue(counted: ibis.Table, catalogue: ibis.Table) -> ibis.Table:
    """The products of the catalogue, then those that it lacks."""
    listed = catalogue.select(
        product_id=catalogue.product_id.cast("string"),
        product_name=_text(catalogue, "product_name"),
        department_id=ibis.coalesce(_text(catalogue, "department_id"), _text(catalogue, "aisle_id")),
        listed=ibis.literal(True),
    )
    times = counted.select("product_id", "times")
    listed = listed.left_join(times, "product_id").drop("product_id_right")
    listed = listed.mutate(times=listed.times.fill_null(0)).select(*counted.columns)
    return listed.union(counted.anti_join(listed, "product_id"))


def _usual(lines: ibis.Table, name: str) -> ibis.Table:
    """What the lines say most often in a column of each product; of two texts as frequent the first by alphabet."""
    texts = lines.select(product_id=lines.product_id.cast("string"), text=_text(lines, name))
    texts = texts.filter(texts.text.notnull())
    counted = texts.group_by("product_id", "text").agg(lines=texts.count())
    order = ibis.window(group_by="product_id", order_by=[counted.lines.desc(), counted.text])
    ranked = counted.mutate(rank=ibis.row_number().over(order))
    return ranked.filter(ranked["rank"] == 0).select("product_id", "text")


def _filled(products: ibis.Table, usual: ibis.Table, *, name: str) -> ibis.Table:
    """The products with what the lines say where the catalogue says nothing."""
    joined = products.left_join(usual, "product_id")
    return joined.mutate(**{name: ibis.coalesce(joined[name], joined.text)}).select(*products.columns)


def _text(table: ibis.Table, name: str) -> Any:
    """A column as text without spaces around it; null where it is empty or lacking."""
    return column(table, name, kind="string").strip().nullif("")
