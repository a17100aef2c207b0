"""Makes columns of the fields of objects, and of objects in lists; runs in Glue's driver and on a laptop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trainyard.reading.sql import identifier, literal


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column of a found table: its name, `object.field` where it is one of an object's, and the SQL that has it."""

    name: str
    sql: str


def fields(name: str, kind: Any, *, as_text: bool) -> Iterator[Field]:
    """A column, or a column for each field where its values are objects or lists of objects; `as_text` in VARCHAR."""
    column, cast = identifier(name), "::VARCHAR" if as_text else ""
    if kind.id == "struct":
        for inner, _ in kind.children:
            yield Field(name=f"{name}.{inner}", sql=f"struct_extract({column}, {literal(inner)}){cast}")
    elif kind.id == "list" and kind.children[0][1].id == "struct":
        for inner, _ in kind.children[0][1].children:
            each = f"struct_extract(each, {literal(inner)}){cast}"
            yield Field(name=f"{name}.{inner}", sql=f"list_transform({column}, lambda each: {each})")
    else:
        yield Field(name=name, sql=column)


def select(found: list[Field], *, rows: str) -> str:
    """The relation with columns c0, c1, ... for these fields."""
    columns = ", ".join(f"{each.sql} AS c{index}" for index, each in enumerate(found))
    return f"(SELECT {columns} FROM {rows})"  # noqa: S608
