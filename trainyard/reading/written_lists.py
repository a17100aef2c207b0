"""Finds lists that are written in the cells of a text, such as `['milk', 'bread']`; runs in Glue's driver.

Only in the column whose values may stand side by side: the second of the two keys that a table needs.
"""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from trainyard.reading.baskets import basket_key
from trainyard.reading.columns import Mapped
from trainyard.reading.model import Found
from trainyard.reading.sql import literal

GLANCE_ROWS = 500
# Of the cells in which something is, so many are lists.
MOSTLY = 0.9
HALF = 0.5
BRACKETS = re.compile(r"\s*(\[.*\]|\{.*\}|\(.*\))\s*", re.DOTALL)
# An element: in quotes, in which the other signs mean nothing, or as it is.
ELEMENT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\[\](){}'"\s][^,\[\](){}]*"""
# Without its quotes, and without the signs that stand before quotes inside of them.
UNQUOTED = """CASE WHEN each[1] IN ('"', '''') THEN regexp_replace(each[2:length(each) - 1], '\\\\(.)', '\\1', 'g')
    ELSE trim(each) END"""
BETWEEN = (",", ";", "|")


@dataclass(frozen=True, kw_only=True)
class WrittenLists:
    """The place of the column, and the SQL of the list (VARCHAR[]) that is written in each of its cells."""

    place: int
    sql: str

    def in_place(self, found: Found, types: Sequence[str]) -> tuple[Found, tuple[str, ...]]:
        """The table with lists in that column, and the types of its columns."""
        column = f"c{self.place}"
        relation = f"(SELECT * REPLACE ({self.sql} AS {column}) FROM {found.relation})"
        changed = replace(
            found, relation=relation, as_integers="", only_digits=False, read_as=(*found.read_as, "lists in cells")
        )
        return changed, (*types[: self.place], "VARCHAR[]", *types[self.place + 1 :])


def written_lists(connection: duckdb.DuckDBPyConnection, mapped: Mapped) -> WrittenLists | None:
    """Where lists are written in brackets; or with commas, where each row has another first key, as a basket has."""
    key = basket_key(mapped.source)
    cell = mapped.cells.get(key) if key else None
    if cell is None or not cell.is_text or mapped.found.typed or not re.fullmatch(r"c\d+", cell.sql):
        return None
    place = int(cell.sql.removeprefix("c"))
    glance = f"(SELECT * FROM {mapped.found.relation} LIMIT {GLANCE_ROWS})"
    query = f"SELECT {cell.sql} FROM {glance} WHERE trim({cell.sql}) <> ''"
    texts = [str(text) for (text,) in connection.execute(query).fetchall()]
    if sum(BRACKETS.fullmatch(each) is not None for each in texts) > MOSTLY * len(texts):
        return WrittenLists(
            place=place, sql=_said(f"regexp_extract_all({cell.sql}, {literal(ELEMENT)})", each=UNQUOTED)
        )
    mark = next((each for each in BETWEEN if sum(each in text for text in texts) > HALF * len(texts)), "")
    other = next(each for each in mapped.columns if each.required and each.name != key)
    owner = mapped.cells.get(other.name)
    if not mark or owner is None:
        return None
    # The whole file is asked only where its beginning does not say no.
    if not all(_each_its_own(connection, rows, column=owner.sql) for rows in (glance, mapped.found.relation)):
        return None
    return WrittenLists(place=place, sql=_said(f"string_split({cell.sql}, {literal(mark)})", each="trim(each)"))


def _said(elements: str, *, each: str) -> str:
    """The SQL of the elements that say something, with what is done to each."""
    return f"list_filter(list_transform({elements}, lambda each: {each}), lambda each: each <> '')"


def _each_its_own(connection: duckdb.DuckDBPyConnection, rows: str, *, column: str) -> bool:
    """Whether no two rows have the same value in a column."""
    query = f"SELECT count(*) > 1 AND count(DISTINCT {column}) = count(*) FROM {rows}"
    return bool(connection.execute(query).fetchall()[0][0])
