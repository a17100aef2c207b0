"""What values of MySQL, MariaDB and PostgreSQL mean, as SQL for columns that have other types than the schema's."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from trainyard.contract.values import MAX_SECONDS, NO, YES

Column = sa.ColumnElement[Any]
MYSQL = ("mysql", "mariadb")
ZONE = "[+-][0-9]{2}:?[0-9]{2}$"
LOCAL_TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+)?"


def moment(column: Column, *, dialect: str) -> Column:
    """A time in UTC, of a time, of ISO 8601 in a text, or of a number that counts from 1970."""
    if isinstance(column.type, (sa.DateTime, sa.Date)):
        return column
    if isinstance(column.type, sa.String):
        return _mysql_text(column) if dialect in MYSQL else _postgres_text(column)
    # Seconds, or as many thousandths, millionths, ... as make sense.
    size = sa.func.abs(column)
    unit = sa.case(
        (size < MAX_SECONDS, 1), (size < MAX_SECONDS * 10**3, 10**3), (size < MAX_SECONDS * 10**6, 10**6), else_=10**9
    )
    if dialect in MYSQL:
        micro = sa.cast(sa.func.round(column * (10**6 / unit)), sa.BigInteger)
        return sa.type_coerce(sa.func.timestampadd(sa.text("MICROSECOND"), micro, sa.text("'1970-01-01'")), sa.DateTime)
    return sa.cast(sa.func.to_timestamp(sa.cast(column, sa.Double) / unit), sa.DateTime)


def whole(column: Column, *, dialect: str) -> Column:
    """A whole number, of a whole number, a decimal one or a text."""
    if isinstance(column.type, sa.Integer):
        return column
    if dialect in MYSQL:
        return sa.cast(column, sa.BigInteger)
    number = column if not isinstance(column.type, sa.String) else sa.func.nullif(sa.func.trim(column), "")
    return sa.cast(number, sa.BigInteger)


def yes(column: Column, *, dialect: str) -> Column:
    """1 or 0, of a flag, a bit, a number or a word; NULL of others."""
    kind = column.type
    if isinstance(kind, sa.Integer):
        return column
    if isinstance(kind, sa.Boolean):
        return sa.cast(column, sa.Integer)
    if isinstance(kind, sa.String):
        word = sa.func.lower(sa.func.trim(sa.cast(column, sa.String) if dialect not in MYSQL else column))
        return sa.case((word.in_(sorted(YES)), 1), (word.in_(sorted(NO)), 0))
    if isinstance(kind, mysql.BIT):
        return sa.type_coerce(column, sa.Integer).op("+")(sa.literal_column("0"))
    return sa.cast(column, sa.Integer)


def _postgres_text(column: Column) -> Column:
    text = sa.func.nullif(sa.func.trim(sa.cast(column, sa.String)), "")
    return sa.func.timezone("UTC", sa.cast(text, sa.DateTime(timezone=True)), type_=sa.DateTime)


def _mysql_text(column: Column) -> Column:
    """MySQL knows zones in constants only: the time as it stands, less the minutes of its zone."""
    text = sa.func.trim(column)
    local = sa.func.replace(sa.func.regexp_substr(text, LOCAL_TIME), "T", " ")
    zone = sa.func.nullif(sa.func.regexp_substr(text, ZONE), "")
    sign = sa.case((sa.func.left(zone, 1) == "-", -1), else_=1)
    minutes = sign * (sa.func.substr(zone, 2, 2) * 60 + sa.func.right(zone, 2))
    ahead = sa.func.coalesce(sa.cast(minutes, sa.BigInteger), 0)
    time = sa.cast(sa.func.nullif(local, ""), mysql.DATETIME(fsp=6))
    return sa.type_coerce(sa.func.timestampadd(sa.text("MINUTE"), -ahead, time), sa.DateTime)
