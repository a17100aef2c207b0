"""What a model is fitted to and what it is asked for: inputs and labels; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from trainyard.contract.tabular.features import Encoder


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Rows as a model sees them.

    `inputs` float64 [rows, inputs], NaN where a number is missing; `labels` [rows]: the place of the class among
    `classes` (int64), or the value (float64) where there are no classes; `names` of the inputs.
    """

    inputs: np.ndarray
    labels: np.ndarray
    names: Sequence[str]
    classes: Sequence[str]

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> Examples:
        """The rows of a role's folder, but for those of classes that the training rows do not have."""
        rows = pd.read_parquet(folder)
        labels = encoder.labels(rows)
        known = labels >= 0 if encoder.classes else np.full(len(rows), True)
        return cls(
            inputs=encoder.encode(rows)[known],
            labels=labels[known],
            names=encoder.inputs,
            classes=encoder.classes,
        )


class FittedModel(Protocol):
    """What a recipe's `fit` gives."""

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities [rows, classes] in the order of the classes, or values [rows], of inputs [rows, inputs]."""

    def save(self, folder: Path) -> None:
        """Write what `load` of `inference.py` reads."""
