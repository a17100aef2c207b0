"""Turns visits into network inputs, the same way in processing, training, evaluation and serving; no TensorFlow.

A quantity becomes four inputs: its logarithm, scaled as the original does (mean and deviation of the values inside the
1.5 IQR fences; values outside count for neither, but stay in the data), its rank among the training values as a
quantile of the normal distribution, whether it is zero, and whether it is missing (only where training rows lack it).
A category becomes one input per value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recipes.propensity.category import MISSING, Category, text
from recipes.propensity.quantity import Quantity, signed_log

ENCODER_FILE = "encoder.json"
# Columns of a prepared visit that say which one it is or what became of it.
NOT_FEATURES = ("key", "role", "is_sale", "visit_id", "visitor_id", "product_id", "visit_date", "sales_date")
FEW_ROWS = 4
# Beyond this a scaled value says no more than "extreme", and a network would extrapolate.
MAX_SCALED = 8.0


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where the inputs of the columns lie, and the numbers of the quantities side by side, worked out once.

    `logs` [quantities]: a quantity's first input; `missing`: the quantities that have an input for that.
    """

    fill: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    logs: np.ndarray
    missing: np.ndarray
    categories: Sequence[int]
    width: int


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Every column that the network sees, in the order of its inputs."""

    quantities: tuple[Quantity, ...]
    categories: tuple[Category, ...]

    @classmethod
    def fit(cls, rows: pd.DataFrame, *, max_categories: int) -> Encoder:
        """From training rows only; a column is a quantity if it is numeric, else a category."""
        names = [str(name) for name in rows.columns if name not in NOT_FEATURES]
        numeric = [name for name in names if _is_quantity(rows[name])]
        return cls(
            quantities=tuple(Quantity.fit(name, _numbers(rows[name])) for name in numeric),
            categories=tuple(
                Category.fit(name, _texts(rows[name].tolist()), max_values=max_categories)
                for name in names
                if name not in numeric
            ),
        )

    @property
    def parts(self) -> list[Quantity | Category]:
        """Every column that matters, in the order of its inputs."""
        return [*self.quantities, *self.categories]

    @property
    def columns(self) -> list[str]:
        """The columns of a visit that matter."""
        return [each.name for each in self.parts]

    @property
    def inputs(self) -> list[str]:
        """Name of each network input."""
        return [name for each in self.parts for name in each.inputs]

    def inputs_by_column(self) -> dict[str, list[int]]:
        """Indices of the inputs that each column became."""
        groups: dict[str, list[int]] = {}
        first = 0
        for each in self.parts:
            groups[each.name] = list(range(first, first + len(each.inputs)))
            first += len(each.inputs)
        return groups

    def transform(self, rows: pd.DataFrame) -> np.ndarray:
        """Network inputs, float32 [rows, inputs]."""
        numbers = [_numbers(rows[each.name]) for each in self.quantities]
        matrix = np.stack(numbers, axis=1) if numbers else np.empty((len(rows), 0))
        return self.encode(matrix, [_texts(rows[each.name].tolist()) for each in self.categories])

    def encode(self, numbers: np.ndarray, texts: Sequence[Sequence[str]]) -> np.ndarray:
        """`transform` of values side by side: float64 [rows, quantities], NaN where missing; one list per category."""
        layout, rows = self._layout, len(numbers)
        lacking = ~np.isfinite(numbers)
        known = np.where(lacking, layout.fill, numbers)
        inputs = np.zeros((rows, layout.width), dtype=np.float32)
        scaled = (signed_log(known) - layout.center) / layout.scale
        inputs[:, layout.logs] = np.maximum(np.minimum(scaled, MAX_SCALED), -MAX_SCALED)
        inputs[:, layout.logs + 1] = 0.5 * self._normal_quantiles(known)
        inputs[:, layout.logs + 2] = (known == 0) & ~lacking
        inputs[:, layout.logs[layout.missing] + 3] = lacking[:, layout.missing]
        for first, category, values in zip(layout.categories, self.categories, texts, strict=True):
            if rows <= FEW_ROWS:
                for row, value in enumerate(values):
                    inputs[row, first + category.input_index(value)] = 1.0
            else:
                inputs[np.arange(rows), first + category.input_indices(values)] = 1.0
        return inputs

    def _normal_quantiles(self, known: np.ndarray) -> np.ndarray:
        """`Quantity.normal_quantiles` of each column; for few rows, calls of numpy take longer than the work."""
        if len(known) <= FEW_ROWS:
            rows = known.tolist()
            ranks = [
                [each.normal_quantile(value) for each, value in zip(self.quantities, row, strict=True)] for row in rows
            ]
            return np.array(ranks, dtype=np.float64).reshape(known.shape)
        columns = [each.normal_quantiles(known[:, index]) for index, each in enumerate(self.quantities)]
        return np.stack(columns, axis=1) if columns else known

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
        )


def _is_quantity(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _numbers(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(values: Sequence[Any]) -> list[str]:
    return [MISSING if pd.isna(value) else text(value) for value in values]
