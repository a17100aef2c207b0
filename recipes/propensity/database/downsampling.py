"""Draws the visits to learn from, inside the database (`load_data` of the original); runs in the ingest job.

The sample lies in the temporary table `tmp_train_visits`: at most as many visits with a sale as there are sales in the
window, and eight times as many without. Which visits are drawn depends on their ids and the seed alone: those whose
hash lies under a threshold, the smallest hashes first. `ORDER BY RAND()` would sort every visit, and a bare LIMIT would
take the oldest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from recipes.propensity.database.sales_window import SalesWindow
from recipes.propensity.database.schema import BIG, VISITS

SAMPLED_VISITS = sa.Table(
    "tmp_train_visits",
    sa.MetaData(),
    sa.Column("visit_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("is_sale", sa.SmallInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
# The largest prime below 2^31: products of two residues stay below 2^63.
PRIME = 2**31 - 1
# Deviations above the expected number of hashes under the threshold: to get too few happens once in 10^9 samples.
MARGIN_DEVIATIONS = 6.0


@dataclass(frozen=True, kw_only=True)
class SampleCounts:
    """How many visits the window holds, and how many of them were sampled, with and without a sale."""

    sales: int
    others: int
    sampled_sales: int
    sampled_others: int


def downsample(
    connection: sa.Connection,
    product_id: int,
    *,
    window: SalesWindow,
    max_sales: int,
    negatives_per_sale: int,
    seed: int,
    visits: sa.FromClause = VISITS,
) -> SampleCounts:
    """Fill `tmp_train_visits` with at most `max_sales` visits with a sale and `negatives_per_sale` as many without."""
    sampled_table = _make_empty(connection, visits)
    counts: dict[int, int] = {}
    sampled: dict[int, int] = {}
    for sale, limit in ((1, max_sales), (0, negatives_per_sale * max_sales)):
        inside = _inside(visits, product_id, window=window, sale=sale)
        counts[sale] = int(
            connection.execute(sa.select(sa.func.count()).select_from(visits).where(inside)).scalar_one()
        )
        chosen = sa.select(visits.c.visit_id, visits.c.is_sale).where(inside)
        if counts[sale] > limit:
            hashed = visit_hash(_number(visits.c.visit_id, connection.dialect.name), seed)
            chosen = chosen.where(hashed < hash_threshold(limit, counts[sale])).order_by(hashed, visits.c.visit_id)
        connection.execute(sampled_table.insert().from_select(["visit_id", "is_sale"], chosen.limit(limit)))
        sampled[sale] = min(limit, counts[sale])
    return SampleCounts(sales=counts[1], others=counts[0], sampled_sales=sampled[1], sampled_others=sampled[0])


def sampled_from(visits: sa.FromClause) -> sa.TableClause:
    """The table that `downsample` fills, with the type that visit ids have."""
    own = visits.c.visit_id.type
    if isinstance(own, sa.Integer):
        return SAMPLED_VISITS
    return sa.table(SAMPLED_VISITS.name, sa.column("visit_id", own), sa.column("is_sale", sa.SmallInteger))


def _number(visit_id: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[int]:
    """A visit's number; of an id that is a text, the first 32 bits of its MD5."""
    if isinstance(visit_id.type, sa.Integer):
        return visit_id
    digest = sa.func.substr(sa.func.md5(sa.cast(visit_id, sa.Text) if dialect == "postgresql" else visit_id), 1, 8)
    if dialect == "postgresql":
        return sa.cast(sa.cast(sa.func.concat("x", digest), postgresql.BIT(32)), sa.BigInteger)
    if dialect == "sqlite":
        return sa.func.number_of_key(visit_id, type_=sa.BigInteger)
    return sa.cast(sa.func.conv(digest, 16, 10), sa.BigInteger)


def _make_empty(connection: sa.Connection, visits: sa.FromClause) -> sa.TableClause:
    """Only the temporary table is dropped, never one of that name that is somebody's own."""
    if connection.dialect.name in ("mysql", "mariadb"):
        connection.execute(sa.text(f"DROP TEMPORARY TABLE IF EXISTS {SAMPLED_VISITS.name}"))
    else:
        schema = {"sqlite": "temp"}.get(connection.dialect.name, "pg_temp")
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {schema}.{SAMPLED_VISITS.name}"))
    sampled = sampled_from(visits)
    if sampled is SAMPLED_VISITS:
        SAMPLED_VISITS.create(connection, checkfirst=False)
    else:
        # With the type and the collation of the database's own column, so that joins find its indexes.
        like = f"SELECT visit_id, 0 AS is_sale FROM {VISITS.name} LIMIT 0"  # noqa: S608
        connection.execute(sa.text(f"CREATE TEMPORARY TABLE {sampled.name} AS {like}"))
    return sampled


def visit_hash(visit_id: sa.ColumnElement[int], seed: int) -> sa.ColumnElement[int]:
    """An even number from 0 to below `PRIME` that depends on the id and the seed alone, in plain SQL arithmetic.

    The square of a linear function of the id, modulo a prime: values of a polynomial are spread evenly (Weil 1948), so
    that ids in sequence do not get hashes in sequence. A higher power would take longer and spread no better.
    """
    digest = hashlib.sha256(f"propensity/{seed}".encode()).digest()
    factor, shift = (1 + int.from_bytes(digest[at : at + 4], "big") % (PRIME - 1) for at in (0, 4))
    number: sa.ColumnElement[int] = sa.literal_column(str(PRIME))
    # PostgreSQL multiplies in the type of the factors, which may have 32 bits only.
    wide = sa.cast(number, sa.BigInteger)
    residue = (visit_id % wide * sa.literal_column(str(factor)) + sa.literal_column(str(shift))) % number
    return residue * residue % number


def hash_threshold(limit: int, count: int) -> int:
    """The hash below which a little more than `limit` of `count` visits lie, but for bad luck."""
    expected = limit + MARGIN_DEVIATIONS * limit**0.5 + MARGIN_DEVIATIONS**2
    return min(PRIME, int(PRIME * (expected / count)))


def _inside(visits: sa.FromClause, product_id: int, *, window: SalesWindow, sale: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        visits.c.product_id == product_id,
        visits.c.is_sale == sale,
        visits.c.visit_date >= window.start,
        visits.c.visit_date <= window.end,
    )
