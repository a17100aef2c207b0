"""Answers requests with the trained model; runs in the training image, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from typing_extensions import TypedDict

from recipes.delivery_time.features import COLUMNS
from recipes.delivery_time.inference import DeliveryTimeModel
from trainyard.contract.request_rows import Row, checked
from trainyard.contract.routes import INVOCATIONS, Route


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

    model: DeliveryTimeModel

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
        return [{"minutes": float(each)} for each in self.model.minutes(table)]


def load(model_dir: Path) -> Predictor:
    """The model in a folder that `train` filled."""
    return Predictor(DeliveryTimeModel.load(model_dir))
