"""What a cell of each declared type may look like, as DuckDB expressions; used wherever CSV is read.

DuckDB's own casts are lenient: to them 1.5 is the whole number 2, `1_000` is a number and `epoch` a time. A file
is read as text, and each cell is accepted only in the plain spelling of its type.
"""

from __future__ import annotations

from trainyard.contract.sources import Column, ColumnType

SQL_TYPES: dict[ColumnType, str] = {
    "id": "BIGINT",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
EXPECTED: dict[ColumnType, str] = {
    "id": "a whole number of at most 64 bits",
    "int64": "a whole number of at most 64 bits",
    "float64": "a number such as 1.5",
    "string": "text",
    "timestamp": "a time such as 2026-01-31 23:59:59",
    "boolean": "true or false",
}
PATTERNS: dict[ColumnType, str] = {
    "id": r"[+-]?[0-9]+",
    "int64": r"[+-]?[0-9]+",
    "float64": r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
    "timestamp": r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?",
    "boolean": r"(?i:true|false|1|0)",
}


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def value(column: Column) -> str:
    """The cell in its declared type; NULL where it is empty or not accepted."""
    name = identifier(column.name)
    return name if column.type == "string" else f"TRY_CAST({name} AS {SQL_TYPES[column.type]})"


def refused(column: Column) -> str:
    """Whether a cell is not accepted: spelt wrongly, out of range, or empty where a value is needed."""
    name, cast = identifier(column.name), value(column)
    empty = f"WHEN {name} IS NULL THEN {not column.nullable}"
    if column.type == "string":
        return f"(CASE {empty} ELSE FALSE END)"
    # Most whole numbers come back as they were written, which costs less to find out than the pattern does; of the
    # branches of a CASE only those are evaluated that rows are left for.
    usual = f"WHEN {cast}::VARCHAR = {name} THEN FALSE " if column.type == "int64" else ""
    finite = f"AND isfinite({cast})" if column.type == "float64" else ""
    spelt = f"regexp_full_match({name}, {literal(PATTERNS[column.type])}) AND {cast} IS NOT NULL {finite}"
    return f"(CASE {usual} {empty} ELSE NOT ({spelt}) END)"


def required(column: Column) -> str:
    """A cell that was read in its type already, or an error where it is empty and a value is needed."""
    name = identifier(column.name)
    return name if column.nullable else f"CASE WHEN {name} IS NULL THEN error('refused') ELSE {name} END"


def checked(column: Column) -> str:
    """The cell in its declared type, or an error that ends the query where it is not accepted."""
    return f"CASE WHEN {refused(column)} THEN error('refused') ELSE {value(column)} END"
