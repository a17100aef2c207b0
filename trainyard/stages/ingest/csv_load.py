"""Reads one CSV file strictly against its declared columns and writes it as typed Parquet; runs in Glue's driver."""

# ruff: noqa: S608 - every name and text in a query is quoted by `csv_types`

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from trainyard.contract.sources import Source
from trainyard.errors import BadData
from trainyard.glue.engine import PARQUET, PARQUET_FOR_SPARK
from trainyard.stages.ingest import csv_types, line_ends
from trainyard.stages.ingest.csv_scan import MAX_LINE_BYTES, PlainFile, refused

SHOWN = 60
EXAMPLES = 3
PARSE_ERRORS = (duckdb.InvalidInputException, duckdb.ConversionException)
REJECTS = "rejected_lines"
REJECT_SCANS = "rejected_scans"
FINDINGS = {
    "UNQUOTED VALUE": ("fields whose quotes are closed, with quotes inside doubled", "an open or broken quote"),
    "LINE SIZE OVER MAXIMUM": (f"records of at most {MAX_LINE_BYTES:,} bytes", "a longer one (is a quote left open?)"),
    "INVALID ENCODING": ("UTF-8 text", "other bytes"),
}


def load(connection: duckdb.DuckDBPyConnection, source: Source, *, file: PlainFile, target: Path) -> int:
    """Write `file` to `target` as Parquet with the source's columns, in the file's order, and return how many rows.

    Raises BadData with a sentence per kind of problem, each with file, line, what was expected and what was found.
    """
    if not source.quote or line_ends.only_returns(file):
        file = line_ends.alike(file)
    if source.header:
        _check_header(source, file)
    try:
        return _load(connection, source, file=file, target=target)
    except PARSE_ERRORS as error:
        # What the parser cannot take apart, and does not say where: lines that end in different ways.
        if place := line_ends.lone_return(file, source.quote):
            raise BadData([_lone_return(file, place)]) from error
        try:
            return _load(connection, source, file=line_ends.alike(file), target=target)
        except PARSE_ERRORS as again:
            raise BadData([_unreadable(file, again)]) from again


def _load(connection: duckdb.DuckDBPyConnection, source: Source, *, file: PlainFile, target: Path) -> int:
    """`load` of a file whose header is in order; raises one of PARSE_ERRORS where the parser gives up."""
    # Where there are only digits, DuckDB's lenient cast has nothing to be lenient about, and reads in half the time.
    typed = source.header and file.only_digits and all(each.type == "int64" for each in source.columns)
    check = csv_types.required if typed else csv_types.checked
    columns = ", ".join(f"{check(each)} AS {csv_types.identifier(each.name)}" for each in source.columns)
    floats = any(each.type == "float64" for each in source.columns)
    options = ", ".join(f"{name} {value}" for name, value in (PARQUET_FOR_SPARK if floats else PARQUET).items())
    reader = _reader(source, file, sql_type="BIGINT" if typed else "VARCHAR")
    query = f"COPY (SELECT {columns} FROM {reader}) TO {csv_types.literal(str(target))} (FORMAT parquet, {options})"
    _forget_rejects(connection)
    try:
        rows = int(connection.execute(query).fetchall()[0][0])
    except PARSE_ERRORS as error:
        if problems := _diagnosis(connection, source, file=file):
            raise BadData(problems) from error
        raise
    if _count(connection, REJECTS):
        raise BadData(_diagnosis(connection, source, file=file))
    if not rows:
        raise BadData(
            [
                refused(
                    file.name,
                    "",
                    expected="data after the header",
                    found="the header only",
                    advice="export it once more",
                )
            ]
        )
    return rows


def place_of(source: Source, file: PlainFile, *, row: int, rows: int) -> str:
    """Where data row `row` (from 1) of `rows` is: its line, unless quoted line feeds or blank lines shift the lines."""
    return f"line {row + source.header:,}" if file.lines == rows + source.header else f"data row {row:,}"


def _reader(source: Source, file: PlainFile, *, sql_type: str = "VARCHAR") -> str:
    declared = {each.name for each in source.columns}
    columns = ", ".join(
        f"{csv_types.literal(each)}: '{sql_type if each in declared else 'VARCHAR'}'" for each in _names(source, file)
    )
    quote = csv_types.literal(source.quote)
    return (
        f"read_csv({csv_types.literal(str(file.path))}, columns = {{{columns}}}, header = {source.header}, "
        f"auto_detect = false, delim = {csv_types.literal(source.delimiter)}, quote = {quote}, escape = {quote}, "
        f"strict_mode = true, max_line_size = {MAX_LINE_BYTES}, store_rejects = true, "
        f"rejects_table = '{REJECTS}', rejects_scan = '{REJECT_SCANS}')"
    )


def _names(source: Source, file: PlainFile) -> list[str]:
    """The columns of the file: as declared; where others are tolerated, those get names that no declared one has."""
    declared = [each.name for each in source.columns]
    if not source.other_columns:
        return declared
    # A file's own names may be empty, or differ from another one in case only, which are the same name to DuckDB.
    return [
        name if name in declared else f"{' '.join(declared)} {place}"
        for place, name in enumerate(_header(source, file))
    ]


