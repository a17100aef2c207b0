"""Resolves lines of a table that name the same thing, by the columns that identify a line; in Glue and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
import numpy as np

from trainyard.contract.quoting import plain
from trainyard.contract.sources import Repeats, Source
from trainyard.reading.load import Loaded, copy
from trainyard.reading.sentences import refused
from trainyard.reading.sql import identifier, literal

HASH_FILES = 64
HASHES_AT_ONCE = 2**20
STAYS = {
    "latest": "the latest by {latest_by} stays",
    "first": "the first of them stays",
    "sum": "they are one line with the numbers added up",
}


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """Lines that were taken out as repetitions, and what there is to say: a problem, a warning, or nothing."""

    count: int = 0
    problem: str = ""
    warning: str = ""


def resolve(
    connection: duckdb.DuckDBPyConnection, source: Source, *, parts: Sequence[Loaded], rule: Repeats
) -> Repeated:
    """Rewrite the Parquet `parts` of a table so that its `unique` columns identify a line, or say why it is refused."""
    present = all(any(part.mapped.cells[each] is not None for part in parts) for each in source.unique)
    if not source.unique or not present:
        return Repeated()
    keys = ", ".join(identifier(each) for each in source.unique)
    table = _table(parts)
    # Lines that agree have equal hashes. To sort these costs a fifth of grouping the lines, and good data ends here;
    # a rare pair of which only the hashes agree is told apart below.
    hashes = connection.sql(f"SELECT hash({keys}) AS hash FROM {table}")
    few = sum(part.rows for part in parts) <= HASHES_AT_ONCE
    if not (_any_equal_of_few(hashes) if few else _any_equal(hashes, parts[0].path.parent)):
        return Repeated()
    known = " AND ".join(f"{identifier(each)} IS NOT NULL" for each in source.unique)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE repeated AS SELECT {keys}, count(*) AS times FROM {table} WHERE {known} "
        "GROUP BY ALL HAVING count(*) > 1"
    )
    count = int(connection.execute("SELECT coalesce(sum(times - 1), 0) FROM repeated").fetchall()[0][0])
    if not count:
        return Repeated()
    if rule == "refuse":
        return Repeated(count=count, problem=_problem(connection, source, parts=parts, count=count))
    warning = _warning(connection, source, parts=parts, rule=rule, count=count)
    _rewrite(connection, source, parts=parts, rule=rule)
    return Repeated(count=count, warning=warning)


def _rewrite(connection: duckdb.DuckDBPyConnection, source: Source, *, parts: Sequence[Loaded], rule: Repeats) -> None:
    """Leave out all but one of the lines that agree; `kept` has the place of each that stays, and its numbers."""
    keys = ", ".join(identifier(each) for each in source.unique)
    summed = _summed(source, parts) if rule == "sum" else []
    sums = "".join(f", sum({each}) AS sum_{at}" for at, each in enumerate(summed))
    latest = f"{identifier(source.latest_by)} DESC NULLS LAST, " if source.latest_by and rule == "latest" else ""
    order = f"{latest}part DESC, row DESC" if rule == "latest" else "part, row"
    ranked = f"SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS rank FROM among"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE among AS SELECT numbered.* FROM {_numbered(parts)} AS numbered "
        f"SEMI JOIN repeated USING ({keys})"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ranked AS {ranked}")
    if summed:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE sums AS SELECT {keys}{sums} FROM among GROUP BY {keys}")
    for at, part in enumerate(parts):
        _rewrite_part(connection, source, part=part, at=at, summed=summed)
    for table in ("repeated", "among", "ranked", "sums"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _rewrite_part(
    connection: duckdb.DuckDBPyConnection, source: Source, *, part: Loaded, at: int, summed: Sequence[str]
) -> None:
    touched = connection.execute(f"SELECT count(*) FROM ranked WHERE part = {at}").fetchall()[0][0]
    if not touched:
        return
    columns = connection.sql(f"SELECT * FROM read_parquet({literal(str(part.path))})").columns
    values = [_value(each, summed) for each in columns]
    join = f"LEFT JOIN sums USING ({', '.join(identifier(each) for each in source.unique)})" if summed else ""
    types = connection.sql(f"SELECT * FROM read_parquet({literal(str(part.path))})").types
    casts = [f"({sql})::{kind} AS {identifier(name)}" for sql, kind, name in zip(values, types, columns, strict=True)]
    query = (
        f"SELECT {', '.join(casts)} FROM read_parquet({literal(str(part.path))}, file_row_number = true) AS one {join} "
        f"WHERE file_row_number NOT IN (SELECT row FROM ranked WHERE part = {at} AND rank > 1) ORDER BY file_row_number"
    )
    rewritten = part.path.with_suffix(".rewritten")
    connection.execute(copy(query, rewritten, floats=True))
    rewritten.replace(part.path)


def _value(name: str, summed: Sequence[str]) -> str:
    quoted = identifier(name)
    return f"coalesce(sum_{summed.index(quoted)}, {quoted})" if quoted in summed else quoted


def _summed(source: Source, parts: Sequence[Loaded]) -> list[str]:
    """The columns of numbers that say how much, rather than of what."""
    numbers = [each for each in source.columns if each.type in {"int64", "float64"} and each.name not in source.unique]
    numbers = [each for each in numbers if any(part.mapped.cells[each.name] is not None for part in parts)]
    return [identifier(each.name) for each in numbers]


def _table(parts: Sequence[Loaded]) -> str:
    return f"read_parquet([{', '.join(literal(str(each.path)) for each in parts)}], union_by_name = true)"


def _numbered(parts: Sequence[Loaded]) -> str:
    """All lines with the number of their part and of their row in it, from 0."""
    each = (
        f"SELECT * EXCLUDE file_row_number, {at} AS part, file_row_number AS row "
        f"FROM read_parquet({literal(str(part.path))}, file_row_number = true)"
        for at, part in enumerate(parts)
    )
    return f"({' UNION ALL BY NAME '.join(each)})"


def _warning(
    connection: duckdb.DuckDBPyConnection, source: Source, *, parts: Sequence[Loaded], rule: Repeats, count: int
) -> str:
    example, _, _ = _example(connection, source, parts=parts)
    stays = STAYS[rule].format(latest_by=source.latest_by)
    dated = any(part.mapped.cells.get(source.latest_by) or part.mapped.found.uploaded_at for part in parts)
    if rule == "latest" and not dated:
        stays = "the last of them stays"
    lines = "line repeats" if count == 1 else "lines repeat"
    names = sorted({part.mapped.found.name for part in parts})
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown}: {count:,} {lines} {' and '.join(source.unique)} of another one, such as {example}: {stays}."


def _problem(connection: duckdb.DuckDBPyConnection, source: Source, *, parts: Sequence[Loaded], count: int) -> str:
    example, name, place = _example(connection, source, parts=parts)
    return refused(
        name,
        place,
        expected=f"each {' and '.join(source.unique)} once",
        found=f"{count:,} repeated line{'s' if count > 1 else ''}, such as {example}",
        advice=f"remove the repetitions, or say in run.json which one counts (files.{source.name}.repeats),",
    )


def _example(connection: duckdb.DuckDBPyConnection, source: Source, *, parts: Sequence[Loaded]) -> tuple[str, str, str]:
    """The first key that comes twice, and file and place of the second of its lines."""
    keys = ", ".join(identifier(each) for each in source.unique)
    values = connection.execute(f"SELECT {keys} FROM repeated ORDER BY ALL LIMIT 1").fetchall()[0]
    condition = " AND ".join(f"{identifier(each)} = ?" for each in source.unique)
    query = f"SELECT part, row FROM {_numbered(parts)} WHERE {condition} ORDER BY part, row LIMIT 2"
    at, row = connection.execute(query, list(values)).fetchall()[1]
    named = ", ".join(f"{key} {plain(shown)}" for key, shown in zip(source.unique, values, strict=True))
    return named, parts[at].mapped.found.name, parts[at].place(row + 1)


def _any_equal_of_few(hashes: duckdb.DuckDBPyRelation) -> bool:
    """What `_any_equal` says, of hashes that DuckDB holds at once: without Arrow, which takes longer to load."""
    return bool(hashes.aggregate("count(hash) > count(DISTINCT hash)").fetchall()[0][0])


def _any_equal(hashes: duckdb.DuckDBPyRelation, scratch: Path) -> bool:
    """Whether a relation of one column of 64-bit hashes holds one twice; a file's share of them is held in memory.

    They are spread over files in `scratch` by their leading bits, so that equal ones meet in one file.
    """
    bounds = np.arange(1, HASH_FILES, dtype=np.uint64) * np.uint64(2**64 // HASH_FILES)
    with contextlib.ExitStack() as opened:
        files = [opened.enter_context(tempfile.TemporaryFile(dir=scratch)) for _ in range(HASH_FILES)]
        for batch in hashes.to_arrow_reader(HASHES_AT_ONCE):
            # Not `to_numpy`, which imports pandas: a fifth of what the whole job costs a small data set.
            values = np.sort(np.from_dlpack(batch.column(0)))
            for file, part in zip(files, np.split(values, np.searchsorted(values, bounds)), strict=True):
                file.write(part.data)
        return any(_has_equal(file) for file in files)


def _has_equal(file: IO[bytes]) -> bool:
    file.seek(0)
    values = np.sort(np.fromfile(file, dtype=np.uint64))
    return bool((values[1:] == values[:-1]).any())
