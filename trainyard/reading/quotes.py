"""Sees to quotation marks that do not enclose fields in a big file, as far as its sample did not show it; runs in Glue's
driver.

A mark that opens and never closes would swallow the lines up to the next one. So where a look at the whole file found
marks that need not enclose a field, DuckDB reads it once with quotes, and once without if something is wrong; if it is
right with quotes but for some lines, these are made into lines of one broken field each, which the parser sets aside.
"""

from __future__ import annotations


import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from trainyard.reading.dialect import Dialect, records
from trainyard.reading.sentences import literal
from trainyard.reading.text_scan import MAX_LINE_BYTES

# A field may go on for so many lines.
MAX_FIELD_LINES = 10_000
NUMBER = r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A text file on disk, how its sample is taken apart, the lines above its data, and a key for names of DuckDB's.

    `enclosed`: in some column of the sample all texts stand in quotes; `numeric`: the columns that hold numbers.
    """

    path: Path
    key: str
    dialect: Dialect
    width: int
    skip: int
    enclosed: bool
    numeric: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How many rows a reading gives, how many lines it sets aside, and how many rows hold what would be lines without
    quotes: `swallowed` where columns of numbers prove it, else `like_lines`."""

    rows: int
    bad: int
    swallowed: int
    like_lines: int


def settled(connection: duckdb.DuckDBPyConnection, task: Task, *, target: Path) -> tuple[Path, Dialect, bool]:
    """The file to read, and how: the same, the same without quotes, or `target` with broken lines made harmless; and
    whether both readings of the quotes are equally good."""
    quoted = _outcome(connection, task, task.dialect)
    if not quoted.bad and not quoted.swallowed and not quoted.like_lines:
        return task.path, task.dialect, False
    without = Dialect(delimiter=task.dialect.delimiter, quote="", escape="")
    plain = _outcome(connection, task, without)
    if not plain.bad and not task.enclosed:
        return task.path, without, not quoted.bad and not quoted.swallowed
    if not quoted.bad and not quoted.swallowed:
        return task.path, task.dialect, False
    broken = mend(task, target=target)
    if plain.bad < broken and not task.enclosed:
        return task.path, without, False
    return target, task.dialect, False


def relation(task: Task, dialect: Dialect, *, rejects: str) -> str:
    """What stands after FROM to read the file with all columns as text."""
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(task.width))
    return (
        f"read_csv({literal(str(task.path))}, columns = {{{columns}}}, header = false, skip = {task.skip}, "
        f"auto_detect = false, delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, "
        f"escape = {literal(dialect.escape)}, strict_mode = true, max_line_size = {MAX_LINE_BYTES}, "
        f"store_rejects = true, rejects_table = '{rejects}', rejects_scan = '{rejects}_scans')"
    )


def _outcome(connection: duckdb.DuckDBPyConnection, task: Task, dialect: Dialect) -> Outcome:
    rejects = f"tried_{task.key}"
    source = relation(task, dialect, rejects=rejects)
    width = task.width if dialect.quote else 0
    sure = " OR ".join(_like_lines(task, index, proven=True) for index in range(width)) or "false"
    maybe = " OR ".join(_like_lines(task, index, proven=False) for index in range(width)) or "false"
    query = f"SELECT count(*), count(*) FILTER (WHERE {sure}), count(*) FILTER (WHERE {maybe}) FROM {source}"
    rows, swallowed, like_lines = connection.execute(query).fetchall()[0]
    bad = connection.execute(f"SELECT count(DISTINCT line) FROM {rejects}").fetchall()[0][0]
    for table in (rejects, f"{rejects}_scans"):
        connection.execute(f"DROP TABLE {table}")
    return Outcome(rows=rows, bad=bad, swallowed=swallowed, like_lines=like_lines)


def _like_lines(task: Task, index: int, *, proven: bool) -> str:
    """Whether a field's lines have as many fields as they would without quotes, and are numbers or nothing where numbers
    belong; `proven`, where numbers in other columns say so."""
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
    with task.path.open("rb") as file, target.open("wb") as copy:
        waiting: deque[bytes] = deque()
        for _ in range(task.skip):
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
    without = Dialect(delimiter=task.dialect.delimiter, quote="", escape="")
    alone = [row for row, _, _ in records(io.StringIO(text, newline=""), without)]
    whole = all(row is not None and len(row) == task.width for row in alone)
    return not (whole and all(_numbers(row, task.numeric) for row in alone if row))


def _numbers(row: list[str], numeric: tuple[int, ...]) -> bool:
    return all(re.fullmatch(f"({NUMBER})?", row[each].strip(' "\r\n')) for each in numeric)


def _marked(line: bytes) -> bytes:
    """The line as one field whose quotes are broken, which the parser sets aside with its number and its text."""
    return b'"' + line.rstrip(b"\r\n").replace(b'"', b'""') + b'"!\n'
