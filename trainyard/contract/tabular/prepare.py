"""Checks the rows and gives each its role; Ibis expressions, so that DuckDB and Spark agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import ibis

from trainyard.contract import holdout, records
from trainyard.contract.holdout import ROLES
from trainyard.contract.quality import Quality
from trainyard.contract.tabular.config import TabularConfig

# Fewer tell nothing of how good a model is, and more classes are rather numbers, keys or free text.
MIN_ROWS, MAX_CLASSES = 10, 100


def check(tables: Mapping[str, ibis.Table], config: TabularConfig) -> Quality:
    """Refuse tables with too few rows of a role, with one value of the target, or with very many classes."""
    table = config.table
    prepared = prepare(tables, config)[table.name]
    found = records.rows(
        prepared.group_by("role").aggregate(rows=prepared.count(), values=prepared[table.target].nunique())
    )
    rows = {each["role"]: int(each["rows"]) for each in found}
    values = {each["role"]: int(each["values"]) for each in found}
    everything = tables[table.name]
    figures = records.rows(everything.aggregate(rows=everything.count(), known=everything[table.target].count()))[0]
    unknown = int(figures["rows"]) - int(figures["known"])
    return Quality(
        problems=tuple(_problems(config, rows=rows, values=values.get("train", 0))),
        warnings=tuple(_warnings(config, unknown=unknown)),
        figures={f"{role}_rows": float(rows.get(role, 0)) for role in ROLES} | {"without_target": float(unknown)},
    )


def _problems(config: TabularConfig, *, rows: Mapping[str, int], values: int) -> Iterator[str]:
    table = config.table
    for role in ROLES:
        if rows.get(role, 0) < MIN_ROWS:
            yield (
                f"{table.name}: expected at least {MIN_ROWS} rows with a {table.target} for {role}, found "
                f"{rows.get(role, 0)}; give more rows, or change data.holdout_fraction or data.validation_fraction."
            )
    if rows.get("train") and values < 2:
        yield f"{table.name}: expected different values of {table.target} to learn from, found {values} in all rows."
    if table.task == "classification" and values > MAX_CLASSES:
        yield (
            f"{table.name}: expected at most {MAX_CLASSES} classes in {table.target}, found {values}; "
            'name another target, or say task="regression" in config.py where they are numbers.'
        )


def _warnings(config: TabularConfig, *, unknown: int) -> Iterator[str]:
    if unknown:
        table = config.table
        yield f"{table.name}: {unknown:,} rows have no {table.target}; nothing is learned from them."


def prepare(tables: Mapping[str, ibis.Table], config: TabularConfig) -> dict[str, ibis.Table]:
    """The rows whose target is known, with a column `role`: train, validation or holdout by a hash of their key."""
    table = config.table
    rows = tables[table.name]
    kept = rows.filter(rows[table.target].notnull())
    role = holdout.role_of(
        kept[table.key],
        holdout=config.data.holdout_fraction,
        validation=config.data.validation_fraction,
        salt=table.name,
    )
    return {table.name: kept.mutate(role=role)}
