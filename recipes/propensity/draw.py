"""Draws the visits to learn from, inside the database (`load_data` of the original); runs in the ingest job.

The sample lies in the temporary table `tmp_train_visits`: at most as many visits with a sale as there are sales in the
range, and eight times as many without. Which visits are drawn depends on their ids and the seed alone: those whose hash
lies under a threshold, the smallest hashes first. `ORDER BY RAND()` would sort every visit, and a bare LIMIT would take
the oldest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from recipes.propensity.dates import SalesRange
from recipes.propensity.schema import BIG, VISITS

TEMPORARY = sa.Table(
    "tmp_train_visits",
    sa.MetaData(),
    sa.Column("visit_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("is_sale", sa.SmallInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
# The largest prime below 2^31: products of two residues stay below 2^63.
PRIME = 2**31 - 1
# Deviations above the expected number of hashes under the threshold: to get too few happens once in 10^9 draws.
MARGIN_DEVIATIONS = 6.0
# From 2.1 on, SQLAlchemy's floats are no `Numeric` any more.
REAL = (sa.Numeric, sa.Float)
# Columns of aggregate tables that name the visit rather than describe it.
IDENTIFIERS = {"visit_id", "product_id", "visitor_id", "visit_date", "sales_date", "is_sale"}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """How many visits the range holds, and how many of them were drawn, with and without a sale."""

    sales: int
    others: int
    sampled_sales: int
    sampled_others: int


def draw(
    connection: sa.Connection, product_id: int, dates: SalesRange, *, limit: int, negatives: int, seed: int
) -> Drawn:
    """Fill `tmp_train_visits` with at most `limit` visits with a sale and `negatives * limit` without."""
    kind = "TEMPORARY TABLE" if connection.dialect.name in ("mysql", "mariadb") else "TABLE"
    connection.execute(sa.text(f"DROP {kind} IF EXISTS {TEMPORARY.name}"))
    TEMPORARY.create(connection, checkfirst=False)
    counts: dict[int, int] = {}
    sampled: dict[int, int] = {}
    for sale, wanted in ((1, limit), (0, negatives * limit)):
        inside = _inside(product_id, dates, sale)
        counts[sale] = int(
            connection.execute(sa.select(sa.func.count()).select_from(VISITS).where(inside)).scalar_one()
        )
        chosen = sa.select(VISITS.c.visit_id, VISITS.c.is_sale).where(inside)
        if counts[sale] > wanted:
            hashed = hash_of(VISITS.c.visit_id, seed)
            chosen = chosen.where(hashed < threshold(wanted, counts[sale])).order_by(hashed, VISITS.c.visit_id)
        connection.execute(TEMPORARY.insert().from_select(["visit_id", "is_sale"], chosen.limit(wanted)))
        sampled[sale] = min(wanted, counts[sale])
    return Drawn(sales=counts[1], others=counts[0], sampled_sales=sampled[1], sampled_others=sampled[0])


def hash_of(visit_id: sa.ColumnElement[int], seed: int) -> sa.ColumnElement[int]:
    """An even number from 0 to below `PRIME` that depends on the id and the seed alone, in plain SQL arithmetic.

    The square of a linear function of the id, modulo a prime: values of a polynomial are spread evenly (Weil 1948), so
    that ids in sequence do not get hashes in sequence. A higher power would take longer and spread no better.
    """
    digest = hashlib.sha256(f"propensity/{seed}".encode()).digest()
    factor, shift = (1 + int.from_bytes(digest[at : at + 4], "big") % (PRIME - 1) for at in (0, 4))
    number: sa.ColumnElement[int] = sa.literal_column(str(PRIME))
    residue = (visit_id % number * sa.literal_column(str(factor)) + sa.literal_column(str(shift))) % number
    return residue * residue % number


def threshold(wanted: int, count: int) -> int:
    """The hash below which a little more than `wanted` of `count` visits lie, but for bad luck."""
    expected = wanted + MARGIN_DEVIATIONS * wanted**0.5 + MARGIN_DEVIATIONS**2
    return min(PRIME, int(PRIME * (expected / count)))


def aggregates(connection: sa.Connection, prefix: str) -> list[sa.Table]:
    """The tables of that prefix that describe visits one by one, as the database has them now."""
    names = [name for name in sa.inspect(connection).get_table_names() if name.startswith(prefix)]
    tables = [sa.Table(name, sa.MetaData(), autoload_with=connection) for name in sorted(names)]
    return [table for table in tables if "visit_id" in table.c]


def features(tables: Sequence[sa.Table], drop: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The columns that describe a visit: quantities and texts; two of one name carry their table's.

    Dates and binary columns are left out.
    """
    usable = (sa.Integer, *REAL, sa.String, sa.Boolean)
    found = [
        column
        for table in tables
        for column in table.c
        if column.name not in IDENTIFIERS and isinstance(column.type, usable)
    ]
    names = [column.name for column in found]
    labelled = [
        column.label(column.name if names.count(column.name) == 1 else f"{column.table.name}_{column.name}")
        for column in found
    ]
    return [column for column in labelled if column.name not in drop]


def _inside(product_id: int, dates: SalesRange, sale: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        VISITS.c.product_id == product_id,
        VISITS.c.is_sale == sale,
        VISITS.c.visit_date >= dates.start,
        VISITS.c.visit_date <= dates.end,
    )
