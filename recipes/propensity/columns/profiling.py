"""Looks what the columns of a table hold, in one pass; Ibis expressions that run in Glue."""

from __future__ import annotations

from typing import Any

import ibis

from recipes.propensity.columns.profile import ColumnProfile, Kind
from trainyard.contract.records import rows
from trainyard.contract.values import identifier

# Up to here a real number holds every whole one.
EXACT = 2.0**53
BOOLEANS = {"0": "false", "1": "true"}


def profiles(table: ibis.Table) -> list[ColumnProfile]:
    """The profile of each column, in their order; one pass over the table."""
    figures: dict[str, Any] = {"rows": table.count()}
    for index, name in enumerate(table.columns):
        figures |= {f"{what}_{index}": value for what, value in _figures(table[name]).items()}
    found = rows(table.agg(**figures))[0]
    return [_profile(table, name, index=index, found=found) for index, name in enumerate(table.columns)]


def comparable(column: Any) -> Any:
    """The column as values that can be counted, in a type that engines order alike; None for other types.

    Yes and no become 1 and 0, numbers that are not finite nothing, texts lower case without spaces around them.
    """
    kind = column.type()
    if kind.is_boolean() or kind.is_integer():
        return column.cast("int64")
    if kind.is_numeric():
        number = column.cast("float64")
        return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)
    if kind.is_timestamp() or kind.is_date():
        return seconds(column)
    return column.strip().lower() if kind.is_string() else None


def is_whole(number: Any) -> Any:
    """Whether a real number is a whole one, held exactly; rounding would cast it, and fail where it is large."""
    return (number % 1.0 == 0.0) & (number.abs() <= EXACT)


def seconds(moment: Any) -> Any:
    """Whole seconds since 1970, rounded down: engines round, or keep, fractions each in a way of their own."""
    return moment.cast("timestamp").truncate("s").epoch_seconds().cast("int64")


def _figures(column: Any) -> dict[str, Any]:
    values = comparable(column)
    if values is None:
        return {"known": column.count()}
    found = {"known": values.count(), "distinct": values.nunique(), "lowest": values.min(), "highest": values.max()}
    return found | ({"whole": is_whole(values).all()} if values.type().is_floating() else {})


def _profile(table: ibis.Table, name: str, *, index: int, found: dict[str, Any]) -> ColumnProfile:
    own = {what: found.get(f"{what}_{index}") for what in ("known", "distinct", "lowest", "highest", "whole")}
    kind = _kind(table[name].type(), whole=bool(own["whole"]))
    ends = [_written(own[each], kind) for each in ("lowest", "highest")]
    return ColumnProfile(
        name=name,
        kind=kind,
        rows=int(found["rows"]),
        known=int(own["known"] or 0),
        distinct=int(own["distinct"] or 0),
        lowest=ends[0],
        highest=ends[1],
    )


def _kind(declared: Any, *, whole: bool) -> Kind:
    if declared.is_boolean():
        return "boolean"
    if declared.is_integer() or (declared.is_numeric() and whole):
        return "whole"
    if declared.is_numeric():
        return "number"
    if declared.is_timestamp() or declared.is_date():
        return "moment"
    return "text" if declared.is_string() else "other"


def _written(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    return BOOLEANS[str(value)] if kind == "boolean" else identifier(value)
