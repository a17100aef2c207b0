"""Finds the tables that describe visits one by one, and their columns that become features; runs in the ingest job."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from recipes.propensity.database import file_columns
from recipes.propensity.database.column_types import kind_of, reason
from trainyard.contract.quality import Quality

# Columns of aggregate tables that name the visit rather than describe it.
IDENTIFIERS = {"visit_id", "product_id", "visitor_id", "visit_date", "sales_date", "is_sale"}


def find(connection: sa.Connection, prefix: str) -> list[sa.Table]:
    """The tables and views whose name starts with `prefix` and that have a visit_id, as the database has them now."""
    inspector = sa.inspect(connection)
    names = {each for each in (*inspector.get_table_names(), *inspector.get_view_names()) if each.startswith(prefix)}
    with warnings.catch_warnings():
        # Of a type that SQLAlchemy does not know; the column is left out, which is said where people see it.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        tables = [sa.Table(name, sa.MetaData(), autoload_with=connection) for name in sorted(names)]
    described = [table for table in tables if "visit_id" in table.c]
    if connection.dialect.name != "sqlite":
        return described
    return [file_columns.retyped(connection, table) for table in described]


def feature_columns(tables: Sequence[sa.Table], drop: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The columns that describe a visit: quantities, texts and flags; two of one name carry their table's."""
    found = [column for table in tables for column in table.c if _describes(column) and kind_of(column.type)]
    names = [column.name for column in found]
    labelled = [
        column.label(column.name if names.count(column.name) == 1 else f"{column.table.name}_{column.name}")
        for column in found
    ]
    return [column for column in labelled if column.name not in drop]


def left_out(tables: Sequence[sa.Table]) -> Quality:
    """One sentence for each reason why columns that are there are no inputs."""
    reasons: dict[str, list[str]] = {}
    for table in tables:
        for column in table.c:
            if _describes(column) and not kind_of(column.type):
                reasons.setdefault(reason(column.type), []).append(f"{table.name}.{column.name}")
            elif not _describes(column) and column.name != "visit_id":
                reasons.setdefault("what names a visit rather than describes it", []).append(
                    f"{table.name}.{column.name}"
                )
    sentences = (f"database: {', '.join(names)} left out: {why}." for why, names in reasons.items())
    return Quality(warnings=tuple(sentences))


def _describes(column: sa.Column[Any]) -> bool:
    return column.name not in IDENTIFIERS
