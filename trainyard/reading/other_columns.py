"""Finds the types of columns that nobody declared, from all of their values; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from trainyard.reading import amounts, cells
from trainyard.reading.cells import Cell, ValueType
from trainyard.reading.columns import UNNAMED, Mapped
from trainyard.reading.dates import ways_of
from trainyard.reading.moments import Dates
from trainyard.reading.queries import rows_of
from trainyard.reading.sql import literal, matches

# What people write where a number is not known: nothing but one or two signs.
SIGNS = r"[!-/:-@\[-`{-~\x{2013}\x{2014}]{1,2}"
# What is in every text that is a moment, for to find out how moments are written takes long.
LIKE_TIMES = r"[0-9]{1,4}[-/. ][0-9]{1,2}([-/. ,T]|$)|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
# Of these, the first whose values all (but the bad share) of a column are; `word` tells yes/no from counts of 0 and 1.
COUNTED = ("given", "signs", "boolean", "word", "int64", "float64", "plain", "time", "telephone")


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """Types by column, the parts with what is known of their cells, and sentences about cells that were not taken."""

    kinds: Mapping[str, ValueType]
    parts: tuple[Mapped, ...]
    warnings: tuple[str, ...] = field(default=())


def inferred(connection: duckdb.DuckDBPyConnection, parts: Sequence[Mapped], *, share: float) -> Inferred:
    """The types of the other columns of a table, over all `parts`; up to a `share` of cells may be no such value.

    A column of words for yes and no is boolean; of whole numbers int64, unless digits would be lost (007, or more than
    64 bits); of numbers float64; of moments timestamp; all others are text, also amounts in several currencies and
    telephone numbers. A sign such as ? or - among numbers is no value. Columns without a name and without a value are
    none.
    """
    totals: dict[str, Counter[str]] = {}
    for part in parts:
        for name, counts in _counts(connection, part).items():
            totals.setdefault(name, Counter()).update(counts)
    totals = {name: counts for name, counts in totals.items() if counts["given"] or _is_named(parts, name)}
    kinds = {name: _kind(counts, share) for name, counts in totals.items()}
    ways = _ways(connection, parts, kinds=kinds, totals=totals, share=share)
    kinds = {**kinds, **dict.fromkeys(ways, "timestamp")}
    known = tuple(_known(part, ways) for part in parts)
    return Inferred(kinds=kinds, parts=known, warnings=_warnings(parts, kinds=kinds, totals=totals))


def _counts(connection: duckdb.DuckDBPyConnection, part: Mapped) -> dict[str, dict[str, int]]:
    if not part.others:
        return {}
    # In three steps, for each value is computed once only if it is a column of a query inside.
    tidy = ", ".join(f"{_tidy(cell)} AS t{at}" for at, cell in enumerate(part.others.values()))
    inner = ", ".join(value for at, cell in enumerate(part.others.values()) for value in _values(cell, at=at))
    outer = ", ".join(count for at, name in enumerate(part.others) for count in _column(at, name=name))
    found = connection.execute(
        f"SELECT {outer} FROM (SELECT {inner} FROM (SELECT {tidy} FROM {rows_of(part)}))"
    ).fetchall()[0]
    size = len(COUNTED) + 1
    columns = {name: found[size * at : size * (at + 1)] for at, name in enumerate(part.others)}
    return {
        name: dict(zip(COUNTED, counts, strict=True)) | {f"{amounts.IN}{mark}": n for mark, n in (marks or {}).items()}
        for name, (*counts, marks) in columns.items()
    }


def _tidy(cell: Cell) -> str:
    return cells.trimmed(cell) if cell.is_text else cell.sql


def _values(cell: Cell, *, at: int) -> list[str]:
    """What is computed of each cell, of which `_tidy` is the column t0, t1, ..."""
    cell = replace(cell, sql=f"t{at}", tidy=cell.is_text)
    text = cells.trimmed(cell)
    # 007 is no number, though it could be read as one; nor are more digits before the point than a number holds.
    time = "TRUE" if cell.type in cells.TIMES else f"regexp_matches({text}, {literal(LIKE_TIMES)})"
    lost = f"regexp_matches({text}, '^''?[+-]?(0[0-9]|[0-9]{{16}})')"
    return [
        f"{cells.missing(cell)} AS missing{at}",
        f"{cells.value(cell, 'boolean')} AS boolean{at}",
        f"{cell.type == 'BOOLEAN'} AS typed{at}",
        f"{cells.value(cell, 'int64')} AS whole{at}",
        f"{cells.value(cell, 'float64')} AS number{at}",
        f"{text} AS text{at}",
        f"{lost if cell.is_text else 'FALSE'} AS lost{at}",
        f"{time} AS time{at}",
    ]


def _column(at: int, *, name: str) -> list[str]:
    return [
        f"count(*) FILTER (WHERE NOT missing{at})",
        f"count(*) FILTER (WHERE NOT missing{at} AND {matches(f'text{at}', SIGNS)})",
        f"count(boolean{at})",
        f"count(boolean{at}) FILTER (WHERE typed{at} OR number{at} IS NULL)",
        f"count(whole{at})",
        f"count(number{at})",
        f"count(number{at}) FILTER (WHERE NOT lost{at} OR whole{at}::VARCHAR = text{at})",
        f"count(*) FILTER (WHERE time{at})",
        f"count(*) FILTER (WHERE {amounts.is_telephone(f'text{at}', f'number{at}', column=name)})",
        f"histogram({amounts.currency(f'text{at}', f'number{at}')})",
    ]


def _is_named(parts: Sequence[Mapped], name: str) -> bool:
    return not name.startswith(UNNAMED) or any(name in part.found.columns for part in parts)


def _kind(counts: Mapping[str, int], share: float) -> ValueType:
    given = counts["given"]
    if not given:
        return "string"
    # Who tolerates no bad cell does not want this guessed either.
    numbers = given - (counts["signs"] if share else 0)
    needed = max(numbers - int(numbers * share), 1)
    if counts["boolean"] == given and counts["word"]:
        return "boolean"
    if counts["telephone"] >= needed or len(amounts.currencies(counts)) > 1:
        return "string"
    if counts["plain"] < counts["float64"] or counts["float64"] < needed or counts["time"] == given > counts["float64"]:
        return "string"
    return "int64" if counts["int64"] == counts["float64"] else "float64"


def _ways(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[Mapped],
    *,
    kinds: Mapping[str, ValueType],
    totals: Mapping[str, Counter[str]],
    share: float,
) -> dict[str, Dates]:
    """The columns of texts that are moments, and how each is written; where that is not sure they stay texts."""
    likely = {
        name
        for name, counts in totals.items()
        if kinds[name] == "string"
        and counts["time"] >= counts["given"] * (1 - share)
        and counts["float64"] < counts["given"]
    }
    found: dict[str, set[Dates | None]] = {}
    read: Counter[str] = Counter()
    for part in parts:
        wanted = {name: cell for name, cell in part.others.items() if name in likely}
        for name, way in ways_of(connection, part, wanted=wanted).items():
            found.setdefault(name, set()).add(way)
            read[name] += _moments(connection, part, cell=replace(wanted[name], dates=way or "plain"))
    return {
        name: way
        for name, ways in found.items()
        for way in ways
        if len(ways) == 1 and way is not None and read[name] >= totals[name]["given"] * (1 - share)
    }


def _moments(connection: duckdb.DuckDBPyConnection, part: Mapped, *, cell: Cell) -> int:
    found = connection.execute(f"SELECT count({cells.value(cell, 'timestamp')}) FROM {rows_of(part)}").fetchall()
    return int(found[0][0])


def _known(part: Mapped, ways: Mapping[str, Dates]) -> Mapped:
    others = {name: replace(cell, dates=ways.get(name, "plain")) for name, cell in part.others.items()}
    return replace(part, others=others)


def _warnings(
    parts: Sequence[Mapped], *, kinds: Mapping[str, ValueType], totals: Mapping[str, Counter[str]]
) -> tuple[str, ...]:
    warned = []
    for name, kind in kinds.items():
        lost = totals[name]["given"] - totals[name]["float64"]
        if kind in {"int64", "float64"} and lost:
            cell = "cell that is no number is" if lost == 1 else "cells that are no numbers are"
            warned.append(f"{parts[0].found.name}: column {name}: {lost:,} {cell} taken for missing.")
        if len(mixed := amounts.currencies(totals[name])) > 1:
            warned.append(
                f"{parts[0].found.name}: column {name}: amounts in {' and '.join(mixed)} cannot be compared and are "
                "read as text; convert them into one currency."
            )
    return tuple(warned)
