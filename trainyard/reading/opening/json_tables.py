"""Opens JSON lines, arrays of objects and documents with one list of them; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Literal

import duckdb

from trainyard.contract.quoting import quoted
from trainyard.errors import BadData
from trainyard.reading.model import Found
from trainyard.reading.opening import nested
from trainyard.reading.opening.json_documents import broken, from_document, is_document, record_in
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.sentences import refused
from trainyard.reading.sql import identifier, literal, one_file

MAX_OBJECT_BYTES = 2**26
# Of larger files the first records tell which fields there are.
ALL_RECORDS_BYTES = 2**28
MANY_RECORDS = 1_000_000
Shape = Literal["lines", "array", "document", ""]


def json_shape(head: str) -> Shape:
    """What a text that begins so is: an object a line, an array, another document, or no JSON at all."""
    text = head.lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return "array" if text[1:].lstrip()[:1] in {"{", "[", "]"} else ""
    if not text.startswith("{"):
        return ""
    first = text.partition("\n")[0].strip()
    if record_in(first) is not None:
        return "lines"
    return "document" if text[1:].lstrip()[:1] in {'"', "}"} else ""


def json_table(connection: duckdb.DuckDBPyConnection, text: Text, *, shape: Shape) -> Found:
    """The table in a text of JSON: fields as text, lists as lists of text, fields of objects as `object.field`.

    Texts keep numbers as they are written, however long. Raises BadData for what is no list of objects.
    """
    if shape == "document" or (shape == "lines" and is_document(text.path)):
        text, shape = from_document(text), "lines"
    try:
        return _table(connection, text, shape=shape)
    except duckdb.Error as error:
        if shape == "array":
            raise BadData([broken(text, error)]) from error
    text, rejects = _good_lines(connection, text)
    return replace(_table(connection, text, shape=shape), rejects=rejects)


def _table(connection: duckdb.DuckDBPyConnection, text: Text, *, shape: Shape) -> Found:
    layout = "array" if shape == "array" else "newline_delimited"
    packed = f"compression = 'none', maximum_object_size = {MAX_OBJECT_BYTES}"
    options = f"{one_file(text.path)}, format = '{layout}', {packed}"
    sample = -1 if text.path.stat().st_size <= ALL_RECORDS_BYTES else MANY_RECORDS
    seen = connection.sql(f"SELECT * FROM read_json({options}, sample_size = {sample}, records = true)")
    types = dict(zip(seen.columns, seen.types, strict=True))
    declared = ", ".join(f"{literal(name)}: {literal(_as_text(kind))}" for name, kind in types.items())
    rows = f"read_json({options}, columns = {{{declared}}})"
    connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
    found = [field for name, kind in types.items() for field in nested.fields(name, kind, as_text=True)]
    return Found(
        name=text.name,
        source=text.source,
        relation=nested.select(found, rows=rows),
        columns=tuple(each.name for each in found),
        width=len(found),
        read_as=("JSON lines" if shape == "lines" else "JSON", *text.read_as),
        typed=True,
    )


def _as_text(kind: Any, *, deep: bool = False) -> str:
    """The type with text in place of all numbers, truths and times; what lies too deep is text as a whole."""
    if kind.id == "list" and not deep:
        inner = kind.children[0][1]
        return f"{_as_text(inner) if inner.id == 'struct' else 'VARCHAR'}[]"
    if kind.id == "struct" and not deep:
        inner = ", ".join(f"{identifier(name)} {_as_text(each, deep=True)}" for name, each in kind.children)
        return f"STRUCT({inner})"
    return "JSON" if kind.id in {"list", "struct", "map"} else "VARCHAR"


def _good_lines(connection: duckdb.DuckDBPyConnection, text: Text) -> tuple[Text, str]:
    """The lines that are objects, also those of Python's own notation, and a view that lists the others."""
    target, rejects = text.folder / "objects", f"rejected_{text.key}"
    bad, good, offset = [], 0, 0
    with text.path.open("rb") as file, target.open("w", encoding="utf-8") as copy:
        for number, line in enumerate(file, start=1):
            written = line.decode("utf-8-sig", errors="replace").strip()
            record = record_in(written) if _is_utf8(line) else None
            if record is not None:
                copy.write(json.dumps(record, ensure_ascii=False) if written.startswith("{'") else written)
                copy.write("\n")
                good += 1
            elif written:
                bad.append((number, offset + 1, written[:1000]))
            offset += len(line)
    if not good:
        problem = refused(
            text.name,
            "line 1",
            expected="an object of JSON a line",
            found=quoted(bad[0][2]),
            advice="export it once more",
        )
        raise BadData([problem])
    connection.execute(
        f"CREATE TABLE {rejects}_lines (line BIGINT, line_byte_position BIGINT, column_idx BIGINT, error_type VARCHAR, "
        "csv_line VARCHAR, error_message VARCHAR)"
    )
    values = [(line, at, 1, "JSON", shown, "no object of JSON") for line, at, shown in bad]
    if values:
        connection.executemany(f"INSERT INTO {rejects}_lines VALUES (?, ?, ?, ?, ?, ?)", values)
    connection.execute(f"CREATE VIEW {rejects} AS FROM {rejects}_lines")
    return replace(text, path=target), rejects


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
