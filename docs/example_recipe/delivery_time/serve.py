"""Answers requests with the trained model; runs in the training image, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from recipes.delivery_time.features import COLUMNS, Features
from trainyard.serving.routes import INVOCATIONS, Route
from trainyard.serving.rows import Row, checked


class Delivery(Row):
    """A row of a request."""

    distance_km: float
    items: int


class Expected(TypedDict):
    """An answer."""

    minutes: float


@dataclass(frozen=True)
class Predictor:
    """A loaded model."""

    features: Features
    coefficients: np.ndarray

    def minutes(self, rows: pd.DataFrame) -> np.ndarray:
        """Expected minutes of each delivery."""
        return self.features.encode(rows) @ self.coefficients

    def examples(self) -> list[dict[str, Any]]:
        """Rows that this model can answer."""
        return [{"distance_km": 3.5, "items": 2}]

    def routes(self) -> tuple[Route, ...]:
        """How a caller asks: `/invocations` comes first."""
        route = Route(
            path="/minutes",
            summary="Expected minutes of a delivery.",
            row=Delivery,
            response=Expected,
            answer=self.predict,
            example=self.examples()[0],
        )
        return route.at(INVOCATIONS), route

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Expected]:
        """`[{"distance_km": 3.5, "items": 2}]` -> `[{"minutes": 21.4}]`; raises BadRow for other rows."""
        table = pd.DataFrame([each.model_dump() for each in checked(Delivery, rows)], columns=list(COLUMNS))
        return [{"minutes": float(each)} for each in self.minutes(table)]


def load(model_dir: Path) -> Predictor:
    """The model in a folder that `train` filled."""
    return Predictor(Features.load(model_dir), np.load(model_dir / "coefficients.npy"))
