"""Checks that the visit database holds what a run asks for, and which product it is about; runs in the ingest job."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from recipes.propensity.config import Data
from recipes.propensity.database import aggregate_tables
from recipes.propensity.database.sales_window import SalesWindow
from recipes.propensity.database.schema import PRODUCTS, SALES, VISITS
from recipes.propensity.database.visit_values import yes
from trainyard.contract.quality import Quality
from trainyard.contract.values import CANONICAL, identifier
from trainyard.errors import BadData

SHOWN_TABLES, SHOWN_COLUMNS = 5, 8
NEEDED_COLUMNS = {
    PRODUCTS.name: ("active", "product_id"),
    VISITS.name: ("is_sale", "product_id", "visit_date", "visit_id"),
    SALES.name: ("product_id", "sales_date"),
}


def checked_tables(connection: sa.Connection, data: Data) -> list[sa.Table]:
    """The aggregate tables; raises BadData when the database lacks a table or a column that is asked for."""
    inspector = sa.inspect(connection)
    present = {*inspector.get_table_names(), *inspector.get_view_names()}
    if present and not present & {*NEEDED_COLUMNS}:
        raise BadData([_other_schema(inspector, sorted(present), data=data)])
    problems = []
    for name, needed in NEEDED_COLUMNS.items():
        found = {each["name"] for each in inspector.get_columns(name)} if name in present else set()
        if lacking := [each for each in needed if each not in found]:
            problems.append(
                f"database: expected a table {name} with the columns {', '.join(needed)}, found none with "
                f"{', '.join(lacking)}; give the database the schema in the recipe's README, or upload a CSV of "
                "the table with the outcome instead."
            )
    tables = aggregate_tables.find(connection, data.aggregate_prefix)
    if not aggregate_tables.feature_columns(tables, data.drop):
        problems.append(
            f"database: expected tables {data.aggregate_prefix}* with visit_id and columns that describe a visit, "
            "found none; fill them, or set data.aggregate_prefix in run.json."
        )
    if problems:
        raise BadData(problems)
    return tables


def _other_schema(inspector: sa.Inspector, tables: Sequence[str], *, data: Data) -> str:
    """The sentence about a database that is none of visits and sales, with a way to take the one table out of it."""
    columns = {table: [str(each["name"]) for each in inspector.get_columns(table)] for table in tables[:SHOWN_TABLES]}
    widest = max(columns, key=lambda table: len(columns[table]))
    found = "; ".join(f"{table} ({', '.join(names[:SHOWN_COLUMNS])})" for table, names in columns.items())
    found += f"; and {len(tables) - len(columns)} more" if len(tables) > len(columns) else ""
    query = f'SELECT * FROM "{widest}"'  # noqa: S608 - it is shown, not executed
    is_file = inspector.dialect.name == "sqlite"
    how = f"sqlite3 -header -csv DATABASE '{query}' > {widest}.csv" if is_file else query
    return (
        f"database: expected the tables {', '.join(NEEDED_COLUMNS)} and {data.aggregate_prefix}* as the recipe's "
        f"README has them, found {found}; export the table with the outcome as CSV ({how}) and upload that file "
        "instead."
    )


def chosen_product(connection: sa.Connection, product_id: int) -> int:
    """The product asked for, or for 0 the only active one; raises BadData."""
    if product_id in {each for each, _ in _products(connection)}:
        return product_id
    if product_id:
        raise BadData(
            [f"products: expected product_id {product_id}, found no such product; set another data.product_id."]
        )
    active = active_products(connection)
    if len(active) != 1:
        raise BadData(
            [
                f"products: expected one active product where data.product_id is 0, found {len(active):,}; "
                "name one of them in data.product_id."
            ]
        )
    return active[0]


def active_products(connection: sa.Connection) -> list[int]:
    """Ids of the active products, ascending."""
    return sorted(product for product, active in _products(connection) if active)


def _products(connection: sa.Connection) -> list[tuple[int, bool]]:
    """Every product, and whether it is active; raises BadData for ids that are no whole numbers."""
    as_kept = (sa.type_coerce(each, sa.types.NullType()) for each in (PRODUCTS.c.product_id, PRODUCTS.c.active))
    found = connection.execute(sa.select(*as_kept)).all()
    rows = [(identifier(each[0]), yes(each[1])) for each in found]
    if strange := [product for product, _ in rows if not CANONICAL.fullmatch(product)]:
        raise BadData(
            [f"products: expected product_id to be a whole number, found {strange[0][:40]!r}; number the products."]
        )
    return [(int(product), bool(active)) for product, active in rows]


def undecided_visits(
    connection: sa.Connection, product_id: int, *, window: SalesWindow, visits: sa.FromClause
) -> Quality:
    """The warning for visits in the window that neither ended in a sale nor did not."""
    own = visits.c
    # Two ranges and the nulls, which an index finds; an inequality would look at every visit.
    neither = (own.is_sale < 0) | (own.is_sale > 1) | own.is_sale.is_(None)
    inside = (own.product_id == product_id) & (own.visit_date >= window.start) & (own.visit_date <= window.end)
    query = sa.select(sa.func.count()).select_from(visits).where(inside, neither)
    count = int(connection.execute(query).scalar_one())
    sentence = f"visits: {count:,} visits are left out, for their is_sale is neither 1 nor 0; set it where it is known."
    return Quality(warnings=(sentence,) if count else ())


def repeated_visits(rows: int, visits: int, *, tables: Sequence[sa.Table]) -> tuple[str, ...]:
    """The problem of an aggregate table that has several rows for a visit: more `rows` were read than `visits`."""
    if rows == visits:
        return ()
    names = ", ".join(table.name for table in tables)
    return (
        f"database: expected one row per visit in {names}, found {rows:,} rows for {visits:,} visits; make visit_id "
        "the primary key of each of them.",
    )
