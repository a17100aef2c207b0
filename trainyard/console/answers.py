"""Answers of a model as tables, where they hold rows; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.client.run.previews import cell

MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class AnswerTable:
    """Rows under the names of their fields; `name` is that of the field that held them, empty for the answer itself."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    count: int


def tables(answer: str) -> list[AnswerTable]:
    """The tables in a body that a model answered with; none where it holds no rows."""
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return []
    rows = document.get("predictions", document) if isinstance(document, Mapping) else document
    if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], Mapping):
        rows = rows[0]
    if isinstance(rows, Mapping):
        return _of_one(rows)
    return [_table("", rows)] if _are_rows(rows) else []


def _of_one(row: Mapping[str, Any]) -> list[AnswerTable]:
    """What a single answer says by itself, and a table for each list of rows in it."""
    lists = {name: value for name, value in row.items() if _are_rows(value)}
    lists |= {name: _as_rows(value) for name, value in row.items() if isinstance(value, Mapping) and value}
    plain = {name: value for name, value in row.items() if name not in lists}
    return [*([_table("", [plain])] if plain else []), *(_table(name, value) for name, value in lists.items())]


def _as_rows(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Fields and what they hold: the reasons of a propensity, the probabilities of classes."""
    return [{"name": name, "value": each} for name, each in value.items()]


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> AnswerTable:
    columns = list(dict.fromkeys(str(field) for row in rows for field in row))
    shown = [[_cell(row.get(column)) for column in columns] for row in rows[:MOST_ROWS]]
    return AnswerTable(name=name, columns=columns, rows=shown, count=len(rows))


def _cell(value: Any) -> str:
    """Texts as they are, lists of them with commas, anything nested as JSON."""
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return cell(", ".join(str(each) for each in value))
    return cell(json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else value)
