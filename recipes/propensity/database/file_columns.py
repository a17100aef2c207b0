"""What the columns of a SQLite file hold, whatever their types say: each cell has a type of its own; ingest job."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from recipes.propensity.database.column_types import REAL_TYPES, ReadFlag, ReadNumber, ReadText
from trainyard.contract.values import is_missing, number

KINDS = ("integer", "real", "text", "blob")
TIMES = (sa.DateTime, sa.Date, sa.Time)
# Of a column of numbers at most this share may be words, which count as missing.
MAX_WORDS = 0.01


def retyped(connection: sa.Connection, table: sa.Table) -> sa.Table:
    """The table with the type of each column that its cells ask for; NullType where there is nothing to use."""
    ends = [f"count({each}), typeof(min({each})), typeof(max({each}))" for each in _names(connection, table)]
    found = _one_row(connection, table, asked=ends)
    for place, column in enumerate(table.c):
        known, lowest, highest = found[3 * place : 3 * place + 3]
        if column.name == "visit_id":
            column.type = sa.Text() if highest == "text" else column.type
            continue
        cells = dict.fromkeys(KINDS, 0) | {highest: known}
        # SQLite orders numbers before texts before bytes.
        if known and lowest != highest and highest in ("text", "blob"):
            cells = _cells(connection, table, column=column)
        column.type = _type_of(connection, column, cells=cells)
    return table


def _cells(connection: sa.Connection, table: sa.Table, *, column: sa.Column[Any]) -> dict[str, int]:
    """How many cells of the column are of each kind."""
    name = _quoted(connection, column.name)
    counted = _one_row(
        connection, table, asked=[f"count(CASE typeof({name}) WHEN '{kind}' THEN 1 END)" for kind in KINDS]
    )
    return dict(zip(KINDS, counted, strict=True))


def _one_row(connection: sa.Connection, table: sa.Table, *, asked: list[str]) -> Any:
    # Names are quoted by SQLAlchemy.
    query = f"SELECT {', '.join(asked)} FROM {_quoted(connection, table.name)}"  # noqa: S608
    return connection.exec_driver_sql(query).one()


def _names(connection: sa.Connection, table: sa.Table) -> list[str]:
    return [_quoted(connection, each.name) for each in table.c]


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
        return sa.Float() if isinstance(column.type, REAL_TYPES) or _has_reals(connection, column) else sa.BigInteger()
    limit = _limit(column.type, sum(cells.values()))
    return ReadText() if _words(connection, column, limit=limit) else ReadNumber()


def _has_reals(connection: sa.Connection, column: sa.Column[Any]) -> bool:
    real = sa.exists().where(sa.func.typeof(column) == "real")
    return bool(connection.execute(sa.select(real)).scalar_one())


def _limit(declared: sa.types.TypeEngine[Any], known: int) -> float:
    """How many words a column of numbers may hold, which is none unless its type says that it is one."""
    return MAX_WORDS * known if isinstance(declared, (sa.Integer, *REAL_TYPES)) else 0


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
