"""Turns visits into network inputs, the same way in processing, training, evaluation and serving; no TensorFlow.

A quantity becomes four inputs: its logarithm, scaled as the original does (mean and deviation of the values inside the
1.5 IQR fences; values outside count for neither, but stay in the data), its place among the training values as a normal
deviate, whether it is zero, and whether it is missing (only where training rows lack it). A category becomes one input
per value.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

ENCODER_FILE = "encoder.json"
# Columns of a prepared visit that say which one it is or what became of it.
NOT_FEATURES = ("key", "role", "is_sale", "visit_id", "visitor_id", "product_id", "visit_date", "sales_date")
FENCE = 1.5
QUANTILES = 200
FEW_ROWS = 4
# Beyond this a scaled value says no more than "extreme", and a network would extrapolate.
LIMIT = 8.0
OTHER = "(other)"
MISSING = "(missing)"
TRUE_FALSE = {True: "true", False: "false"}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A numeric column: `center` and `scale` of its logarithm, `fill` for missing values, `references` quantiles."""

    name: str
    center: float
    scale: float
    fill: float
    missing: bool
    references: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, values: np.ndarray) -> Quantity:
        """From training values (float64, NaN where missing)."""
        known = values[np.isfinite(values)]
        known = known if len(known) else np.zeros(1)
        center, scale = robust_moments(signed_log(known))
        references = np.quantile(known, np.linspace(0.0, 1.0, QUANTILES + 1))
        return cls(
            name=name,
            center=center,
            scale=scale,
            fill=float(np.median(known)),
            missing=len(known) < len(values),
            references=tuple(references.tolist()),
        )

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs this column becomes."""
        return [f"{self.name}: {what}" for what in ("log", "rank", "zero", *(("missing",) if self.missing else ()))]

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Inputs [rows, 3 or 4] of values [rows]."""
        return Encoder(quantities=(self,), categories=()).encode(values[:, None], [])

    def deviates(self, values: np.ndarray) -> np.ndarray:
        """Normal deviate of the rank; a value that many rows share gets the mean of its ends."""
        references, reversed_references = self._references
        upward = np.interp(values, references, _DEVIATES)
        downward = np.interp(-values, reversed_references, _REVERSED)
        return np.asarray(0.5 * (upward - downward))

    def deviate_of(self, value: float) -> float:
        """`deviates` of one value."""
        upward = _interpolated(value, self.references, _UPWARD)
        return 0.5 * (upward - _interpolated(-value, self._mirrored, _DOWNWARD))

    @cached_property
    def _mirrored(self) -> tuple[float, ...]:
        return tuple(-each for each in reversed(self.references))

    @cached_property
    def _references(self) -> tuple[np.ndarray, np.ndarray]:
        references = np.asarray(self.references)
        return references, -references[::-1]


