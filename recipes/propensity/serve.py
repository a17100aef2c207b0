"""Answers requests for the propensity of visits, in real time; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.propensity.columns.outcome import DATABASE_OUTCOME, Outcome
from recipes.propensity.columns.uses import Description
from recipes.propensity.inference import Ensemble
from recipes.propensity.reasons.of_many import Reasons
from recipes.propensity.requests import EXPLAIN, Propensity, Visit, number_fields, row_model
from trainyard.contract.request_rows import checked
from trainyard.contract.routes import INVOCATIONS, Route


class Predictor:
    """A model that scores visits, or other rows, as its training data describe them."""

    def __init__(self, ensemble: Ensemble, outcome: Outcome = DATABASE_OUTCOME) -> None:
        self.ensemble = ensemble
        self._outcome = outcome
        self._row, self._numbers = row_model(ensemble.encoder), number_fields(ensemble.encoder)
        self._explains = EXPLAIN not in ensemble.encoder.columns
        self._reasons = Reasons(ensemble)
        # What requests will need is made before the first one comes.
        nothing = ensemble.encoder.transform_rows([{}])
        ensemble.probabilities_of_inputs(nothing)
        if self._explains:
            self._reasons.parts(nothing)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Propensity]:
        """One answer per row: `{"propensity": probability of a sale, "likely": whether it reaches the threshold}`.

        A row is an object of column names and values, in any spelling that a file may have. A column that is missing or
        null counts as a missing value, a category that training never saw as "other". With `"explain": true` the answer
        has reasons, as `Propensity` says. Raises BadRow for unknown columns and wrong types.
        """
        visits = checked(self._row, rows)
        if not rows:
            return []
        inputs = self.ensemble.encoder.transform_rows([*map(self._read, rows, visits)])
        probabilities: list[float] = self.ensemble.probabilities_of_inputs(inputs).tolist()
        answers: list[Propensity] = [
            {"propensity": each, "likely": each >= self.ensemble.threshold} for each in probabilities
        ]
        if self._explains:
            asked = [place for place, row in enumerate(rows) if row.get(EXPLAIN)]
            if asked:
                self._explain(inputs, answers, asked=asked)
        return answers

    def _read(self, row: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
        """A row with its numbers as they were read when it was checked."""
        return {**row, **{name: getattr(visit, field) for name, field in self._numbers}}

    def _explain(self, inputs: np.ndarray, answers: list[Propensity], *, asked: list[int]) -> None:
        """Add their reasons to the answers that ask for them."""
        for place, parts in zip(asked, self._reasons.parts(inputs[asked]).tolist(), strict=True):
            answers[place]["typical"] = self._reasons.typical_probability
            answers[place]["reasons"] = dict(zip(self._reasons.columns, parts, strict=True))

    def examples(self) -> list[dict[str, Any]]:
        """Rows that this model can answer: an average visit, and one of which nothing is known but one value."""
        encoder = self.ensemble.encoder
        average: dict[str, Any] = {each.name: each.fill for each in encoder.quantities if each.name in encoder.columns}
        average |= {each.name: each.newest for each in encoder.dates if each.newest}
        average |= {
            each.name: each.values[0] for each in encoder.categories if each.values and each.name in encoder.columns
        }
        return [average, dict([next(iter(average.items()))])]

    def routes(self) -> tuple[Route, ...]:
        """The propensity of visits."""
        route = Route(
            path="/propensity",
            summary=_summary(self._outcome),
            row=self._row,
            response=Propensity,
            answer=self.predict,
            example=self.examples()[0],
        )
        return route.at(INVOCATIONS), route


def load(model_dir: Path) -> Predictor:
    """The predictor of a trained model."""
    description = Description.load(model_dir)
    return Predictor(Ensemble.load(model_dir), description.outcome if description else DATABASE_OUTCOME)


def _summary(outcome: Outcome) -> str:
    if outcome.sale:
        return "The calibrated probability that a visit leads to a sale."
    return f"The calibrated probability that {outcome.column} is {outcome.yes}."
