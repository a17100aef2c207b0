"""Says which lists of a table become rows, and which of them go together; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import duckdb

from trainyard.errors import BadData
from trainyard.reading.cells import Cell
from trainyard.reading.column_questions import below, proposal
from trainyard.reading.columns import Mapped
from trainyard.reading.sentences import refused


def with_rows(connection: duckdb.DuckDBPyConnection, mapped: Mapped) -> Mapped:
    """The same with the lists that become rows, element by element; texts in a list of their own are joined instead.

    Fields of the objects in one list go together, and so do lists of which each row has equally many elements. Raises
    BadData where a list of keys or numbers goes with none.
    """
    lists = {name: cell for name, cell in mapped.cells.items() if cell is not None and cell.is_list}
    leading = _leading(mapped, lists)
    if not leading:
        return mapped
    go_together = partial(_go_together, connection, mapped)
    together = [leading, *(each for each in lists if each != leading and go_together(names=(leading, each)))]
    apart = [each.name for each in mapped.columns if each.name in lists and each.name not in together]
    if odd := [each.name for each in mapped.columns if each.name in apart and each.type != "string"]:
        raise BadData([_uneven(mapped, leading, other=odd[0])])
    elements = {name: replace(lists[name], type=lists[name].type.removesuffix("[]")) for name in together}
    return replace(mapped, cells={**mapped.cells, **elements}, unnest=tuple(lists[each].sql for each in together))


def numbered_on(mapped: Mapped, *, lines: int) -> Mapped:
    """The same where lines are numbered on after so many of other files, for their numbers are keys."""
    if not mapped.by_line or not lines:
        return mapped
    cell = mapped.cell(mapped.by_line)
    return replace(mapped, cells={**mapped.cells, mapped.by_line: replace(cell, sql=f"({cell.sql} + {lines})")})


def _leading(mapped: Mapped, lists: Mapping[str, Cell]) -> str:
    """The column whose lists are rows: the first of those that are needed, else of the others; no text is one."""
    found = [each for each in mapped.columns if each.name in lists and each.type != "string"]
    return next((each.name for each in sorted(found, key=lambda each: not each.required)), "")


def _go_together(connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, names: Sequence[str]) -> bool:
    """Whether the lists of two columns are fields of the same objects, or equally long in each row."""
    one, other = (_name(mapped, each) for each in names)
    if below(one) and below(one) == below(other):
        return True
    first, second = (mapped.cell(each).sql for each in names)
    equal = f"bool_and(coalesce(len({first}), 0) = coalesce(len({second}), 0))"
    return bool(connection.execute(f"SELECT {equal} FROM {mapped.found.relation}").fetchall()[0][0])


def _uneven(mapped: Mapped, leading: str, *, other: str) -> str:
    one, two = _name(mapped, leading), _name(mapped, other)
    needed = any(each.required and each.name == other for each in mapped.columns)
    says = "say in run.json which columns they are" if needed else "say in run.json that it is none of them"
    example = proposal(mapped.source, {other: two if needed else ""})
    return refused(
        mapped.found.name,
        expected=f"lists of equally many elements in {one} ({leading}) and {two} ({other})",
        found="rows in which they differ",
        advice=f"{says}, such as {example}, or correct them",
    )


def _name(mapped: Mapped, column: str) -> str:
    """What a column is called in the file."""
    return mapped.found.columns[int(mapped.cell(column).sql.removeprefix("c"))]
