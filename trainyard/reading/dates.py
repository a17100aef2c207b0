"""Finds out from whole columns how they write their moments; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import duckdb

from trainyard.errors import BadData
from trainyard.reading import cells
from trainyard.reading.cells import Cell
from trainyard.reading.columns import Mapped
from trainyard.reading.moments import DOTTED, EVERY_WAY, Dates
from trainyard.reading.queries import rows_of
from trainyard.reading.sentences import refused
from trainyard.reading.sql import matches


def dated(connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, columns: Collection[str]) -> Mapped:
    """The same, where of some columns it is known how all of their moments are written.

    Raises BadData where all of a column may as well be days before months as months before days.
    """
    moments = [each.name for each in mapped.columns if each.type == "timestamp" and each.name in columns]
    wanted = {name: mapped.cells[name] for name in moments}
    open_ones = {name: cell for name, cell in wanted.items() if cell is not None and cell.is_open}
    ways = ways_of(connection, mapped, wanted=open_ones)
    problems = [_asks(mapped, name) for name, way in ways.items() if way is None]
    if problems:
        raise BadData(problems)
    known = {name: replace(cell, dates=ways[name] or "plain") for name, cell in open_ones.items()}
    return replace(mapped, cells={**mapped.cells, **known})


def ways_of(
    connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, wanted: Mapping[str, Cell]
) -> dict[str, Dates | None]:
    """How columns write their moments: as most cells are some; None where two ways differ and are equally good."""
    if not wanted:
        return {}
    parts = [part for cell in wanted.values() for part in _counts(cell)]
    counts = connection.execute(f"SELECT {', '.join(parts)} FROM {rows_of(mapped)}").fetchall()[0]
    size = len(EVERY_WAY) + 1
    return {
        name: _chosen(dict(zip(EVERY_WAY, counts[size * at :], strict=False)), differing=counts[size * at + size - 1])
        for at, name in enumerate(wanted)
    }


def _counts(cell: Cell) -> list[str]:
    values = {way: cells.value(replace(cell, dates=way), "timestamp") for way in EVERY_WAY}
    # Nobody who writes 3.4.2026 means a month first.
    dotted = matches(cells.trimmed(cell), DOTTED) if cell.is_text else "FALSE"
    differ = f"{values['day first']} IS DISTINCT FROM {values['month first']} AND NOT {dotted}"
    differing = f"count(*) FILTER (WHERE {differ})"
    return [*(f"count({each})" for each in values.values()), differing]


def _chosen(counts: Mapping[Dates, int], *, differing: int) -> Dates | None:
    best = max(counts.values())
    found: list[Dates] = [way for way in EVERY_WAY if counts[way] == best]
    # All digits are days such as 20260131, or years, where each of them is one, else counts from 1970.
    for way in ("plain", "compact", "year"):
        if way in found:
            return way
    return None if differing and {"day first", "month first"} <= set(found) else found[0]


def _asks(mapped: Mapped, name: str) -> str:
    return refused(
        mapped.found.name,
        expected=f"moments in column {name} that can be read in one way only",
        found="such as 3/4/2026, which may be the third of April or the fourth of March",
        advice=f"say which in run.json (files.{mapped.source.name}.dates is day first or month first)",
    )