@dataclass(frozen=True, kw_only=True)
class Category:
    """A column of names; those seen too rarely share one input."""

    name: str
    values: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, values: Sequence[str], most: int) -> Category:
        found, counts = np.unique(np.asarray(values, dtype=object).astype(str), return_counts=True)
        kept = found[np.argsort(-counts, kind="stable")[:most]]
        return cls(name=name, values=tuple(sorted(kept.tolist())))

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs this column becomes."""
        return [f"{self.name} = {value}" for value in (*self.values, OTHER)]

    def transform(self, values: Sequence[str]) -> np.ndarray:
        """One-hot inputs [rows, values + 1]; the last one stands for every value that training did not keep."""
        return np.asarray(np.eye(len(self.values) + 1, dtype=np.float32)[self.columns(values)])

    def columns(self, values: Sequence[str]) -> np.ndarray:
        """Which of its inputs each value sets (int64 [rows])."""
        return np.fromiter(map(self.column, values), dtype=np.int64, count=len(values))

    def column(self, value: str) -> int:
        """Which of its inputs a value sets."""
        return self._places.get(value, len(self.values))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {value: index for index, value in enumerate(self.values)}


@dataclass(frozen=True, kw_only=True)
class _Plan:
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
                Category.fit(name, _texts(rows[name].tolist()), max_categories) for name in names if name not in numeric
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

    def groups(self) -> dict[str, list[int]]:
        """The inputs that each column became, by column."""
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
        plan, rows = self._plan, len(numbers)
        lacking = ~np.isfinite(numbers)
        known = np.where(lacking, plan.fill, numbers)
        inputs = np.zeros((rows, plan.width), dtype=np.float32)
        scaled = (signed_log(known) - plan.center) / plan.scale
        inputs[:, plan.logs] = np.maximum(np.minimum(scaled, LIMIT), -LIMIT)
        inputs[:, plan.logs + 1] = 0.5 * self._deviates(known)
        inputs[:, plan.logs + 2] = (known == 0) & ~lacking
        inputs[:, plan.logs[plan.missing] + 3] = lacking[:, plan.missing]
        for first, category, values in zip(plan.categories, self.categories, texts, strict=True):
            if rows <= FEW_ROWS:
                for row, value in enumerate(values):
                    inputs[row, first + category.column(value)] = 1.0
            else:
                inputs[np.arange(rows), first + category.columns(values)] = 1.0
        return inputs

    def _deviates(self, known: np.ndarray) -> np.ndarray:
        """`Quantity.deviates` of each column; for few rows, calls of numpy take longer than the work."""
        if len(known) <= FEW_ROWS:
            rows = known.tolist()
            ranks = [[each.deviate_of(value) for each, value in zip(self.quantities, row, strict=True)] for row in rows]
            return np.array(ranks, dtype=np.float64).reshape(known.shape)
        columns = [each.deviates(known[:, place]) for place, each in enumerate(self.quantities)]
        return np.stack(columns, axis=1) if columns else known

    @cached_property
    def _plan(self) -> _Plan:
        firsts = np.cumsum([0, *(len(each.inputs) for each in self.parts)])
        numbers = [(each.fill, each.center, each.scale) for each in self.quantities]
        fill, center, scale = np.array(numbers, dtype=np.float64).reshape(-1, 3).T
        return _Plan(
            fill=fill,
            center=center,
            scale=scale,
            logs=firsts[: len(self.quantities)],
            missing=np.flatnonzero([each.missing for each in self.quantities]),
            categories=firsts[len(self.quantities) : -1].tolist(),
            width=int(firsts[-1]),
        )

    def save(self, directory: Path) -> None:
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


def signed_log(values: np.ndarray) -> np.ndarray:
    """`log(1 + |x|)` with the sign of x."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def robust_moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and deviation of the values inside the 1.5 IQR fences (Tukey 1977, "Exploratory Data Analysis").

    Where most values are equal the IQR is zero and the fences would keep one value only: then all values count. A
    column of one value gets deviation 1.
    """
    low, high = np.quantile(values, (0.25, 0.75))
    reach = FENCE * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)] if reach > 0 else values
    deviation = float(inside.std())
    return float(inside.mean()), deviation if deviation > 1e-9 else 1.0


def _quantile_deviates() -> np.ndarray:
    """Normal deviates of the quantiles; the ends stand for half a step, for the deviate of 0 is infinite."""
    half_step = 0.5 / QUANTILES
    shares = np.clip(np.linspace(0.0, 1.0, QUANTILES + 1), half_step, 1.0 - half_step)
    return np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])


_DEVIATES = _quantile_deviates()
_REVERSED = -_DEVIATES[::-1]
_UPWARD, _DOWNWARD = tuple(_DEVIATES.tolist()), tuple(_REVERSED.tolist())


def _interpolated(value: float, places: Sequence[float], heights: Sequence[float]) -> float:
    """`np.interp` of one number."""
    index = bisect_right(places, value) - 1
    if index < 0:
        return heights[0]
    if index + 1 == len(places) or places[index] == value:
        return heights[index]
    slope = (heights[index + 1] - heights[index]) / (places[index + 1] - places[index])
    return slope * (value - places[index]) + heights[index]


def _is_quantity(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _numbers(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(values: Sequence[Any]) -> list[str]:
    return [MISSING if pd.isna(value) else text(value) for value in values]


def text(value: object) -> str:
    """What a category's value is called; None is missing."""
    if value is None:
        return MISSING
    return TRUE_FALSE[value] if isinstance(value, bool) else str(value)
