"""Answers requests for the propensity of visits, in real time; runs in the training image, no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from recipes.propensity.ensemble import Ensemble
from trainyard.errors import BadRequest

MAX_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A model that scores visits as the database describes them."""

    ensemble: Ensemble

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One answer per row: `{"propensity": probability of a sale, "likely": whether it reaches the threshold}`.

        A row is an object of column names and values. A column that is missing or null counts as a missing value, a
        category that training never saw as "other". Raises BadRequest for unknown columns and wrong types.
        """
        if len(rows) > MAX_ROWS:
            raise BadRequest(f"Expected at most {MAX_ROWS:,} rows, found {len(rows):,}; send several requests.")
        for number, row in enumerate(rows):
            self._check(row, number)
        encoder = self.ensemble.encoder
        columns = {
            each.name: pd.Series([_number(row.get(each.name)) for row in rows], dtype="float64")
            for each in encoder.quantities
        }
        for category in encoder.categories:
            columns[category.name] = pd.Series([row.get(category.name) for row in rows], dtype="object")
        if not rows:
            return []
        probabilities = self.ensemble.probabilities(pd.DataFrame(columns)).tolist()
        return [{"propensity": each, "likely": each >= self.ensemble.threshold} for each in probabilities]

    def _check(self, row: Mapping[str, Any], number: int) -> None:
        if not isinstance(row, Mapping) or not row:
            raise BadRequest(f"Row {number}: expected an object with the columns of a visit, found {row!r:.100}.")
        known = self.ensemble.encoder.columns
        if unexpected := sorted(str(name) for name in row if name not in known):
            raise BadRequest(f"Row {number}: expected columns among {', '.join(known)}; found {unexpected[0]!r:.60}.")
        for quantity in self.ensemble.encoder.quantities:
            value = row.get(quantity.name)
            if value is not None and not _is_number(value):
                raise BadRequest(f"Row {number}: expected a number in {quantity.name}, found {value!r:.60}.")
        for category in self.ensemble.encoder.categories:
            value = row.get(category.name)
            if value is not None and not isinstance(value, str | int | bool):
                raise BadRequest(f"Row {number}: expected text in {category.name}, found {value!r:.60}.")


def load(model_dir: Path) -> Predictor:
    """The predictor of a trained model."""
    return Predictor(ensemble=Ensemble.load(model_dir))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
