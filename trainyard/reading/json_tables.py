"""Opens JSON lines, arrays of objects and documents with one list of them; runs in Glue's driver and on a laptop."""

# ruff: noqa: S608 - every name and text in a query is quoted

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import duckdb

from trainyard.errors import BadData
from trainyard.reading.model import Found
from trainyard.reading.plain_text import Text
from trainyard.reading.sentences import identifier, literal, refused

# A document that is no list of objects is read as a whole.
MAX_DOCUMENT_BYTES = 2**29
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
    if _record(first) is not None:
        return "lines"
    return "document" if text[1:].lstrip()[:1] in {'"', "}"} else ""


def json_table(connection: duckdb.DuckDBPyConnection, text: Text, *, shape: Shape) -> Found:
    """The table in a text of JSON: fields as text, lists as lists of text, fields of objects as `object.field`.

    Texts keep numbers as they are written, however long. Raises BadData for what is no list of objects.
    """
    if shape == "document" or (shape == "lines" and _is_document(text.path)):
        text, shape = _from_document(text), "lines"
    try:
        return _table(connection, text, shape=shape)
    except duckdb.Error as error:
        if shape == "array":
            raise BadData([_broken(text, error)]) from error
    text, rejects = _good_lines(connection, text)
    return replace(_table(connection, text, shape=shape), rejects=rejects)


def _table(connection: duckdb.DuckDBPyConnection, text: Text, *, shape: Shape) -> Found:
    layout = "array" if shape == "array" else "newline_delimited"
    options = f"{literal(str(text.path))}, format = '{layout}', maximum_object_size = {MAX_OBJECT_BYTES}"
    sample = -1 if text.path.stat().st_size <= ALL_RECORDS_BYTES else MANY_RECORDS
    seen = connection.sql(
        f"SELECT * FROM read_json({options}, sample_size = {sample}, records = true, convert_strings_to_integers = false)"
    )
    types = dict(zip(seen.columns, seen.types, strict=True))
    declared = ", ".join(f"{literal(name)}: {literal(_as_text(kind))}" for name, kind in types.items())
    rows = f"read_json({options}, columns = {{{declared}}})"
    connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
    fields = [field for name, kind in types.items() for field in _fields(name, kind)]
    columns = ", ".join(f"{each.sql} AS c{index}" for index, each in enumerate(fields))
    return Found(
        name=text.name,
        source=text.source,
        relation=f"(SELECT {columns} FROM {rows})",
        columns=tuple(each.name for each in fields),
        width=len(fields),
        read_as=("JSON lines" if shape == "lines" else "JSON", *text.read_as),
        typed=True,
    )


@dataclass(frozen=True, kw_only=True)
class _Field:
    name: str
    sql: str


def _fields(name: str, kind: Any) -> Iterator[_Field]:
    """A field as a column; the fields of an object, and of the objects in a list, as a column each."""
    column = identifier(name)
    if kind.id == "struct":
        for inner, _ in kind.children:
            yield _Field(name=f"{name}.{inner}", sql=f"struct_extract({column}, {literal(inner)})::VARCHAR")
    elif kind.id == "list" and kind.children[0][1].id == "struct":
        for inner, _ in kind.children[0][1].children:
            each = f"struct_extract(each, {literal(inner)})::VARCHAR"
            yield _Field(name=f"{name}.{inner}", sql=f"list_transform({column}, lambda each: {each})")
    else:
        yield _Field(name=name, sql=column)


def _as_text(kind: Any, *, deep: bool = False) -> str:
    """The type with text in place of all numbers, truths and times; what lies too deep is text as a whole."""
    if kind.id == "list" and not deep:
        inner = kind.children[0][1]
        return f"{_as_text(inner) if inner.id == 'struct' else 'VARCHAR'}[]"
    if kind.id == "struct" and not deep:
        inner = ", ".join(f"{identifier(name)} {_as_text(each, deep=True)}" for name, each in kind.children)
        return f"STRUCT({inner})"
    return "JSON" if kind.id in {"list", "struct", "map"} else "VARCHAR"


def _is_document(path: Path) -> bool:
    """Whether the file is one object in one line that holds a list of objects, rather than one record."""
    with path.open(encoding="utf-8-sig") as file:
        line = file.readline(MAX_DOCUMENT_BYTES)
        if file.read(1):
            return False
    record = _record(line)
    return isinstance(record, dict) and len(_lists(record)) == 1


def _from_document(text: Text) -> Text:
    """The one list of objects in a document, written as lines."""
    if text.path.stat().st_size > MAX_DOCUMENT_BYTES:
        found, advice = "one document of more than 512 MiB", "write one object a line"
        raise BadData([refused(text.name, expected="JSON lines", found=found, advice=advice)])
    try:
        with text.path.open(encoding="utf-8-sig") as file:
            document = json.load(file)
    except ValueError as error:
        raise BadData([_broken(text, error)]) from error
    rows = _rows(document)
    if rows is None:
        found, advice = "a document without one, or with several", "write one object a line"
        raise BadData([refused(text.name, expected="one list of objects", found=found, advice=advice)])
    target = text.folder / "lines"
    with target.open("w", encoding="utf-8") as copy:
        copy.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return replace(text, path=target)


def _rows(document: Any) -> list[Any] | None:
    """The records in a document: its one list of objects, or a table as pandas writes it, by columns or split up."""
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return [dict(zip(document["columns"], row, strict=False)) for row in document["data"]]
    if len(lists := _lists(document)) == 1:
        return lists[0]
    columns = list(document.values())
    if columns and all(isinstance(each, dict) for each in columns) and len({tuple(each) for each in columns}) == 1:
        return [{name: column[key] for name, column in document.items()} for key in columns[0]]
    if columns and all(isinstance(each, list) for each in columns) and len({len(each) for each in columns}) == 1:
        return [dict(zip(document, row, strict=True)) for row in zip(*columns, strict=True)]
    return None


def _lists(document: dict[str, Any]) -> list[list[Any]]:
    return [
        each
        for each in document.values()
        if isinstance(each, list) and each and all(isinstance(record, dict) for record in each)
    ]


def _good_lines(connection: duckdb.DuckDBPyConnection, text: Text) -> tuple[Text, str]:
    """The lines that are objects, also those of Python's own notation, and a view that lists the others."""
    target, rejects = text.folder / "objects", f"rejected_{text.key}"
    bad, good, offset = [], 0, 0
    with text.path.open("rb") as file, target.open("w", encoding="utf-8") as copy:
        for number, line in enumerate(file, start=1):
            written = line.decode("utf-8-sig", errors="replace").strip()
            record = _record(written) if _is_utf8(line) else None
            if record is not None:
                copy.write(json.dumps(record, ensure_ascii=False) if written.startswith("{'") else written)
                copy.write("\n")
                good += 1
            elif written:
                bad.append((number, offset + 1, written[:1000]))
            offset += len(line)
    if not good:
        problem = refused(
            text.name, "line 1", expected="an object of JSON a line", found=repr(bad[0][2][:60]), advice="export it once more"
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


def _record(line: str) -> dict[str, Any] | None:
    """The object in a line of JSON, or in Python's notation as some published files have it; None for another line."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        try:
            found = ast.literal_eval(line) if line.startswith("{'") else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _broken(text: Text, error: Exception) -> str:
    reason = str(error).partition("\n")[0].removeprefix("Invalid Input Error: ").replace(str(text.path), text.name)
    return refused(text.name, expected="JSON", found=f"something else ({reason})", advice="export it once more")
