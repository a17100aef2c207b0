"""Answers requests with a trained tabular model; runs in the training image, without TensorFlow or scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from trainyard.contract.request_rows import Row
from trainyard.contract.routes import INVOCATIONS, Route
from trainyard.contract.tabular.answers import Answers
from trainyard.contract.tabular.inference import TrainedModel, load_trained
from trainyard.contract.tabular.requests import frame, row_class


class Value(TypedDict):
    """An answer of a regression."""

    prediction: float


class Class(TypedDict):
    """An answer of a classification: the most probable class, and the probability of every class."""

    prediction: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Predictor:
    """A loaded model."""

    model: TrainedModel

    @cached_property
    def row(self) -> type[Row]:
        """What a row may hold."""
        return row_class(self.model.encoder)

    def examples(self) -> list[dict[str, Any]]:
        """A row with a value in each column, and one without any."""
        return [dict(self.model.encoder.examples), {}]

    def routes(self) -> tuple[Route, ...]:
        """How a caller asks: `/invocations` comes first."""
        encoder = self.model.encoder
        route = Route(
            path="/predictions",
            summary=f"The {encoder.target} of rows.",
            row=self.row,
            response=Class if encoder.classes else Value,
            answer=self.predict,
            example=self.examples()[0],
        )
        return route.at(INVOCATIONS), route

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Value] | list[Class]:
        """One answer per row; a column that is not given is missing. Raises BadRow for other rows."""
        encoder = self.model.encoder
        predictions = self.model.predict(frame(encoder, self.row, rows=rows))
        values = Answers.of(predictions, encoder).values
        if not encoder.classes:
            return [Value(prediction=float(each)) for each in values]
        return [
            Class(prediction=str(value), probabilities=dict(zip(encoder.classes, each.tolist(), strict=True)))
            for value, each in zip(values, predictions, strict=True)
        ]


def load(model_dir: Path) -> Predictor:
    """The model in a folder that `train` filled."""
    return Predictor(load_trained(model_dir))