def _header(source: Source, file: PlainFile) -> list[str]:
    """The names in the first line, without the empty ones at its end that a delimiter too much makes."""
    with file.path.open("rb") as lines:
        text = lines.readline(MAX_LINE_BYTES).decode("utf-8-sig").rstrip("\r\n")
    try:
        names = next(csv.reader([text], delimiter=source.delimiter, quotechar=source.quote or None), [])
    except csv.Error:
        return [text]
    while names and not names[-1]:
        names.pop()
    return names


def _check_header(source: Source, file: PlainFile) -> None:
    expected, found = [each.name for each in source.columns], _header(source, file)
    tolerated = source.other_columns and all(found.count(each) == 1 for each in expected)
    if found == expected or tolerated:
        return
    missing = [each for each in expected if each not in found]
    extra = [] if source.other_columns else [each for each in found if each not in expected]
    shown = _short(source.delimiter.join(found))
    detail = "; ".join(
        f"{label} {_short(', '.join(names))}" for label, names in (("missing", missing), ("not known", extra)) if names
    )
    advice = f"correct the header ({detail or 'the order or number of columns differs'})"
    raise BadData(
        [refused(file.name, "line 1", expected=f"the columns {', '.join(expected)}", found=repr(shown), advice=advice)]
    )


def _diagnosis(connection: duckdb.DuckDBPyConnection, source: Source, *, file: PlainFile) -> list[str]:
    """The sentences about a file that was not accepted, from a second and slower reading; none if it finds nothing."""
    parts = ["count(*)"]
    for each in source.columns:
        bad, name = csv_types.refused(each), csv_types.identifier(each.name)
        parts += [f"count(*) FILTER (WHERE {bad})", f"min(row) FILTER (WHERE {bad})"]
        parts += [f"arg_min(left({name}, {SHOWN + 1}), row) FILTER (WHERE {bad} AND {name} IS NOT NULL)"]
        parts += [f"min(row) FILTER (WHERE {name} IS NULL AND {bad})"]
    numbered = f"SELECT row_number() OVER () AS row, * FROM {_reader(source, file)}"
    _forget_rejects(connection)
    rows, *findings = connection.execute(f"SELECT {', '.join(parts)} FROM ({numbered})").fetchall()[0]
    problems = _rejected_lines(connection, source, file=file)
    # Rows are counted without the rejected ones, so that their numbers say nothing about lines.
    shifted = bool(problems)
    for index, column in enumerate(source.columns):
        count, row, found, empty_row = findings[4 * index : 4 * index + 4]
        if count:
            place = "" if shifted else place_of(source, file, row=row, rows=rows)
            shown = "an empty field" if row == empty_row else repr(_short(found))
            expected = f"{csv_types.EXPECTED[column.type]} in column {column.name}"
            problems.append(
                refused(
                    file.name, place, expected=expected, found=shown, advice=f"correct {_counted(count, 'such line')}"
                )
            )
    return problems


def _rejected_lines(connection: duckdb.DuckDBPyConnection, source: Source, *, file: PlainFile) -> list[str]:
    """A sentence for each kind of line that the parser did not take apart, about the first of its kind."""
    kinds = connection.execute(
        f"SELECT error_type::VARCHAR, count(DISTINCT line), min(line), arg_min(error_message, line) "
        f"FROM {REJECTS} GROUP BY 1 ORDER BY 3"
    ).fetchall()
    fields = f"{len(_names(source, file))} fields separated by {source.delimiter!r}"
    problems = []
    for kind, count, line, message in kinds:
        expected, found = FINDINGS.get(kind, (fields, _field_count(message)))
        problems.append(
            refused(
                file.name,
                f"line {line:,}",
                expected=expected,
                found=found,
                advice=f"correct {_counted(count, 'such line')}",
            )
        )
    return problems


def _field_count(message: str) -> str:
    """From DuckDB's `Expected Number of Columns: 4 Found: 3`."""
    number = message.rpartition("Found:")[2].strip()
    return number if number.isdigit() else _short(message)


def _lone_return(file: PlainFile, line: int) -> str:
    return refused(
        file.name,
        f"line {line:,}",
        expected="a carriage return only where a line ends, before its line feed, or inside quotes",
        found="one inside the line",
        advice="remove it, or put the field in quotes,",
    )


def _unreadable(file: PlainFile, error: duckdb.Error) -> str:
    reason = str(error).partition("\n")[0].removeprefix("Invalid Input Error: ")
    expected = "CSV as its settings describe it"
    return refused(
        file.name,
        "",
        expected=expected,
        found=f"text that cannot be taken apart ({_short(reason)})",
        advice="export it once more",
    )


def _forget_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    for table in (REJECTS, REJECT_SCANS):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _counted(count: int, noun: str) -> str:
    return f"the one {noun}" if count == 1 else f"all {count:,} {noun}s"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
