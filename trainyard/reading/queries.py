"""What the queries on a mapped table have in common; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

import duckdb

from trainyard.contract.quoting import plain
from trainyard.reading.columns import Mapped
from trainyard.reading.model import Found
from trainyard.reading.sentences import refused
from trainyard.reading.sql import literal

PARSE_ERRORS = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException)


def rows_of(mapped: Mapped, *, numbered: bool = False) -> str:
    """What stands after FROM: the table's rows that are not empty, one for each element where lists are unnested.

    Numbered, they have their `row` in the file and their `place` in the file, or in the list, both from 1.
    """
    rows = mapped.found.relation
    if mapped.found.empty_rows:
        cells = ", ".join(f"c{at}" for at in range(mapped.found.width))
        rows = f"(SELECT * FROM {rows} WHERE coalesce({cells}) IS NOT NULL)"
    if numbered:
        rows = f"(SELECT row_number() OVER () AS row, row AS place, * FROM {rows})"
    if mapped.unnest:
        place = [f"generate_subscripts({mapped.unnest[0]}, 1) AS place"] if numbered else []
        kept = f"* EXCLUDE ({', '.join([*mapped.unnest, *(['place'] if numbered else [])])})"
        elements = [f"unnest({each}) AS {each}" for each in mapped.unnest]
        rows = f"(SELECT {', '.join([kept, *elements, *place])} FROM {rows})"
    return rows


def header_again(mapped: Mapped) -> str | None:
    """Whether a row repeats the header, as in the middle of files that were put one after the other."""
    found = mapped.found
    read = {each.sql for each in mapped.cells.values() if each is not None and each.is_text}
    if found.typed or not found.columns or not read:
        return None
    places = [at for at in range(found.width) if f"c{at}" in read]
    return "(" + " AND ".join(f"c{at} IS NOT DISTINCT FROM {literal(found.columns[at])}" for at in places) + ")"


def rejects(connection: duckdb.DuckDBPyConnection, found: Found) -> int:
    """How many lines the parser could not take apart when it read the table last."""
    if not found.rejects:
        return 0
    return int(connection.execute(f"SELECT count(DISTINCT line_byte_position) FROM {found.rejects}").fetchall()[0][0])


def forget_rejects(connection: duckdb.DuckDBPyConnection, found: Found) -> None:
    """Empty the list of such lines, which grows with each reading."""
    if found.rejects:
        known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [found.rejects])
        if known.fetchall()[0][0]:
            connection.execute(f"DELETE FROM {found.rejects}")


def unreadable(found: Found, error: duckdb.Error) -> str:
    """The sentence about a file of which the parser makes nothing."""
    reason = str(error).partition("\n")[0].removeprefix("Invalid Input Error: ")
    return refused(
        found.name,
        expected="a table as its settings describe it",
        found=f"text that cannot be taken apart ({plain(reason)})",
        advice="export it once more",
    )
