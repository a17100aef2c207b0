"""What a prediction says in words of the target: a value, or a class and its probability; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainyard.contract.tabular.features import Encoder


@dataclass(frozen=True, kw_only=True)
class Answers:
    """`values` [rows], or the most probable class of each row and the `probabilities` [rows] that are told.

    Those are of the last of two classes, and of the most probable one of several.
    """

    values: Sequence[float | str]
    probabilities: np.ndarray | None = None

    @classmethod
    def of(cls, predictions: np.ndarray, encoder: Encoder) -> Answers:
        """Of what a model predicts."""
        if not encoder.classes:
            return cls(values=predictions.tolist())
        best = predictions.argmax(axis=1)
        told = predictions[:, 1] if len(encoder.classes) == 2 else predictions.max(axis=1)
        return cls(values=[encoder.classes[each] for each in best], probabilities=told)

    def columns(self, target: str) -> dict[str, np.ndarray]:
        """As `score_columns` calls them."""
        texts = self.probabilities is not None
        columns = {f"{target}_predicted": np.asarray(self.values, dtype=object if texts else np.float64)}
        return columns if self.probabilities is None else {**columns, f"{target}_probability": self.probabilities}
