"""Finds the records in JSON that is no table as it stands; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainyard.contract.quoting import plain
from trainyard.errors import BadData
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.sentences import refused

# A document that is no list of objects is read as a whole.
MAX_DOCUMENT_BYTES = 2**29
BETWEEN = re.compile(r"[\s,]*")


def record_in(line: str) -> dict[str, Any] | None:
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


def is_document(path: Path) -> bool:
    """Whether the file is one object in one line that holds a table, rather than one record."""
    with path.open(encoding="utf-8-sig") as file:
        line = file.readline(MAX_DOCUMENT_BYTES)
        if file.read(1):
            return False
    record = record_in(line)
    return isinstance(record, dict) and (len(_lists(record)) == 1 or _split_up(record) or _numbered(record))


def from_document(text: Text) -> Text:
    """The one list of objects in a document, written as lines."""
    if text.path.stat().st_size > MAX_DOCUMENT_BYTES:
        found, advice = "one document of more than 512 MiB", "write one object a line"
        raise BadData([refused(text.name, expected="JSON lines", found=found, advice=advice)])
    try:
        documents = _documents(text.path.read_text(encoding="utf-8-sig").lstrip())
    except ValueError as error:
        raise BadData([broken(text, error)]) from error
    rows = documents if len(documents) > 1 else _rows(documents[0])
    if rows is None:
        found, advice = "a document without one, or with several", "write one object a line"
        raise BadData([refused(text.name, expected="one list of objects", found=found, advice=advice)])
    target = text.folder / "lines"
    with target.open("w", encoding="utf-8") as copy:
        copy.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return replace(text, path=target)


def _documents(text: str) -> list[Any]:
    """The documents in a text, which may follow each other with or without a comma; raises ValueError."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        between = BETWEEN.match(text, at)
        at = between.end() if between else at
    return found


def _rows(document: Any) -> list[Any] | None:
    """The records in a document: its one list of objects, or a table as pandas writes it in one of its ways."""
    if not isinstance(document, dict):
        return None
    if _split_up(document):
        return [dict(zip(document["columns"], row, strict=False)) for row in document["data"]]
    columns = list(document.values())
    if _numbered(document) and all(map(str.isdecimal, document)):
        return columns
    if len(lists := _lists(document)) == 1:
        return lists[0]
    return _from_columns(document, columns)


def _from_columns(document: dict[str, Any], columns: list[Any]) -> list[Any] | None:
    """The records where each column is an object or a list."""
    if columns and all(isinstance(each, dict) for each in columns) and len({tuple(each) for each in columns}) == 1:
        return [{name: column[key] for name, column in document.items()} for key in columns[0]]
    if columns and all(isinstance(each, list) for each in columns) and len({len(each) for each in columns}) == 1:
        return [dict(zip(document, row, strict=True)) for row in zip(*columns, strict=True)]
    return None


def _split_up(document: dict[str, Any]) -> bool:
    """Whether names of columns and rows stand apart."""
    return isinstance(document.get("columns"), list) and isinstance(document.get("data"), list)


def _numbered(document: dict[str, Any]) -> bool:
    """Whether it is objects of which each has equal keys, that are numbers of rows, or have them as keys."""
    parts = list(document.values())
    if (
        not parts
        or not all(isinstance(each, dict) and each for each in parts)
        or len({tuple(each) for each in parts}) > 1
    ):
        return False
    return all(map(str.isdecimal, document)) or all(map(str.isdecimal, parts[0]))


def _lists(document: dict[str, Any]) -> list[list[Any]]:
    return [
        each
        for each in document.values()
        if isinstance(each, list) and each and all(isinstance(record, dict) for record in each)
    ]


def broken(text: Text, error: Exception) -> str:
    """The sentence about JSON that cannot be read."""
    reason = str(error).partition("\n")[0].removeprefix("Invalid Input Error: ").replace(str(text.path), text.name)
    found = f"something else ({plain(reason, longest=200)})"
    return refused(text.name, expected="JSON", found=found, advice="export it once more")
