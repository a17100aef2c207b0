"""Writes a mapped table as typed Parquet, in one pass where nothing is wrong; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from trainyard.contract.sources import Column
from trainyard.errors import BadData
from trainyard.glue.engine import PARQUET, PARQUET_FOR_SPARK
from trainyard.reading import cells
from trainyard.reading.bad_rows import Diagnosis, diagnosed, forgiven, judged, set_aside, value_of
from trainyard.reading.cells import ValueType
from trainyard.reading.columns import Mapped
from trainyard.reading.currencies import with_currencies
from trainyard.reading.dates import dated
from trainyard.reading.line_numbers import Lines
from trainyard.reading.queries import PARSE_ERRORS, forget_rejects, header_again, rejects, rows_of, unreadable
from trainyard.reading.rejected import Fault
from trainyard.reading.sql import identifier, literal

GLANCE_ROWS = 1000
Kinds = Mapping[str, ValueType]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A Parquet part of a table, in the file's order, and what was not taken over.

    `keys` says of each column of keys whether it is text (`key`) or numbers (`id`); `left_out` are rows of the file
    (numbers from 1) that are not in the part; `unread` are sentences about cells that have no value for that.
    """

    mapped: Mapped
    path: Path
    rows: int
    keys: Kinds
    lines: Lines
    faults: tuple[Fault, ...] = ()
    bad: int = 0
    left_out: tuple[int, ...] = ()
    unread: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Where row `row` (from 1) of the part stands in its file."""
        for left in self.left_out:
            row += left <= row
        return self.lines.place(row)


def load(
    connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, others: Kinds, target: Path, rejected: Path
) -> Loaded:
    """Write a table to `target`; lines that cannot be read go to `<rejected>/<table>.csv`.

    `others` are the types of the columns that nobody declared. Raises BadData for a file that no parser takes apart.
    """
    try:
        quick = _quick(connection, mapped, others=others, target=target, rejected=rejected)
        return quick or _careful(connection, mapped, others=others, target=target, rejected=rejected)
    except PARSE_ERRORS as error:
        raise BadData([unreadable(mapped.found, error)]) from error


def key_columns(mapped: Mapped) -> tuple[Column, ...]:
    """The columns of keys that the file has."""
    return tuple(each for each in mapped.columns if each.type == "id" and mapped.cells[each.name] is not None)


def copy(query: str, target: Path, *, floats: bool) -> str:
    """The statement that writes a query as Parquet."""
    options = ", ".join(f"{name} {value}" for name, value in (PARQUET_FOR_SPARK if floats else PARQUET).items())
    return f"COPY ({query}) TO {literal(str(target))} (FORMAT parquet, {options})"


def _quick(
    connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, others: Kinds, target: Path, rejected: Path
) -> Loaded | None:
    """One pass that ends at the first cell that is not what was expected, with None then.

    Lines that the parser rejects do not end it, for all others are as they should be.
    """
    keys, found = _guessed(connection, mapped), mapped.found
    mapped = with_currencies(connection, mapped, rows=GLANCE_ROWS)
    if found.as_integers:
        mapped = _of_integers(mapped)
    forget_rejects(connection, found)
    columns = [*_strict(mapped, keys), *_others(mapped, others)]
    query = f"SELECT {', '.join(columns)} FROM {rows_of(mapped, numbered=_counts_rows(mapped))}"
    try:
        rows = int(connection.execute(copy(query, target, floats=_floats(mapped, others))).fetchall()[0][0])
    except PARSE_ERRORS:
        return None
    seen = Diagnosis(rows=rows, keys=keys, lines=Lines(found=found, rows=rows))
    if rejects(connection, found):
        seen = set_aside(connection, mapped, seen=seen, folder=rejected)
    return _loaded(mapped, seen, target=target, rows=rows)


def _careful(
    connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, others: Kinds, target: Path, rejected: Path
) -> Loaded:
    """What the columns are is asked of all rows; those that do not fit are set aside."""
    seen = diagnosed(connection, mapped)
    known = dated(connection, mapped, columns=seen.flawed)
    if known != mapped:
        mapped, seen = known, diagnosed(connection, known)
    mapped, unread = forgiven(mapped, seen)
    if unread:
        seen = diagnosed(connection, mapped)
    in_currencies = with_currencies(connection, mapped)
    columns = [*_lenient(mapped, seen.keys), *_others(mapped, others)]
    query = f"SELECT {', '.join(columns)} FROM {judged(mapped)} {'WHERE NOT bad' if seen.bad else ''}"
    forget_rejects(connection, mapped.found)
    rows = int(connection.execute(copy(query, target, floats=_floats(mapped, others))).fetchall()[0][0])
    seen = set_aside(connection, mapped, seen=seen, folder=rejected)
    return replace(_loaded(in_currencies, seen, target=target, rows=rows), unread=unread)


def _loaded(mapped: Mapped, seen: Diagnosis, *, target: Path, rows: int) -> Loaded:
    return Loaded(
        mapped=mapped,
        path=target,
        rows=rows,
        keys=seen.keys,
        lines=seen.lines,
        faults=seen.faults,
        bad=seen.bad + len(seen.lines.rejected),
        left_out=seen.left_out,
    )


def _guessed(connection: duckdb.DuckDBPyConnection, mapped: Mapped) -> Kinds:
    """What the keys at the beginning say: where none is a plain number, the column is text whatever comes later."""
    columns = key_columns(mapped)
    if mapped.found.only_digits or not columns:
        return {each.name: "id" for each in columns}
    parts = ", ".join(f"bool_or({cells.canonical(cells.value(mapped.cell(each.name), 'key'))})" for each in columns)
    glance = f"(SELECT * FROM {rows_of(mapped)} LIMIT {GLANCE_ROWS})"
    found = connection.execute(f"SELECT {parts} FROM {glance}").fetchall()[0]
    return {each.name: "key" if numbers is False else "id" for each, numbers in zip(columns, found, strict=True)}


def _of_integers(mapped: Mapped) -> Mapped:
    """The same where the parser itself makes numbers of the cells."""
    typed = {name: cell and replace(cell, type="BIGINT") for name, cell in mapped.cells.items()}
    others = {name: replace(cell, type="BIGINT") for name, cell in mapped.others.items()}
    return replace(mapped, found=replace(mapped.found, relation=mapped.found.as_integers), cells=typed, others=others)


def _strict(mapped: Mapped, keys: Kinds) -> list[str]:
    again = None if mapped.found.only_digits else header_again(mapped)
    columns = []
    for column in mapped.columns:
        cell = mapped.cells[column.name]
        if cell is None:
            columns += _absent(mapped, column)
            continue
        sql = cells.strict(cell, keys.get(column.name, column.type), nullable=column.nullable)
        if again is not None:
            sql, again = f"CASE WHEN {again} THEN error('refused') ELSE {sql} END", None
        columns.append(f"{_filled(sql, column, mapped=mapped)} AS {identifier(column.name)}")
    return columns


def _lenient(mapped: Mapped, keys: Kinds) -> list[str]:
    columns = []
    for column in mapped.columns:
        if mapped.cells[column.name] is None:
            columns += _absent(mapped, column)
            continue
        value = _filled(value_of(mapped, column), column, mapped=mapped)
        number = keys.get(column.name) == "id"
        columns.append(f"{f'TRY_CAST({value} AS BIGINT)' if number else value} AS {identifier(column.name)}")
    return columns


def _others(mapped: Mapped, kinds: Kinds) -> list[str]:
    """Columns that nobody declared, in all the types that the table's files have them in."""
    columns = []
    for name, kind in kinds.items():
        cell = mapped.others.get(name)
        sql = f"NULL::{cells.SQL_TYPES[kind]}" if cell is None else cells.value(cell, kind)
        columns.append(f"{sql} AS {identifier(name)}")
    return columns


def _filled(sql: str, column: Column, *, mapped: Mapped) -> str:
    """The same with the time of the upload where there is no value, for a column that has that then."""
    moment = mapped.found.uploaded_at
    return f"coalesce({sql}, TIMESTAMP {literal(moment)})" if column.of_upload and moment else sql


def _absent(mapped: Mapped, column: Column) -> list[str]:
    if column.omit_absent:
        return []
    sql = "place::BIGINT" if column.place else f"NULL::{cells.SQL_TYPES[column.type]}"
    return [f"{_filled(sql, column, mapped=mapped)} AS {identifier(column.name)}"]


def _counts_rows(mapped: Mapped) -> bool:
    return any(each.place and mapped.cells[each.name] is None for each in mapped.columns)


def _floats(mapped: Mapped, others: Kinds) -> bool:
    return any(each.type == "float64" for each in mapped.columns) or "float64" in others.values()
