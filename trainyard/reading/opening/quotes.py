"""Settles what quotation marks mean in a whole file, where its sample cannot tell; runs in Glue's driver.

A mark that opens and never closes would swallow the lines up to the next one. So where a look at the whole file found
marks that need not enclose a field, DuckDB reads it once with quotes, and once without if something is wrong; if it is
right with quotes but for some lines, these are made into lines of one broken field each, which the parser sets aside.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from trainyard.reading.opening.parser import Parsed
from trainyard.reading.opening.records import Dialect, records
from trainyard.reading.opening.text_scan import MAX_LINE_BYTES
from trainyard.reading.sql import literal

# A field may go on for so many lines.
MAX_FIELD_LINES = 10_000
NUMBER = r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A text file as its sample is taken apart, and a key for names of DuckDB's.

    `enclosed`: in some column of the sample all texts stand in quotes; `numeric`: the columns that hold numbers.
    """

    parsed: Parsed
    key: str
    enclosed: bool
    numeric: tuple[int, ...]

    @property
    def dialect(self) -> Dialect:
        return self.parsed.dialect

    @property
    def width(self) -> int:
        return self.parsed.width


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How to read the file; `unsure`: with quotes and without is equally good."""

    parsed: Parsed
    unsure: bool = False


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """How many lines a reading sets aside, and how many rows hold what would be lines without quotes: `swallowed` where
    columns of numbers prove it, else perhaps (`like_lines`)."""

    bad: int
    swallowed: int
    like_lines: int


def settled(connection: duckdb.DuckDBPyConnection, task: Task, *, target: Path) -> Settled:
    """The file as it is, or without quotes, or written to `target` with its broken lines made harmless."""
    quoted = _outcome(connection, task, dialect=task.dialect)
    if not quoted.bad and not quoted.swallowed and not quoted.like_lines:
        return Settled(parsed=task.parsed)
    without = replace(task.parsed, dialect=_without_quotes(task.dialect))
    plain = _outcome(connection, task, dialect=without.dialect)
    if not plain.bad and not task.enclosed:
        return Settled(parsed=without, unsure=not quoted.bad and not quoted.swallowed)
    if not quoted.bad and not quoted.swallowed:
        return Settled(parsed=task.parsed)
    broken = mend(task, target=target)
    if plain.bad < broken and not task.enclosed:
        return Settled(parsed=without)
    return Settled(parsed=replace(task.parsed, path=target))


def _without_quotes(dialect: Dialect) -> Dialect:
    return replace(dialect, quote="", escape="")


def _outcome(connection: duckdb.DuckDBPyConnection, task: Task, *, dialect: Dialect) -> _Outcome:
    rejects = f"tried_{task.key}"
    source = replace(task.parsed, dialect=dialect).relation(rejects=rejects)
    width = task.width if dialect.quote else 0
    sure, maybe = (
        " OR ".join(_like_lines(task, index, proven=proven) for index in range(width)) or "false"
        for proven in (True, False)
    )
    query = f"SELECT count(*) FILTER (WHERE {sure}), count(*) FILTER (WHERE {maybe}) FROM {source}"  # noqa: S608
    swallowed, like_lines = connection.execute(query).fetchall()[0]
    lines = "count(DISTINCT line_byte_position)"
    bad = connection.execute(f"SELECT {lines} FROM {rejects}").fetchall()[0][0]  # noqa: S608
    for table in (rejects, f"{rejects}_scans"):
        connection.execute(f"DROP TABLE {table}")
    return _Outcome(bad=bad, swallowed=swallowed, like_lines=like_lines)


def _like_lines(task: Task, index: int, *, proven: bool) -> str:
    """Whether a field's lines have as many fields as they would without quotes, and are numbers or nothing where
    numbers belong; `proven`, where numbers in other columns say so."""
    numeric = [each in task.numeric for each in range(task.width)]
    if proven and not any([*numeric[:index], *numeric[index + 1 :]]):
        return "false"
    number = f' *"?{NUMBER}"? *' if proven else f' *"?({NUMBER})?"? *'
    text, mark = _text(task.dialect.delimiter), re.escape(task.dialect.delimiter)
    cells = [number if each else text for each in numeric]
    first, line, last = mark.join([text, *cells[index + 1 :]]), mark.join(cells), mark.join([*cells[:index], text])
    pattern = literal(f"{first}\n({line}\n)*{last}")
    return f"(contains(c{index}, chr(10)) AND regexp_full_match(c{index}, {pattern}))"


def _text(delimiter: str) -> str:
    """A pattern for a field without quotes."""
    first = re.escape(delimiter[0])
    inside = f"|{first}[^{first}\n]" if len(delimiter) > 1 else ""
    return f"([^{first}\n]{inside})*"


def mend(task: Task, *, target: Path) -> int:
    """Write the file to `target` with each line that a quote breaks as one field in broken quotes; how many these are.

    Lines keep their numbers. A line with an odd number of quotes begins a record of several lines if these come apart
    into the right number of fields together, and not each by itself.
    """
    broken = 0
    with task.parsed.path.open("rb") as file, target.open("wb") as copy:
        waiting: deque[bytes] = deque()
        for _ in range(task.parsed.skip):
            copy.write(file.readline())
        while line := waiting.popleft() if waiting else file.readline():
            if not _odd(line, task.dialect):
                copy.write(line)
                continue
            rest = list(_up_to_the_next_odd(waiting, file, dialect=task.dialect, size=len(line)))
            if rest and _odd(rest[-1], task.dialect) and _one_record([line, *rest], task):
                copy.writelines([line, *rest])
                continue
            broken += 1
            copy.write(_marked(line))
            waiting.extendleft(reversed(rest))
    return broken


def _up_to_the_next_odd(
    waiting: deque[bytes], file: io.BufferedReader, *, dialect: Dialect, size: int
) -> Iterator[bytes]:
    """The lines after one with an odd number of quotes, up to the next such line, as far as a record may be long."""
    for _ in range(MAX_FIELD_LINES):
        line = waiting.popleft() if waiting else file.readline()
        size += len(line)
        if not line:
            return
        yield line
        if _odd(line, dialect) or size > MAX_LINE_BYTES:
            return


def _odd(line: bytes, dialect: Dialect) -> bool:
    mark = dialect.quote.encode()
    escaped = line.count(b"\\" + mark) if dialect.escape == "\\" else 0
    return (line.count(mark) - escaped) % 2 == 1


def _one_record(lines: list[bytes], task: Task) -> bool:
    text = b"".join(lines).decode("utf-8", errors="replace")
    found = [row for row, _, _ in records(io.StringIO(text, newline=""), task.dialect)]
    if len(found) != 1 or found[0] is None or len(found[0]) != task.width:
        return False
    alone = [row for row, _, _ in records(io.StringIO(text, newline=""), _without_quotes(task.dialect))]
    whole = all(row is not None and len(row) == task.width for row in alone)
    return not (whole and all(_numbers(row, task.numeric) for row in alone if row))


def _numbers(row: list[str], numeric: tuple[int, ...]) -> bool:
    return all(re.fullmatch(f"({NUMBER})?", row[each].strip(' "\r\n')) for each in numeric)


def _marked(line: bytes) -> bytes:
    """The line as one field whose quotes are broken, which the parser sets aside with its number and its text."""
    return b'"' + line.rstrip(b"\r\n").replace(b'"', b'""') + b'"!\n'
