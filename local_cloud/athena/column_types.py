"""The words that the catalogue has for the types of Arrow's columns; pure."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

PLAIN = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "date32[day]": "date",
}


def of_schema(schema: pa.Schema) -> Iterator[tuple[str, str]]:
    """Name and type of each column."""
    return ((each.name, _word(each.type)) for each in schema)


def _word(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"array<{_word(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{_word(kind.key_type)},{_word(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{each.name}:{_word(each.type)}' for each in kind)}>"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return PLAIN.get(str(kind), "string")
