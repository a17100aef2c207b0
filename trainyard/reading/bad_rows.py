"""Finds the rows of a table that cannot be read and says what is wrong with them; in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from trainyard.contract.quoting import plain, quoted
from trainyard.contract.sources import Column, plain_name
from trainyard.reading import cells, rejected
from trainyard.reading.cells import Cell, ValueType
from trainyard.reading.column_questions import proposal
from trainyard.reading.columns import Mapped
from trainyard.reading.line_numbers import Lines, look_up
from trainyard.reading.opening.text_scan import MAX_LINE_BYTES, lines_at
from trainyard.reading.queries import forget_rejects, header_again, rows_of
from trainyard.reading.rejected import MAX_REJECTED, MAX_TEXT, SHOWN, BadRow, Fault
from trainyard.reading.sql import literal

# What the parser says of a line that it cannot take apart: what was expected, and found.
PARSER = {
    "UNQUOTED VALUE": ("fields whose quotes are closed, with quotes inside doubled", "an open or broken quote"),
    "LINE SIZE OVER MAXIMUM": (f"records of at most {MAX_LINE_BYTES:,} bytes", "a longer one (is a quote left open?)"),
    "INVALID ENCODING": ("UTF-8 text", "other bytes"),
}
SHORTENED = "a key written out in full (a spreadsheet has shortened it: format the column as text and export it again)"
AGAIN = "data below the header"


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """What may be wrong with a row in one of its columns, or as a whole: the SQL that tells, and of what is there."""

    sql: str
    expected: str
    raw: str = ""
    empty: str = "FALSE"
    column: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is known of a table after all of its rows were asked.

    `rows` is how many the parser made, `bad` how many of these are set aside; `keys` says whether a column of keys is
    text or numbers.
    """

    rows: int
    keys: Mapping[str, ValueType]
    lines: Lines
    bad: int = 0
    flaws: tuple[Flaw, ...] = ()
    findings: tuple[tuple[int, int, str, bool], ...] = ()
    faults: tuple[Fault, ...] = ()
    left_out: tuple[int, ...] = ()

    @property
    def flawed(self) -> frozenset[str]:
        """The columns with cells that are no values of theirs."""
        counts = zip(self.flaws, self.findings, strict=True)
        return frozenset(flaw.column for flaw, (count, *_) in counts if count)


def diagnosed(connection: duckdb.DuckDBPyConnection, mapped: Mapped) -> Diagnosis:
    """Ask all rows of a table what is wrong with them, and which columns of keys are numbers."""
    flaws = _flaws(mapped)
    keys = [each for each in present(mapped) if each.type == "id"]
    parts = ["count(*)", "count(*) FILTER (WHERE bad)"]
    parts += [part for at, each in enumerate(flaws) for part in _findings(each, at=at)]
    parts += [f"bool_and({cells.canonical(value_of(mapped, each))}) FILTER (WHERE NOT bad)" for each in keys]
    forget_rejects(connection, mapped.found)
    found = connection.execute(f"SELECT {', '.join(parts)} FROM {judged(mapped)}").fetchall()[0]
    rows, bad, *rest = found
    findings = tuple(_finding(rest[4 * at : 4 * at + 4]) for at in range(len(flaws)))
    numbers = dict(zip((each.name for each in keys), rest[4 * len(flaws) :], strict=True))
    return Diagnosis(
        rows=rows,
        bad=bad,
        flaws=flaws,
        findings=findings,
        keys={name: "key" if plain is False else "id" for name, plain in numbers.items()},
        lines=Lines(found=mapped.found, rows=rows),
    )


def forgiven(mapped: Mapped, seen: Diagnosis) -> tuple[Mapped, tuple[str, ...]]:
    """The same, where cells of `lenient` columns that cannot be read have no value; a sentence for each column."""
    found = {
        flaw.column: (flaw, count, shown)
        for flaw, (count, _, shown, _) in zip(seen.flaws, seen.findings, strict=True)
        if count and any(each.lenient and each.name == flaw.column for each in mapped.columns)
    }
    known = {name: replace(mapped.cell(name), lenient=True) for name in found}
    sentences = [
        f"{mapped.found.name}: expected {flaw.expected}, found {quoted(shown)} and the like in {count:,} of "
        f"{seen.rows:,} rows, which are read as if they had none; if they do, say in run.json how it is written "
        f"(files.{mapped.source.name}.dates) or where it stands (files.{mapped.source.name}.columns.{name})."
        for name, (flaw, count, shown) in found.items()
    ]
    return replace(mapped, cells={**mapped.cells, **known}), tuple(sentences)


