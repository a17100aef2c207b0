"""Summarises scored columns a chunk at a time, in memory that does not grow with the rows; runs in the score job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# A chart of more distinct values than this would tell nobody anything.
MAX_VALUES = 200
# Distinct items of lists: a catalogue, whose length does not depend on the number of rows.
MAX_ITEMS = 50_000
YES, NO = "yes", "no"


@dataclass(kw_only=True)
class NumberSummary:
    """Lowest, highest and mean of a column's finite numbers; nulls, NaN and infinities are counted separately."""

    rows: int = 0
    empty: int = 0
    not_finite: int = 0
    lowest: float | None = None
    highest: float | None = None
    total: float = 0.0

    @property
    def finite(self) -> int:
        """The count of finite numbers."""
        return self.rows - self.empty - self.not_finite

    @property
    def mean(self) -> float | None:
        """Mean of the finite numbers, infinite where their sum overflows; None without any."""
        return self.total / self.finite if self.finite else None

    def add(self, column: pa.Array) -> None:
        """Count the next values of the column, integers or real numbers."""
        values = finite(column)
        self.rows += len(column)
        self.empty += column.null_count
        self.not_finite += len(column) - column.null_count - len(values)
        if not len(values):
            return
        low, high = values.min().item(), values.max().item()
        self.lowest = low if self.lowest is None else min(self.lowest, low)
        self.highest = high if self.highest is None else max(self.highest, high)
        with np.errstate(over="ignore", invalid="ignore"):
            self.total += float(values.sum(dtype=np.float64))


@dataclass(kw_only=True)
class ValueCounts:
    """How often each value of a text or boolean column occurs; `many`: it has more than `MAX_VALUES` distinct ones."""

    rows: int = 0
    empty: int = 0
    many: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, column: pa.Array) -> None:
        """Count the next values of the column."""
        self.rows += len(column)
        self.empty += column.null_count
        if self.many:
            return
        for each in pc.value_counts(column.drop_null()).to_pylist():
            value = each["values"]
            name = value if isinstance(value, str) else (YES if value else NO)
            self.counts[name] += each["counts"]
        self.many = len(self.counts) > MAX_VALUES
        if self.many:
            self.counts.clear()

    def ranked(self) -> list[tuple[str, int]]:
        """Values and their counts, the most frequent first."""
        return sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))


@dataclass(kw_only=True)
class ItemCounts:
    """How often each item occurs in a column of lists, of texts or of structs; `empty` counts null and empty lists.

    An item is identified by its fields that are not floating point, such as id and name: its score is no part of it.
    `many`: there are more than `MAX_ITEMS` distinct ones.
    """

    rows: int = 0
    empty: int = 0
    many: bool = False
    counts: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    def add(self, column: pa.Array) -> None:
        """Count the items of the next lists of the column."""
        self.rows += len(column)
        self.empty += len(column) - int(pc.sum(pc.greater(pc.list_value_length(column), 0)).as_py() or 0)
        if self.many:
            return
        items = _identities(column.flatten())
        for each in items.group_by(items.column_names).aggregate([([], "count_all")]).to_pylist():
            count = each.pop("count_all")
            self.counts[tuple(each.values())] += count
        self.many = len(self.counts) > MAX_ITEMS
        if self.many:
            self.counts.clear()

    def ranked(self, limit: int) -> list[tuple[str, int]]:
        """Labels of at most `limit` items and their counts, the most frequent first."""
        first = sorted(self.counts.items(), key=lambda each: (-each[1], str(each[0])))[:limit]
        return [(label(identity), count) for identity, count in first]


ColumnSummary = NumberSummary | ValueCounts | ItemCounts


class Extremes:
    """The `limit` rows with the lowest and with the highest number in a column; of equal ones, the first rows.

    Rows without a number there, null or NaN, are in neither.
    """

    def __init__(self, column: str, limit: int) -> None:
        self.column, self.limit = column, limit
        self.lowest: list[dict[str, Any]] = []
        self.highest: list[dict[str, Any]] = []

    def add(self, table: pa.Table) -> None:
        """Look at the next rows."""
        values = table[self.column].combine_chunks()
        rows = np.flatnonzero(pc.and_(pc.is_valid(values), pc.invert(pc.is_nan(values).fill_null(True))))
        numbers = values.take(pa.array(rows)).to_numpy()
        # For integers the complement reverses the order without overflow.
        reversed_order = ~numbers if numbers.dtype.kind == "i" else -numbers
        ascending, descending = (rows[np.argsort(each, kind="stable")] for each in (numbers, reversed_order))
        self.lowest = self._best(self.lowest, table, rows=ascending, descending=False)
        self.highest = self._best(self.highest, table, rows=descending, descending=True)

    def _best(
        self, kept: list[dict[str, Any]], table: pa.Table, *, rows: np.ndarray, descending: bool
    ) -> list[dict[str, Any]]:
        found = kept + table.take(pa.array(rows[: self.limit], pa.int64())).to_pylist()
        return sorted(found, key=lambda row: row[self.column], reverse=descending)[: self.limit]


def finite(column: pa.Array) -> np.ndarray:
    """The numbers of a column without nulls, NaN and infinities."""
    values = column.drop_null().to_numpy(zero_copy_only=False)
    return np.asarray(values[np.isfinite(values)])


def label(identity: Sequence[Any]) -> str:
    """The name of an item: its first text, otherwise all of its fields; empty without any.

    >>> label((7, "Heat")), label((7, None)), label((None,))
    ('Heat', '7', '')
    """
    texts = [each for each in identity if isinstance(each, str)]
    return texts[0] if texts else ", ".join(str(each) for each in identity if each is not None)


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type holds numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _identities(items: pa.Array) -> pa.Table:
    if not pa.types.is_struct(items.type):
        return pa.table({"item": items})
    names = [each.name for each in items.type if not pa.types.is_floating(each.type)]
    return pa.table({name: pc.struct_field(items, name) for name in names})
