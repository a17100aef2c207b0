"""Finds out from whole columns how they write their moments; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from trainyard.errors import BadData
from trainyard.reading import cells
from trainyard.reading.cells import Cell
from trainyard.reading.columns import Mapped
from trainyard.reading.moments import COMPACT, DOTTED, EVERY_WAY, WHOLE, YEAR, Dates
from trainyard.reading.queries import rows_of
from trainyard.reading.sentences import refused
from trainyard.reading.sql import matches

# Fewer seconds than this since 1970 count something else: they are a place in a list, or the time since a visit began.
MOMENTS_FROM = 10**8


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How many cells of a column are moments in each way.

    `differing` are those that two ways read differently, `alike` counts that look like a year or a day, and `small`
    other counts that are too small for moments of our time.
    """

    counts: Mapping[Dates, int]
    differing: int
    alike: int
    small: int


def dated(connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, columns: Collection[str]) -> Mapped:
    """The same, where of some columns it is known how all of their moments are written.

    Raises BadData where all of a column may as well be days before months as months before days; a `lenient` one is
    left as it is then.
    """
    moments = [each.name for each in mapped.columns if each.type == "timestamp" and each.name in columns]
    wanted = {name: mapped.cells[name] for name in moments}
    open_ones = {name: cell for name, cell in wanted.items() if cell is not None and cell.is_open}
    ways = ways_of(connection, mapped, wanted=open_ones)
    lenient = {each.name for each in mapped.columns if each.lenient}
    problems = [_asks(mapped, name) for name, way in ways.items() if way is None and name not in lenient]
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
    # In three steps, for each value is computed once only if it is a column of a query inside.
    texts = ", ".join(f"{cells.trimmed(cell)} AS t{at}" for at, cell in enumerate(wanted.values()))
    moments = ", ".join(each for at, cell in enumerate(wanted.values()) for each in _moments(cell, at=at))
    parts = ", ".join(each for at, cell in enumerate(wanted.values()) for each in _counts(cell, at=at))
    query = f"SELECT {parts} FROM (SELECT *, {moments} FROM (SELECT *, {texts} FROM {rows_of(mapped)}))"
    counts = connection.execute(query).fetchall()[0]
    size = len(counts) // len(wanted)
    return {name: _chosen(_ways(counts[size * at : size * (at + 1)])) for at, name in enumerate(wanted)}


def _ways(counts: Sequence[int]) -> Ways:
    *ways, differing, alike, small = counts
    return Ways(counts=dict(zip(EVERY_WAY, ways, strict=True)), differing=differing, alike=alike, small=small)


def _moments(cell: Cell, *, at: int) -> list[str]:
    """What the cell with the text `t0`, `t1`, ... is in each way."""
    cell = replace(cell, sql=f"t{at}", tidy=True) if cell.is_text else cell
    ways = {way: cells.value(replace(cell, dates=way), "timestamp") for way in EVERY_WAY}
    return [f'{sql} AS "{way} {at}"' for way, sql in ways.items()]


def _counts(cell: Cell, *, at: int) -> list[str]:
    text, values = f"t{at}", {way: f'"{way} {at}"' for way in EVERY_WAY}
    # Nobody who writes 3.4.2026 means a month first.
    dotted = matches(text, DOTTED) if cell.is_text else "FALSE"
    differ = f"{values['day first']} IS DISTINCT FROM {values['month first']} AND NOT {dotted}"
    alike = matches(text, f"{YEAR}|{COMPACT}")
    small = f"{matches(text, WHOLE)} AND NOT {alike} AND abs(TRY_CAST({text} AS DOUBLE)) < {MOMENTS_FROM}"
    others = [f"count(*) FILTER (WHERE {each})" for each in (differ, alike, small)]
    return [*(f"count({each})" for each in values.values()), *others]


def _chosen(ways: Ways) -> Dates | None:
    counts = ways.counts
    best = max(counts.values())
    found: list[Dates] = [way for way in EVERY_WAY if counts[way] == best]
    if found == ["epoch"] and ways.alike and (not ways.small or ways.alike > best / 2):
        # 2021 beside 1609459200 is a year in the wrong place, and beside 1899 and 2300 no second of 1970.
        return "plain"
    # All digits are days such as 20260131, or years, where each of them is one, else counts from 1970.
    for way in ("plain", "compact", "year"):
        if way in found:
            return way
    return None if ways.differing and {"day first", "month first"} <= set(found) else found[0]


def _asks(mapped: Mapped, name: str) -> str:
    return refused(
        mapped.found.name,
        expected=f"moments in column {name} that can be read in one way only",
        found="such as 3/4/2026, which may be the third of April or the fourth of March",
        advice=f"say which in run.json (files.{mapped.source.name}.dates is day first or month first)",
    )
