"""Makes rows for the table of a tabular recipe, with a known answer inside; runs on a laptop and in tests."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainyard.contract.sources import Column, ColumnType
from trainyard.contract.tabular.table import Table
from trainyard.contract.values import identifier

BLOCK = 50_000
CATEGORIES = 4
MISSING = 0.05
NOISE = 0.3
FIRST_DAY = np.datetime64("2025-01-01", "s")
SECONDS = 365 * 24 * 3600


def write_sample(table: Table, directory: Path, *, size: int, seed: int) -> dict[str, Any]:
    """Write `<table>.csv` with `size` rows, and return by column how much the target depends on it.

    Every value is made up. The target is a weighted sum of standardised columns and noise: a number, or the class of
    one that the sum is above (of two) or between. Where a column may lack values, five of a hundred do.
    """
    random = np.random.default_rng(seed)
    weights = {each.name: float(random.choice([-2.0, -1.0, 1.0, 2.0])) for each in table.features}
    written = [each for each in table.columns if not each.place]
    with (directory / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow([each.name for each in written])
        for first in range(0, size, BLOCK):
            columns = _block(table, range(first, min(first + BLOCK, size)), weights=weights, random=random)
            lines.writerows(zip(*(columns[each.name] for each in written), strict=True))
    return weights


def _block(
    table: Table, rows: range, *, weights: dict[str, float], random: np.random.Generator
) -> dict[str, Sequence[Any]]:
    total = NOISE * random.normal(size=len(rows))
    columns: dict[str, Sequence[Any]] = {table.key: [f"k{row}" if _is_text(table) else row for row in rows]}
    for column in table.features:
        standard = random.normal(size=len(rows))
        total += weights[column.name] * standard
        missing = random.random(len(rows)) < MISSING * column.nullable
        values = _values(column, standard)
        columns[column.name] = ["" if lacks else value for value, lacks in zip(values, missing, strict=True)]
    columns[table.target] = _target(table, total / np.sqrt(1 + len(weights)))
    return columns


def _is_text(table: Table) -> bool:
    return any(each.type == "string" for each in table.columns if each.name == table.key)


def _values(column: Column, standard: np.ndarray) -> list[Any]:
    """Values of a column that rise with standard normal numbers [rows]."""
    if column.type == "timestamp":
        seconds = SECONDS * (0.5 + np.tanh(standard) / 2)
        return [str(each).replace("T", " ") for each in FIRST_DAY + seconds.astype("timedelta64[s]")]
    if column.type == "boolean":
        return ["true" if each > 0 else "false" for each in standard]
    if column.type == "int64":
        return list(np.round(50 + 15 * standard).astype(int).tolist())
    if column.type == "float64":
        return list((100 + 25 * standard).round(2).tolist())
    places = np.clip(np.floor(standard + CATEGORIES / 2), 0, CATEGORIES - 1).astype(int)
    return [f"{column.name} {'abcd'[place]}" for place in places]


def _target(table: Table, total: np.ndarray) -> list[Any]:
    """Numbers, or one of two classes: the positive one where the sum is above zero."""
    kind = next(each.type for each in table.columns if each.name == table.target)
    if table.task == "regression":
        numbers = 100 + 20 * total
        return list((np.round(numbers).astype(int) if kind == "int64" else numbers.round(2)).tolist())
    other, positive = _two_classes(kind, table.positive)
    return [positive if each > 0 else other for each in total]


def _two_classes(kind: ColumnType, positive: str) -> tuple[str, str]:
    if kind == "boolean":
        return ("false", "true") if positive != "false" else ("true", "false")
    if kind in ("int64", "float64"):
        one = float(positive or 1)
        return identifier(one - 1), identifier(one)
    return f"not {positive or 'yes'}", positive or "yes"
