"""Turns visits into network inputs, the same way in processing, training, evaluation and serving; no TensorFlow.

A quantity becomes four inputs: its logarithm, scaled as the original does (mean and deviation of the values inside the
1.5 IQR fences; values outside count for neither, but stay in the data), its rank among the training values as a
quantile of the normal distribution, whether it is zero, and whether it is missing (only where training rows lack it).
A category becomes one input per value, a date a quantity and two categories. What a written value means does not
depend on how it is spelled: yes is TRUE, true and 1, and 2.0 is 2.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.propensity.columns.names import renamed
from recipes.propensity.encoding.category import Category, text
from recipes.propensity.encoding.dates import DateColumn
from recipes.propensity.encoding.quantity import Quantity, signed_log
from trainyard.contract.values import boolean
from trainyard.contract.values import number as written_number

if TYPE_CHECKING:
    # Training sees no table, and pandas would be a tenth of its start.
    import pandas as pd

ENCODER_FILE = "encoder.json"
# Columns of a prepared visit that say which one it is or what became of it.
NOT_FEATURES = ("row_key", "row_role", "is_sale")
FEW_ROWS = 4
# What is worked out on the way takes several times the memory of the inputs.
BLOCK_ROWS = 100_000
# Beyond this a scaled value says no more than "extreme", and a network would extrapolate.
MAX_SCALED = 8.0
# Inputs of all categories together up to which each may have as many as are wanted, and how many it has otherwise.
MAX_CATEGORY_INPUTS, FEW_VALUES = 2_000, 50
# Kinds of columns, by numpy's letters.
DATE, BOOLEAN, NUMBERS = "M", "b", "iuf"


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where the inputs of the columns lie, and the numbers of the quantities side by side, worked out once.

    `logs` [quantities] and `firsts`: a quantity's first input; `missing`: the quantities that have an input for that.
    """

    fill: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    logs: np.ndarray
    firsts: Sequence[int]
    missing: np.ndarray
    categories: Sequence[int]
    width: int


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Every column that the network sees, in the order of its inputs."""

    quantities: tuple[Quantity, ...]
    categories: tuple[Category, ...]
    dates: tuple[DateColumn, ...] = ()

    @classmethod
    def fit(cls, rows: pd.DataFrame, *, max_categories: int) -> Encoder:
        """From training rows only; a column is a date, a quantity if it is numeric, else a category.

        Columns that are always the same say nothing, and are left out unless that holds for all.
        """
        names = [str(name) for name in rows.columns if name not in NOT_FEATURES]
        names = [name for name in names if _varies(rows[name])] or names
        dates = tuple(DateColumn.fit(name, rows[name]) for name in names if _is_date(rows[name]))
        numbers = {name: _numbers(rows[name]) for name in names if _is_quantity(rows[name])}
        texts = {name: _texts(rows[name]) for name in names if not _is_date(rows[name]) and name not in numbers}
        ages, parts = _of_dates(dates, rows)
        numbers |= ages
        texts |= parts
        most = _values_each([len(set(each)) for each in texts.values()], max_categories)
        return cls(
            quantities=tuple(Quantity.fit(name, column) for name, column in numbers.items()),
            categories=tuple(Category.fit(name, column, max_values=most) for name, column in texts.items()),
            dates=dates,
        )

    @property
    def parts(self) -> list[Quantity | Category]:
        """Everything that matters, in the order of its inputs."""
        return [*self.quantities, *self.categories]

    @cached_property
    def columns(self) -> list[str]:
        """The columns of a visit that matter."""
        return list(dict.fromkeys(self._column_of(each.name) for each in self.parts))

    @property
    def inputs(self) -> list[str]:
        """Name of each network input."""
        return [name for each in self.parts for name in each.inputs]

    def inputs_by_column(self) -> dict[str, list[int]]:
        """Indices of the inputs that each column became."""
        groups: dict[str, list[int]] = {}
        first = 0
        for each in self.parts:
            groups.setdefault(self._column_of(each.name), []).extend(range(first, first + len(each.inputs)))
            first += len(each.inputs)
        return groups

    def _column_of(self, part: str) -> str:
        return self._columns_of_parts.get(part, part)

    @cached_property
    def _columns_of_parts(self) -> dict[str, str]:
        return {part: each.name for each in self.dates for part in (each.age, *each.parts)}

    def columns_of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns that matter, in their order, also under names in another case; without values where missing."""
        names = renamed(self.columns, list(rows.columns))
        return rows[list(names.values())].set_axis(list(names), axis=1).reindex(columns=self.columns)

    def transform(self, rows: pd.DataFrame) -> np.ndarray:
        """Network inputs, float32 [rows, inputs]; worked out for `BLOCK_ROWS` at a time."""
        found = np.empty((len(rows), self._layout.width), dtype=np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):
            found[start : start + BLOCK_ROWS] = self._transformed(rows.iloc[start : start + BLOCK_ROWS])
        return found

    def _transformed(self, rows: pd.DataFrame) -> np.ndarray:
        numbers, texts = _of_dates(self.dates, rows)
        columns = [
            numbers[each.name] if each.name in numbers else _numbers(rows[each.name]) for each in self.quantities
        ]
        named = [texts[each.name] if each.name in texts else _texts(rows[each.name]) for each in self.categories]
        matrix = np.stack(columns, axis=1) if columns else np.empty((len(rows), 0))
        return self.encode(matrix, named)

    def transform_rows(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """`transform` of a few rows as requests have them; a column that is missing or None is a missing value."""
        given = {each.name: [row.get(each.name) for row in rows] for each in self.dates}
        numbers, texts = _of_dates(self.dates, given)
        columns = [
            numbers[each.name].tolist() if each.name in numbers else [number(row.get(each.name)) for row in rows]
            for each in self.quantities
        ]
        named = [
            texts[each.name] if each.name in texts else [each.text_of(row.get(each.name)) for row in rows]
            for each in self.categories
        ]
        if len(rows) <= FEW_ROWS:
            return self._encode_few([[column[row] for column in columns] for row in range(len(rows))], named)
        return self.encode(np.array(columns, dtype=np.float64).reshape(len(columns), len(rows)).T, named)

    def encode(self, numbers: np.ndarray, texts: Sequence[Sequence[str]]) -> np.ndarray:
        """`transform` of values side by side: float64 [rows, quantities], NaN where missing; one list per category."""
        layout, rows = self._layout, len(numbers)
        if rows <= FEW_ROWS:
            return self._encode_few(numbers.tolist(), texts)
        lacking = ~np.isfinite(numbers)
        known = np.where(lacking, layout.fill, numbers)
        inputs = np.zeros((rows, layout.width), dtype=np.float32)
        scaled = (signed_log(known) - layout.center) / layout.scale
        inputs[:, layout.logs] = np.maximum(np.minimum(scaled, MAX_SCALED), -MAX_SCALED)
        ranks = [each.normal_quantiles(known[:, index]) for index, each in enumerate(self.quantities)]
        inputs[:, layout.logs + 1] = 0.5 * (np.stack(ranks, axis=1) if ranks else known)
        inputs[:, layout.logs + 2] = (known == 0) & ~lacking
        inputs[:, layout.logs[layout.missing] + 3] = lacking[:, layout.missing]
        for first, category, values in zip(layout.categories, self.categories, texts, strict=True):
            inputs[np.arange(rows), first + category.input_indices(values)] = 1.0
        return inputs

    def _encode_few(self, numbers: Sequence[Sequence[float]], texts: Sequence[Sequence[str]]) -> np.ndarray:
        """`encode` of few rows without numpy, whose calls would take longer than the work."""
        layout = self._layout
        inputs = [[0.0] * layout.width for _ in range(len(numbers))]
        for row, values in zip(inputs, numbers, strict=True):
            for quantity, first, value in zip(self.quantities, layout.firsts, values, strict=True):
                lacking = not math.isfinite(value)
                known = quantity.fill if lacking else value
                scaled = (math.copysign(math.log1p(abs(known)), known) - quantity.center) / quantity.scale
                row[first] = scaled if -MAX_SCALED < scaled < MAX_SCALED else math.copysign(MAX_SCALED, scaled)
                row[first + 1] = 0.5 * quantity.normal_quantile(known)
                row[first + 2] = float(known == 0 and not lacking)
                if quantity.missing:
                    row[first + 3] = float(lacking)
        for first, category, named in zip(layout.categories, self.categories, texts, strict=True):
            for row, name in zip(inputs, named, strict=True):
                row[first + category.input_index(name)] = 1.0
        return np.array(inputs, dtype=np.float32).reshape(len(numbers), layout.width)

    @cached_property
    def _layout(self) -> _Layout:
        firsts = np.cumsum([0, *(len(each.inputs) for each in self.parts)])
        numbers = [(each.fill, each.center, each.scale) for each in self.quantities]
        fill, center, scale = np.array(numbers, dtype=np.float64).reshape(-1, 3).T
        return _Layout(
            fill=fill,
            center=center,
            scale=scale,
            logs=firsts[: len(self.quantities)],
            firsts=firsts[: len(self.quantities)].tolist(),
            missing=np.flatnonzero([each.missing for each in self.quantities]),
            categories=firsts[len(self.quantities) : -1].tolist(),
            width=int(firsts[-1]),
        )

    def save(self, directory: Path) -> None:
        """Write `encoder.json`."""
        (directory / ENCODER_FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Encoder:
        document: Mapping[str, Any] = json.loads((directory / ENCODER_FILE).read_text(encoding="utf-8"))
        return cls(
            quantities=tuple(
                Quantity(**{**each, "references": tuple(each["references"])}) for each in document["quantities"]
            ),
            categories=tuple(
                Category(name=each["name"], values=tuple(each["values"])) for each in document["categories"]
            ),
            dates=tuple(DateColumn(**each) for each in document.get("dates", ())),
        )


def _values_each(distinct: Sequence[int], wanted: int) -> int:
    """How many values of each category get an input: as many as wanted, or few where that would be too many in all."""
    return wanted if sum(min(each, wanted) for each in distinct) <= MAX_CATEGORY_INPUTS else min(wanted, FEW_VALUES)


def number(value: Any) -> float:
    """A number in whatever way it is written; yes and no are 1 and 0, all else is missing (NaN)."""
    if type(value) is float:
        return value
    if value is None or isinstance(value, bool | np.bool_):
        return math.nan if value is None else float(value)
    found = written_number(value)
    if found is None:
        means = boolean(value)
        found = math.nan if means is None else float(means)
    return found


def _of_dates(
    dates: Iterable[DateColumn], given: Mapping[str, Sequence[Any]] | pd.DataFrame
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The numbers and the categories that columns of dates become."""
    numbers: dict[str, Any] = {}
    texts: dict[str, list[str]] = {}
    for each in dates:
        ages, *parts = each.features(list(given[each.name]))
        numbers[each.age] = np.array(ages)
        texts |= dict(zip(each.parts, parts, strict=True))
    return numbers, texts


def _is_date(column: pd.Series) -> bool:
    return bool(column.dtype.kind == DATE)


def _is_quantity(column: pd.Series) -> bool:
    return column.dtype.kind in NUMBERS


def _varies(column: pd.Series) -> bool:
    return bool(column.nunique(dropna=False) > 1)


def _numbers(column: pd.Series) -> np.ndarray:
    if column.dtype.kind in NUMBERS + BOOLEAN:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return _mapped(column, number).astype(np.float64)


def _texts(column: pd.Series) -> list[str]:
    found: list[str] = _mapped(column, text).tolist()
    return found


def _mapped(column: pd.Series, meaning: Callable[[Any], Any]) -> np.ndarray:
    """What each value means, worked out once for equal ones."""
    codes, different = column.factorize(use_na_sentinel=True)
    # The last stands for values that are missing, whose code is -1.
    meanings = [meaning(each) for each in different.tolist()] + [meaning(None)]
    found: np.ndarray = np.array(meanings, dtype=object)[codes]
    return found
