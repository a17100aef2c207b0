"""Sums up scored columns a chunk at a time, in memory that does not grow with the rows; for the score job.

Numbers need two passes: the first finds lowest and highest, the second counts between them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# More different values than this are not few, and no picture tells them apart.
FEW_VALUES = 200
# Different items of lists: a catalogue, which is as long as it is however many rows there are.
MOST_ITEMS = 50_000
BINS = 20
ROUND_STEPS = (1, 2, 5, 10)
LARGEST = Fraction(np.finfo(np.float64).max)
YES, NO = "yes", "no"


@dataclass(kw_only=True)
class Numbers:
    """Lowest, highest and mean of the finite numbers of a column; nulls and what is not finite are counted apart."""

    rows: int = 0
    empty: int = 0
    not_finite: int = 0
    lowest: float | None = None
    highest: float | None = None
    total: float = 0.0

    @property
    def finite(self) -> int:
        """How many numbers lowest, highest and mean are of."""
        return self.rows - self.empty - self.not_finite

    @property
    def mean(self) -> float | None:
        """Mean of the finite numbers, infinite where their sum is; None where there are none."""
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
class Values:
    """How often each value of a column of text or truth occurs; `many` says that it has more than `FEW_VALUES`."""

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
        self.many = len(self.counts) > FEW_VALUES
        if self.many:
            self.counts.clear()

    def ranked(self) -> list[tuple[str, int]]:
        """Values and their counts, the most frequent first."""
        return sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))


@dataclass(kw_only=True)
class Items:
    """How often each item occurs in lists of texts or of structs; `empty` are rows without an item, null or not.

    An item is what its fields say that are no real numbers, as id and name; its label is the first text among them.
    `many` says that there are more than `MOST_ITEMS`.
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
        self.many = len(self.counts) > MOST_ITEMS
        if self.many:
            self.counts.clear()

    def ranked(self, most: int) -> list[tuple[str, int]]:
        """Labels of the `most` frequent items and their counts, the most frequent first."""
        best = sorted(self.counts.items(), key=lambda each: (-each[1], str(each[0])))[:most]
        return [(label(identity), count) for identity, count in best]


class Histogram:
    """Counts of finite numbers in bins of equal width that begin and end at round numbers; the last one is closed.

    `edges` are one more than `counts`. `step` is the width of a bin; 0 where all numbers are the same.
    """

    def __init__(self, lowest: float, highest: float, *, whole: bool) -> None:
        self.whole = whole
        self.step = _step(lowest, highest, whole=whole)
        self.edges = _edges(lowest, highest, self.step, whole=whole)
        self.counts = np.zeros(len(self.edges) - 1, dtype=np.int64)

    def add(self, column: pa.Array) -> None:
        """Count the next values of the column."""
        self.counts += np.histogram(finite(column).astype(np.float64), self.edges)[0]


class Extremes:
    """The `most` rows with the lowest and with the highest number in a column; of equal ones, the first rows.

    Rows without a number there, null or NaN, are in neither.
    """

    def __init__(self, column: str, most: int) -> None:
        self.column, self.most = column, most
        self.lowest: list[dict[str, Any]] = []
        self.highest: list[dict[str, Any]] = []

    def add(self, table: pa.Table) -> None:
        """Look at the next rows."""
        values = table[self.column].combine_chunks()
        rows = np.flatnonzero(pc.and_(pc.is_valid(values), pc.invert(pc.is_nan(values).fill_null(True))))
        numbers = values.take(pa.array(rows)).to_numpy()
        # For integers this turns the order round without overflow.
        falling = ~numbers if numbers.dtype.kind == "i" else -numbers
        self.lowest = self._best(self.lowest, table, rows[np.argsort(numbers, kind="stable")], falling=False)
        self.highest = self._best(self.highest, table, rows[np.argsort(falling, kind="stable")], falling=True)

    def _best(
        self, kept: list[dict[str, Any]], table: pa.Table, rows: np.ndarray, *, falling: bool
    ) -> list[dict[str, Any]]:
        found = kept + table.take(pa.array(rows[: self.most], pa.int64())).to_pylist()
        return sorted(found, key=lambda row: row[self.column], reverse=falling)[: self.most]


def finite(column: pa.Array) -> np.ndarray:
    """The numbers of a column without nulls, NaN and infinities."""
    values = column.drop_null().to_numpy(zero_copy_only=False)
    return np.asarray(values[np.isfinite(values)])


def label(identity: Sequence[Any]) -> str:
    """What an item is called: its first text, otherwise all of it; empty where there is nothing.

    >>> label((7, "Heat")), label((7, None)), label((None,))
    ('Heat', '7', '')
    """
    texts = [each for each in identity if isinstance(each, str)]
    return texts[0] if texts else ", ".join(str(each) for each in identity if each is not None)


def is_number(kind: pa.DataType) -> bool:
    """Whether a column is one of numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _identities(items: pa.Array) -> pa.Table:
    if not pa.types.is_struct(items.type):
        return pa.table({"item": items})
    names = [each.name for each in items.type if not pa.types.is_floating(each.type)]
    return pa.table({name: pc.struct_field(items, name) for name in names})


def _step(lowest: float, highest: float, *, whole: bool) -> Fraction:
    """The smallest of 1, 2 and 5 times a power of ten of which `BINS` reach over the range."""
    width = (_exact(highest) - _exact(lowest)) / BINS
    if whole and width <= 1:
        return Fraction(1)
    if not float(width):
        return Fraction(0)
    power = Fraction(10) ** math.floor(math.log10(width))
    return next(power * each for each in ROUND_STEPS if power * each >= width)


def _edges(lowest: float, highest: float, step: Fraction, *, whole: bool) -> np.ndarray:
    if not step:
        return np.asarray([lowest, highest], dtype=np.float64)
    first = math.floor(_exact(lowest) / step)
    # A bin of whole numbers ends before the next begins, one of real numbers at it.
    last = math.floor(_exact(highest) / step) + 1 if whole else math.ceil(_exact(highest) / step)
    edges = [step * place for place in range(first, max(last, first + 1) + 1)]
    return np.asarray([float(min(max(each, -LARGEST), LARGEST)) for each in edges])


def _exact(number: float) -> Fraction:
    """A number as it is written: 0.3 is three tenths, and lies on the edge of a bin."""
    return Fraction(str(number))
