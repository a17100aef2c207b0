"""What the columns of a SQLite file hold, whatever their types say: each cell has a type of its own; ingest job."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from recipes.propensity.column_types import ReadFlag, ReadNumber, ReadText
from trainyard.contract.values import is_missing, number

KINDS = ("integer", "real", "text", "blob")
TIMES = (sa.DateTime, sa.Date, sa.Time)
# Of a column of numbers at most this share may be words, which count as missing.
MAX_WORDS = 0.01


def retyped(connection: sa.Connection, table: sa.Table) -> sa.Table:
    """The table with the type of each column that its cells ask for; NullType where there is nothing to use."""
    names = [each.name for each in table.c]
    if not names:
        return table
    counted = [f"coalesce(sum(typeof({_quoted(connection, name)}) = '{kind}'), 0)" for name in names for kind in KINDS]
    # Names are quoted by SQLAlchemy.
    query = f"SELECT {', '.join(counted)} FROM {_quoted(connection, table.name)}"  # noqa: S608
    found = connection.exec_driver_sql(query).one()
    for place, column in enumerate(table.c):
        cells = dict(zip(KINDS, found[place * len(KINDS) :], strict=False))
        column.type = _type_of(connection, column, cells=cells)
    return table


def _type_of(connection: sa.Connection, column: sa.Column[Any], *, cells: dict[str, int]) -> sa.types.TypeEngine[Any]:
    declared, known = column.type, sum(cells.values())
    if isinstance(declared, TIMES):
        return declared
    if cells["blob"] > known / 2:
        return sa.LargeBinary()
    if not known or isinstance(declared, sa.Boolean):
        return ReadFlag() if known else sa.types.NullType()
    if isinstance(declared, sa.String) and not isinstance(declared, sa.TEXT):
        return declared if cells["text"] == known else ReadText()
    return _by_cells(connection, column, cells=cells)


def _by_cells(connection: sa.Connection, column: sa.Column[Any], *, cells: dict[str, int]) -> sa.types.TypeEngine[Any]:
    if not cells["text"] and not cells["blob"]:
        return sa.Float() if cells["real"] else sa.BigInteger()
    limit = _limit(column.type, sum(cells.values()))
    return ReadText() if _words(connection, column, limit=limit) else ReadNumber()


def _limit(declared: sa.types.TypeEngine[Any], known: int) -> float:
    """How many words a column of numbers may hold, which is none unless its type says that it is one."""
    return MAX_WORDS * known if isinstance(declared, (sa.Integer, sa.Numeric, sa.Float)) else 0


def _words(connection: sa.Connection, column: sa.Column[Any], *, limit: float) -> bool:
    """Whether more than `limit` texts of the column are neither numbers nor missing."""
    words = 0
    for value, count in _texts(connection, column):
        if not is_missing(value):
            words += count if number(value) is None or _is_code(value) else 0
        if words > limit:
            return True
    return False


def _texts(connection: sa.Connection, column: sa.Column[Any]) -> Any:
    text = sa.type_coerce(column, sa.types.NullType())
    query = sa.select(text, sa.func.count()).where(sa.func.typeof(column) == "text").group_by(text)
    return connection.execute(query, execution_options={"stream_results": True})


def _is_code(value: str) -> bool:
    """Whether a number is a name, such as 007: no quantity begins with a nought."""
    digits = value.strip()
    return len(digits) > 1 and digits[0] == "0" and digits.isdigit()


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