def set_aside(connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, seen: Diagnosis, folder: Path) -> Diagnosis:
    """Write what is left out to `folder`, and say where it stands and what is wrong with it.

    Lines that the parser rejected are those of the last reading of the table.
    """
    lines = _rejected_lines(connection, mapped)
    rows = _bad_rows(connection, mapped, seen=seen) if seen.bad else []
    wanted = {each[0] for each in rows} | {row for _, row, _, _ in seen.findings if row}
    placed = Lines(found=mapped.found, rows=seen.rows, rejected=[line for line, *_ in lines])
    if not placed.countable and mapped.found.text is not None:
        offsets = [offset for _, offset, *_ in lines]
        placed = replace(placed, known=look_up(mapped.found, rows=seen.rows, wanted=wanted, offsets=offsets))
    if lines or rows:
        both = [*_of_parser(mapped, lines), *_of_cells(rows, seen=seen, lines=placed)]
        rejected.write(folder, mapped.source.name, name=mapped.found.name, rows=both)
    faults = (*_parser_faults(mapped, lines), *_cell_faults(mapped, seen=seen, lines=placed))
    return replace(seen, lines=placed, faults=faults, left_out=tuple(each[0] for each in rows))


def present(mapped: Mapped) -> list[Column]:
    """The columns that the file has, in order."""
    return [each for each in mapped.columns if mapped.cells[each.name] is not None]


def value_of(mapped: Mapped, column: Column) -> str:
    """The value of a column among the `judged` rows; a key as text."""
    return f"v{present(mapped).index(column)}"


def judged(mapped: Mapped) -> str:
    """What stands after FROM: all rows with their values v0, v1, ..., flaws b0, b1, ... and whether they are `bad`.

    In three steps, for each is evaluated once only if it is a column of a query inside.
    """
    columns = present(mapped)
    values = [f"{cells.value(mapped.cell(each.name), cells.kind_of(each))} AS v{at}" for at, each in enumerate(columns)]
    valued = f"(SELECT {', '.join(['*', *values])} FROM {rows_of(mapped, numbered=True)})"
    flaws = _flaws(mapped)
    flawed = f"(SELECT {', '.join(['*', *(f'{each.sql} AS b{at}' for at, each in enumerate(flaws))])} FROM {valued})"
    bad = " OR ".join(f"b{at}" for at in range(len(flaws))) or "FALSE"
    return f"(SELECT *, {bad} AS bad FROM {flawed})"


def _flaws(mapped: Mapped) -> tuple[Flaw, ...]:
    again = header_again(mapped)
    first = [Flaw(sql=again, expected=AGAIN)] if again else []
    return (*first, *(_flaw(each, mapped.cell(each.name), value=value_of(mapped, each)) for each in present(mapped)))


def _flaw(column: Column, cell: Cell, *, value: str) -> Flaw:
    sql = cells.refused(cell, column, found=value)
    expected = f"{cells.EXPECTED[column.type]} in column {column.name}"
    return Flaw(sql=sql, expected=expected, raw=cell.sql, empty=cells.missing(cell), column=column.name)


def _findings(flaw: Flaw, *, at: int) -> list[str]:
    """How many rows have it, the first of them, what stands there, and whether that is nothing."""
    raw = f"left({flaw.raw}::VARCHAR, {SHOWN + 1})" if flaw.raw else "''"
    only = f"FILTER (WHERE b{at})"
    return [
        f"count(*) {only}",
        f"min(row) {only}",
        f"arg_min(coalesce({raw}, ''), row) {only}",
        f"arg_min({flaw.empty}, row) {only}",
    ]


def _finding(found: Sequence[Any]) -> tuple[int, int, str, bool]:
    count, row, shown, empty = found
    return count, row or 0, shown or "", bool(empty)


def _rejected_lines(connection: duckdb.DuckDBPyConnection, mapped: Mapped) -> list[tuple[int, int, str, str, str]]:
    """Line, first byte, kind, message and text of the lines that the parser rejected."""
    if not mapped.found.rejects:
        return []
    found = connection.execute(
        f"SELECT min(line), line_byte_position, arg_min(error_type::VARCHAR, column_idx), "
        f"arg_min(error_message, column_idx), left(arg_min(csv_line, column_idx), {MAX_TEXT}) "
        f"FROM {mapped.found.rejects} GROUP BY line_byte_position ORDER BY line_byte_position"
    )
    rows = found.fetchall()
    # The parser counts records, of which one may have several lines, and bytes from 1.
    text = mapped.found.text
    lines = lines_at(text, [at - 1 for _, at, *_ in rows]) if text else [line for line, *_ in rows]
    return [
        (int(line), int(at) - 1, kind or "", message or "", shown or "")
        for line, (_, at, kind, message, shown) in zip(lines, rows, strict=True)
    ]


