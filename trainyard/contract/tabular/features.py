"""Turns rows into numbers, the same way in processing, training, evaluation, serving and scoring.

A number or a yes and no becomes one input, NaN where it is missing; a moment becomes its day, month and weekday; a text
becomes one input per frequent value, a missing one counting as a value. Columns that are always the same are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trainyard.contract.tabular.table import Table, Task
from trainyard.contract.values import identifier, is_missing

ENCODER_FILE = "encoder.json"
DAY = np.timedelta64(1, "D")
# What a moment becomes, by what follows its column's name; NaN where it is missing.
PARTS: Mapping[str, Callable[[pd.Series], pd.Series]] = {
    "day": lambda moments: (moments - pd.Timestamp(0)) / DAY,
    "month": lambda moments: moments.dt.month,
    "weekday": lambda moments: moments.dt.day_of_week,
}


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The inputs of a model: `numbers` and `moments` by their columns, then each value of `categories`.

    `classes` are the values of the target, of two the one that probabilities are of last; none in a regression.
    `examples` holds for each column a value that occurs, or None. Rows may have `ignored` columns of the table too: its
    key, and those that had one value only.
    """

    task: Task
    target: str
    numbers: tuple[str, ...]
    moments: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    flags: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @classmethod
    def fit(cls, rows: pd.DataFrame, table: Table, *, max_categories: int) -> Encoder:
        """From training rows with the columns of the table."""
        kinds = {each.name: each.type for each in table.features}
        used = [name for name in kinds if rows[name].nunique(dropna=False) > 1] or list(kinds)
        texts = [name for name in used if kinds[name] in ("string", "id")]
        return cls(
            task=table.task,
            target=table.target,
            numbers=tuple(name for name in used if kinds[name] in ("int64", "float64", "boolean")),
            moments=tuple(name for name in used if kinds[name] == "timestamp"),
            categories={name: _frequent(rows[name], max_categories) for name in texts},
            flags=tuple(name for name in used if kinds[name] == "boolean"),
            classes=_classes(rows[table.target], table) if table.task == "classification" else (),
            examples={name: _example(rows[name]) for name in used},
            ignored=(table.key, *(name for name in kinds if name not in used)),
        )

    @classmethod
    def of_classes(cls, table: Table, *values: pd.Series) -> Encoder:
        """Of the classes alone that are among some values of the target."""
        classes = _classes(pd.concat(values, ignore_index=True), table)
        return cls(task=table.task, target=table.target, numbers=(), moments=(), categories={}, classes=classes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that matter."""
        return (*self.numbers, *self.moments, *self.categories)

    @property
    def inputs_by_column(self) -> dict[str, tuple[str, ...]]:
        """The names of the inputs that each column becomes, in the order of the inputs."""
        names: dict[str, tuple[str, ...]] = {name: (name,) for name in self.numbers}
        names |= {name: tuple(f"{name} {part}" for part in PARTS) for name in self.moments}
        return names | {
            name: tuple(f"{name} = {value or 'nothing'}" for value in values)
            for name, values in self.categories.items()
        }

    @property
    def inputs(self) -> tuple[str, ...]:
        """The name of each input."""
        return tuple(name for names in self.inputs_by_column.values() for name in names)

    def encode(self, rows: pd.DataFrame) -> np.ndarray:
        """Matrix float64 [rows, inputs]; a column that is not there is missing in every row."""
        there = rows.reindex(columns=list(self.columns))
        columns = [pd.to_numeric(there[name]).to_numpy(np.float64, na_value=np.nan) for name in self.numbers]
        for name in self.moments:
            moments = pd.to_datetime(there[name])
            columns += [part(moments).to_numpy(np.float64, na_value=np.nan) for part in PARTS.values()]
        for name, values in self.categories.items():
            texts = _texts(there[name])
            columns += [(texts == value).astype(np.float64) for value in values]
        return np.column_stack(columns) if columns else np.zeros((len(rows), 0))

    def labels(self, rows: pd.DataFrame) -> np.ndarray:
        """The target: the place of each class, -1 for one that is not known (int64), or values (float64) [rows]."""
        if self.task == "regression":
            return rows[self.target].to_numpy(np.float64)
        places = {name: place for place, name in enumerate(self.classes)}
        return np.array([places.get(each, -1) for each in _texts(rows[self.target])], dtype=np.int64)

    def save(self, folder: Path) -> None:
        """Write `encoder.json`."""
        (folder / ENCODER_FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Encoder:
        """What `save` wrote."""
        saved = json.loads((folder / ENCODER_FILE).read_text(encoding="utf-8"))
        lists = {name: tuple(saved.get(name, ())) for name in ("numbers", "moments", "flags", "classes", "ignored")}
        categories = {name: tuple(values) for name, values in saved["categories"].items()}
        return cls(**{**saved, **lists, "categories": categories})


def _text(value: Any) -> str:
    """A value as text, however it is written: true is True, 2 is 2.0; empty where there is none."""
    if is_missing(value) or value is pd.NaT:
        return ""
    return str(value).lower() if isinstance(value, bool | np.bool_) else identifier(value)


def _texts(column: pd.Series) -> np.ndarray:
    codes, different = pd.factorize(column, use_na_sentinel=True)
    # The last stands for values that are missing, whose code is -1.
    return np.array([*(_text(each) for each in different.tolist()), ""], dtype=object)[codes]


def _frequent(column: pd.Series, most: int) -> tuple[str, ...]:
    """The values that occur most often, in the order of the alphabet where they occur equally often."""
    values, counts = np.unique(_texts(column).astype(str), return_counts=True)
    return tuple(str(each) for each in values[np.argsort(-counts, kind="stable")][:most])


def _classes(column: pd.Series, table: Table) -> tuple[str, ...]:
    return tuple(sorted(set(_texts(column).tolist()), key=lambda each: (each == table.positive, each)))


def _example(column: pd.Series) -> Any:
    """A value in the middle of those that there are, as JSON has it."""
    present = column.dropna()
    if present.empty:
        return None
    value = sorted(present, key=str)[len(present) // 2]
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value
