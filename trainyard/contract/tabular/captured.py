"""What kept requests and answers say in the terms of the table and of scores; runs in the training image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainyard.contract.captured import Captured, Columns, Rows
from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.features import Encoder
from trainyard.contract.tabular.inference import load_trained


@dataclass(frozen=True)
class CapturedRows(Captured):
    """Rows go by the names of columns; predictions are called after the target."""

    encoder: Encoder

    def read_fields(self) -> tuple[str, ...]:
        """Without the key and columns of one value, which rows may have."""
        return self.encoder.columns

    def answers(self, requests: Rows, answers: Rows) -> Columns:
        """Columns of `table.score_columns`: of two classes the probability of the last, of several the highest."""
        del requests
        target, classes = self.encoder.target, self.encoder.classes
        columns = {f"{target}_predicted": [each.get("prediction") for each in answers]}
        if not classes:
            return columns
        said = [each.get("probabilities") or {} for each in answers]
        told = [each.get(classes[-1]) if len(classes) == 2 else max(each.values(), default=None) for each in said]
        return {**columns, f"{target}_probability": told}


def load(model_dir: Path, *, config: TabularConfig) -> CapturedRows:
    """With the classes of a model."""
    del config
    return CapturedRows(load_trained(model_dir).encoder)