def _bad_rows(connection: duckdb.DuckDBPyConnection, mapped: Mapped, *, seen: Diagnosis) -> list[tuple[Any, ...]]:
    """Number, the first flaw and the text of the rows to set aside, as many as are kept."""
    cases = " ".join(f"WHEN b{at} THEN {at}" for at in range(len(seen.flaws)))
    fields = ", ".join(f"coalesce(c{at}::VARCHAR, '')" for at in range(mapped.found.width))
    text = f"left(concat_ws({literal(mapped.found.delimiter)}, {fields}), {MAX_TEXT})"
    forget_rejects(connection, mapped.found)
    found: list[tuple[Any, ...]] = connection.execute(
        f"SELECT row, CASE {cases} END AS flaw, {text} FROM {judged(mapped)} WHERE bad "
        f"ORDER BY row LIMIT {MAX_REJECTED}"
    ).fetchall()
    return found


def _of_parser(mapped: Mapped, lines: Sequence[tuple[int, int, str, str, str]]) -> Iterator[BadRow]:
    for line, _, kind, message, text in lines:
        expected, found = _parser_words(mapped, kind, message=message)
        yield BadRow(place=str(line), reason=f"expected {expected}, found {found}", text=text)


def _of_cells(rows: Sequence[tuple[Any, ...]], *, seen: Diagnosis, lines: Lines) -> Iterator[BadRow]:
    for row, flaw, text in rows:
        line = lines.line(row)
        place = f"data row {row}" if line is None else str(line)
        yield BadRow(place=place, reason=f"expected {seen.flaws[flaw].expected}", text=text)


def _instead(mapped: Mapped, flaw: Flaw) -> str:
    """What may be said where keys are missing in a column, and another one may have them too."""
    stand_ins = [name for each in mapped.columns if each.name == flaw.column for name, _ in each.stand_ins]
    there = [each for each in mapped.found.columns if plain_name(each) in map(plain_name, stand_ins)]
    others = [*mapped.passed.get(flaw.column, ()), *there]
    if not others:
        return ""
    example = proposal(mapped.source, {flaw.column: others[0]})
    return f", or say in run.json that {others[0]} is the column, such as {example},"


def _parser_faults(mapped: Mapped, lines: Sequence[tuple[int, int, str, str, str]]) -> Iterator[Fault]:
    """One for each kind, about the first line of its kind."""
    for kind in dict.fromkeys(each[2] for each in lines):
        such = [each for each in lines if each[2] == kind]
        expected, found = _parser_words(mapped, kind, message=such[0][3])
        place = f"line {such[0][0]:,}"
        yield Fault(name=mapped.found.name, count=len(such), place=place, expected=expected, found=found)


def _parser_words(mapped: Mapped, kind: str, *, message: str) -> tuple[str, str]:
    """What was expected and found, also from DuckDB's `Expected Number of Columns: 4 Found: 3`."""
    number = message.rpartition("Found:")[2].strip()
    fields = f"{mapped.found.width} fields separated by {mapped.found.delimiter!r}"
    return PARSER.get(kind, (fields, number if number.isdigit() else plain(message)))


def _cell_faults(mapped: Mapped, *, seen: Diagnosis, lines: Lines) -> Iterator[Fault]:
    for flaw, (count, row, shown, empty) in zip(seen.flaws, seen.findings, strict=True):
        if not count:
            continue
        found = (
            "the header once more"
            if flaw.expected == AGAIN
            else "an empty field"
            if empty and not shown.strip()
            else quoted(shown)
        )
        shortened = re.fullmatch(cells.SHORTENED, shown.strip()) and not empty and "a key" in flaw.expected
        expected = f"{SHORTENED} in column {flaw.column}" if shortened else flaw.expected
        everywhere = count == seen.rows > 1 and flaw.column
        advice = (
            f"say in run.json which column it is (files.{mapped.source.name}.columns.{flaw.column}), or correct it,"
        )
        yield Fault(
            name=mapped.found.name,
            count=count,
            place=lines.place(row),
            expected=expected,
            found=found,
            everywhere=advice if everywhere else "",
            instead=_instead(mapped, flaw) if empty else "",
        )
