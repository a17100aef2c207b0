"""Sees to it that the amounts of a column that a recipe declares are in one currency; in Glue's driver and on a laptop.

Of columns that nobody declared, `other_columns` makes texts where currencies are mixed.
"""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from trainyard.contract.sources import Source
from trainyard.reading import cells
from trainyard.reading.amounts import named
from trainyard.reading.columns import Mapped
from trainyard.reading.queries import rows_of
from trainyard.reading.sentences import refused

NUMBERS = ("int64", "float64")


def with_currencies(connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, rows: int = 0) -> Mapped:
    """The same where amounts are in the currencies of the first `rows` (of all where it is 0), and others are none."""
    declared = {each.name: mapped.cells[each.name] for each in mapped.columns if each.type in NUMBERS}
    texts = {name: cell for name, cell in declared.items() if cell is not None and cell.is_text}
    if mapped.found.only_digits or not texts:
        return mapped
    marks = ", ".join(f"array_agg(DISTINCT {cells.currency(cell)})" for cell in texts.values())
    looked_at = f"(SELECT * FROM {rows_of(mapped)} {f'LIMIT {rows}' if rows else ''})"
    found = connection.execute(f"SELECT {marks} FROM {looked_at}").fetchall()[0]
    known = {
        name: replace(cell, currencies=frozenset(filter(None, seen or ())))
        for (name, cell), seen in zip(texts.items(), found, strict=True)
    }
    return replace(mapped, cells={**mapped.cells, **known})


def mixed(source: Source, parts: Sequence[Mapped]) -> list[str]:
    """A sentence about each column of a table whose amounts are in more than one currency."""
    found = {each.name: named(mark for part in parts for mark in _marks(part, each.name)) for each in source.columns}
    return [_mixed(source, name, currencies=each, parts=parts) for name, each in found.items() if len(each) > 1]


def _marks(part: Mapped, column: str) -> frozenset[str]:
    cell = part.cells[column]
    return (cell and cell.currencies) or frozenset()


def _mixed(source: Source, column: str, *, currencies: Sequence[str], parts: Sequence[Mapped]) -> str:
    required = any(each.name == column and each.required for each in source.columns)
    leave_out = "" if required else f', or leave them out in run.json (files.{source.name}.columns.{column} is "")'
    return refused(
        next(part.found.name for part in parts if _marks(part, column)),
        expected=f"amounts in one currency in column {column}",
        found=" and ".join(currencies),
        advice=f"convert them into one{leave_out}",
    )
