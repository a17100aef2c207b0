"""Numbers the keys of users and movies, so that all later stages work with indices; Ibis expressions in Glue.

A key is a number or text in ingested tables, and is compared as text. Indices count from 0 in the order of length and
text, which is that of the numbers where keys are numbers; so files that say the same give the same indices.
"""

from __future__ import annotations

from typing import Any

import ibis


def text(column: Any) -> Any:
    """A key as text."""
    return column if column.type().is_string() else column.cast("string")


def numbered(table: ibis.Table, key: str, *, name: str) -> ibis.Table:
    """The table, whose column `key` holds each text once, with its index in the column `name`."""
    order = ibis.window(order_by=[table[key].length(), table[key]])
    return table.mutate(**{name: ibis.row_number().over(order).cast("int32")})
