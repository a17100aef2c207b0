"""Finds the tables that describe visits one by one, and their columns that become features; runs in the ingest job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

# From 2.1 on, SQLAlchemy's floats are no `Numeric` any more.
REAL_TYPES = (sa.Numeric, sa.Float)
# Columns of aggregate tables that name the visit rather than describe it.
IDENTIFIERS = {"visit_id", "product_id", "visitor_id", "visit_date", "sales_date", "is_sale"}


def find(connection: sa.Connection, prefix: str) -> list[sa.Table]:
    """The tables whose name starts with `prefix` and that have a visit_id, as the database has them now."""
    names = [name for name in sa.inspect(connection).get_table_names() if name.startswith(prefix)]
    tables = [sa.Table(name, sa.MetaData(), autoload_with=connection) for name in sorted(names)]
    return [table for table in tables if "visit_id" in table.c]


def feature_columns(tables: Sequence[sa.Table], drop: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The columns that describe a visit: quantities and texts; two of one name carry their table's.

    Dates and binary columns are left out.
    """
    usable = (sa.Integer, *REAL_TYPES, sa.String, sa.Boolean)
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
