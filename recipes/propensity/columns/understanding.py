"""Understands a table: which column is the outcome, which value is yes, what each other column is; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from recipes.propensity.columns.outcome import DATABASE_OUTCOME, outcome_column, yes_and_no
from recipes.propensity.columns.profile import ColumnProfile
from recipes.propensity.columns.profiling import comparable, profiles
from recipes.propensity.columns.uses import Description, describe
from recipes.propensity.config import Data
from trainyard.contract.records import rows
from trainyard.contract.values import identifier

# More values than this are no outcome, and nobody wants to read them.
MAX_VALUES = 1000


def understood(tables: Mapping[str, ibis.Table], data: Data) -> tuple[Description, list[ColumnProfile]]:
    """What the columns of `visits` are, and what they hold; raises BadData where the outcome cannot be told.

    Beside a table `population`, which a database's visits come with, the outcome is `is_sale`.
    """
    visits, database = tables["visits"], "population" in tables
    found = profiles(visits)
    if database:
        outcome = DATABASE_OUTCOME
    else:
        column = outcome_column(found, data)
        outcome = yes_and_no(column, data, counts=_counts(visits, column))
    return describe(found, outcome, data=data, database=database), found


def happened(visits: ibis.Table, description: Description, *, found: Sequence[ColumnProfile]) -> Any:
    """The outcome of each row: 1 for yes, 0 for no, nothing where the row has none."""
    outcome = description.outcome
    if outcome == DATABASE_OUTCOME:
        return visits[outcome.column].cast("int64")
    profile = next(each for each in found if each.name == outcome.column)
    values = comparable(visits[outcome.column])
    if outcome.yes == "":
        return values.isnull().ifelse(ibis.null("int64"), ibis.literal(0, type="int64"))
    wanted: Any = {"true": 1, "false": 0}[outcome.yes] if profile.kind == "boolean" else outcome.yes
    yes = ibis.literal(wanted if values.type().is_string() else float(wanted), type=values.type())
    return (values == yes).cast("int64")


def _counts(visits: ibis.Table, column: ColumnProfile) -> dict[str, int]:
    """How often each value of a column comes, by the value as a profile writes it."""
    values = comparable(visits[column.name])
    if values is None or column.distinct > MAX_VALUES:
        return {}
    counted = visits.select(value=values).group_by("value").agg(rows=lambda table: table.count())
    spelled = {0: "false", 1: "true"} if column.kind == "boolean" else {}
    return {
        spelled.get(each["value"], identifier(each["value"])): int(each["rows"])
        for each in rows(counted)
        if each["value"] is not None
    }
