"""Partition projection: partitions that a table computes from its parameters, and no catalogue lists; in the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ministack.services import athena, glue

from trainyard.errors import TrainyardError

Table = Mapping[str, Any]
Inside = Callable[[str], bool]
FROM_NOW = re.compile(r"NOW(?:([+-])(\d+)DAYS?)?")


def is_projected(table: Table) -> bool:
    """Whether a table computes its partitions."""
    return str((table.get("Parameters") or {}).get("projection.enabled", "")).lower() == "true"


def kept(table: Table, files: Sequence[str]) -> list[str]:
    """The files that lie in partitions within the ranges of the table. Raises TrainyardError for unknown types."""
    ranges = {name: _inside(table, name) for name in _names(table)}
    return [path for path in files if all(inside(_value(path, name)) for name, inside in ranges.items())]


def require_injected(query: str, database: str) -> None:
    """Raise TrainyardError for a query that does not say which value an injected column has, as Athena refuses it."""
    for reference in athena._table_references(query):
        table = glue._tables.get(f"{reference.database or database or 'default'}/{reference.table}")
        for name in _injected(table or {}):
            if not re.search(rf'\b{name}"?\s*(=|in\s*\()', query, re.IGNORECASE):
                raise TrainyardError(
                    f"CONSTRAINT_VIOLATION: Expected WHERE to say which value {name} has, for it is an injected "
                    f"partition column of {reference.table}; add {name} = '...'."
                )


def _injected(table: Table) -> Iterator[str]:
    if is_projected(table):
        yield from (name for name in _names(table) if _parameter(table, f"{name}.type") == "injected")


def _names(table: Table) -> list[str]:
    return [str(each["Name"]) for each in table.get("PartitionKeys") or []]


def _parameter(table: Table, what: str) -> str:
    return str(table["Parameters"].get(f"projection.{what}", ""))


def _value(path: str, name: str) -> str:
    found = re.search(rf"/{re.escape(name)}=([^/]*)/", path)
    return found[1] if found else ""


def _inside(table: Table, name: str) -> Inside:
    """Whether a value of a partition column is one that the table computes."""
    kind = _parameter(table, f"{name}.type")
    if kind == "injected":
        return bool
    if kind == "enum":
        return set(_parameter(table, f"{name}.values").split(",")).__contains__
    low, _, high = _parameter(table, f"{name}.range").partition(",")
    if kind == "integer":
        digits = int(_parameter(table, f"{name}.digits") or 0)
        return {f"{each:0{digits}}" for each in range(int(low), int(high) + 1)}.__contains__
    if kind == "date" and _parameter(table, f"{name}.format") == "yyyy-MM-dd":
        first, last = _day(low), _day(high)
        return lambda value: first <= value <= last
    raise TrainyardError(f"Expected projections of enum, integer, injected or days, found {kind} of column {name}.")


def _day(text: str) -> str:
    """A day of a range, in ISO 8601: spelt out, or so many days from now in UTC."""
    found = FROM_NOW.fullmatch(text.strip())
    if found is None:
        return date.fromisoformat(text.strip()).isoformat()
    days = int(f"{found[1] or ''}{found[2] or 0}")
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
