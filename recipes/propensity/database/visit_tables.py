"""The tables of visits and sales in the one form that the queries expect, however a database keeps them; ingest job.

Ids are whole numbers, `is_sale` is 0 or 1 and times are UTC without a zone. Where the database has them so, its own
tables are used with their indexes. A SQLite file keeps any value in any column, so its values are looked at: where they
are others, a temporary table takes what they mean, with the same index. A server keeps one type per column, so an
expression converts those of another type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from recipes.propensity.database import server_values
from recipes.propensity.database.file_visits import Unread, in_file
from recipes.propensity.database.schema import SALES, VISITS
from recipes.propensity.database.visit_values import COLUMNS, Meaning
from trainyard.contract.quality import Quality


@dataclass(frozen=True, kw_only=True)
class VisitTables:
    """Visits with visit_id, product_id, visit_date and is_sale; sales with product_id and sales_date."""

    visits: sa.FromClause = VISITS
    sales: sa.FromClause = SALES


def visit_tables(connection: sa.Connection, *, max_bad_share: float = 0.01) -> tuple[VisitTables, Quality]:
    """The tables to ask, and what is to be said of values that could not be read: problems where they are too many."""
    if connection.dialect.name != "sqlite":
        visits, sales = (_on_server(connection, table) for table in COLUMNS)
        return VisitTables(visits=visits, sales=sales), Quality()
    unread = Unread(counts={}, examples={}, rows={})
    visits, sales = (in_file(connection, table, unread=unread) for table in COLUMNS)
    return VisitTables(visits=visits, sales=sales), unread.quality(max_bad_share)


def _on_server(connection: sa.Connection, table: sa.Table) -> sa.FromClause:
    """The table itself where its types are those of the schema, else a query over it."""
    types = {each["name"]: each["type"] for each in sa.inspect(connection).get_columns(table.name)}
    meanings = COLUMNS[table]
    if all(_as_declared(types[name], meaning) for name, meaning in meanings.items()):
        return table
    raw = sa.table(table.name, *(sa.column(name, types[name]) for name in meanings))
    read = [
        _read(raw.c[name], meaning, dialect=connection.dialect.name).label(name) for name, meaning in meanings.items()
    ]
    return sa.select(*read).select_from(raw).subquery(f"meant_{table.name}")


def _read(column: sa.ColumnElement[Any], meaning: Meaning, *, dialect: str) -> sa.ColumnElement[Any]:
    if column.name == "visit_id" and isinstance(column.type, (sa.String, sa.Uuid)):
        return column
    convert = {"moment": server_values.moment, "whole": server_values.whole, "yes": server_values.yes}
    return convert[meaning](column, dialect=dialect)


def _as_declared(kind: sa.types.TypeEngine[Any], meaning: Meaning) -> bool:
    return isinstance(kind, (sa.DateTime, sa.Date, mysql.TIMESTAMP) if meaning == "moment" else sa.Integer)
