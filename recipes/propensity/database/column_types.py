"""What columns of a database can be for a model, by their types, and how they are asked for; runs in the ingest job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from trainyard.contract.values import boolean, identifier, is_missing, number

Type = sa.types.TypeEngine[Any]
Kind = Literal["whole", "number", "text", "flag"]
# From 2.1 on, SQLAlchemy's floats are no `Numeric` any more.
REAL_TYPES = (sa.Numeric, sa.Float)
DURATIONS = (sa.Time, sa.Interval, postgresql.INTERVAL)
# More bits than a signed number of 64 has.
WIDE_BITS = 63
REASONS: tuple[tuple[tuple[type[Any], ...], str], ...] = (
    ((sa.DateTime, sa.Date), "a date"),
    ((sa.types.LargeBinary, sa.types._Binary), "binary"),
    ((sa.JSON, postgresql.HSTORE), "a document"),
    ((sa.ARRAY,), "a list"),
    ((sa.Uuid,), "a key"),
    ((sa.types.NullType,), "without a value, or of a type that is not known"),
)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else identifier(value)


class _Read(sa.types.TypeDecorator[Any]):
    """A column of SQLite, whose cells hold anything, read by a function that knows what they mean."""

    cache_ok = True
    impl = sa.types.NullType

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        del dialect
        return self.meaning(value)

    meaning: Callable[[Any], Any] = staticmethod(lambda value: value)


class ReadNumber(_Read):
    """Numbers; what is none is missing."""

    cache_ok = True
    meaning = staticmethod(lambda value: None if value is None or isinstance(value, bytes) else number(value))


class ReadText(_Read):
    """Texts, some of which are kept as numbers."""

    cache_ok = True
    meaning = staticmethod(_text)


class ReadFlag(_Read):
    """Yes and no in any spelling."""

    cache_ok = True
    meaning = staticmethod(lambda value: None if is_missing(value) else boolean(value))


def kind_of(column_type: Type) -> Kind | None:
    """What a column of this type can be; None where it is left out."""
    known: dict[type[Any], Kind] = {ReadNumber: "number", ReadText: "text", ReadFlag: "flag"}
    if type(column_type) in known:
        return known[type(column_type)]
    if isinstance(column_type, sa.Boolean):
        return "flag"
    if _is_wide(column_type) or isinstance(column_type, (*REAL_TYPES, *DURATIONS, postgresql.MONEY)):
        return "number"
    if isinstance(column_type, (sa.Integer, mysql.BIT, mysql.YEAR)):
        return "whole"
    return "text" if isinstance(column_type, sa.String) else None


def reason(column_type: Type) -> str:
    """Why a column of this type is left out."""
    if isinstance(column_type, postgresql.DOMAIN):
        return "of a type of its own"
    for types, words in REASONS:
        if isinstance(column_type, types):
            return words
    return f"of type {type(column_type).__name__}"


def asked(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    """The expression that gives the column's values as plain numbers, flags and texts."""
    kind, declared = kind_of(column.type), column.type
    if dialect == "sqlite":
        return sa.type_coerce(column, sa.Float) if kind == "number" and isinstance(declared, REAL_TYPES) else column
    if dialect == "postgresql":
        return _of_postgres(column, kind)
    if isinstance(declared, sa.Time):
        return sa.type_coerce(sa.func.time_to_sec(column), sa.Float)
    # Driver and SQLAlchemy like to make decimal objects of MySQL's numbers, which takes longer than all the rest. A
    # product with a double is a double, and the type says that it stays one.
    if kind == "number":
        return sa.type_coerce(column, sa.Float).op("*")(sa.literal_column("1e0"))
    if isinstance(declared, (mysql.BIT, mysql.YEAR)):
        return sa.type_coerce(column, sa.BigInteger).op("+")(sa.literal_column("0"))
    return column


def _of_postgres(column: sa.ColumnElement[Any], kind: Kind | None) -> sa.ColumnElement[Any]:
    if isinstance(column.type, DURATIONS):
        return sa.cast(sa.extract("epoch", column), sa.Double)
    if isinstance(column.type, postgresql.MONEY):
        return sa.cast(sa.cast(column, sa.Numeric), sa.Double)
    if kind == "number":
        return sa.cast(column, sa.Double)
    return sa.cast(column, sa.Text) if kind == "text" else column


def _is_wide(column_type: Type) -> bool:
    """Whether it holds whole numbers of more bits than a signed number of 64 has."""
    if isinstance(column_type, mysql.BIT):
        return (column_type.length or 1) > WIDE_BITS
    return isinstance(column_type, mysql.BIGINT) and bool(column_type.unsigned)
