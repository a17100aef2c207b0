"""The files that `process` writes and training, evaluation and report read; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

INPUTS_FILE = "inputs.npy"
LABELS_FILE = "labels.npy"
VISITS_FILE = "visits.parquet"


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Network inputs float32 [rows, inputs], labels float32 [rows] (1.0: a sale) and validation folds int64 [rows]."""

    inputs: np.ndarray
    labels: np.ndarray
    folds: np.ndarray

    @classmethod
    def load(cls, train: Path, validation: Path, *, folds: int) -> TrainingData:
        """Fold 0 is the validation folder; the rows of the training folder take turns in the other folds."""
        inputs = [np.load(each / INPUTS_FILE) for each in (validation, train)]
        labels = [np.load(each / LABELS_FILE) for each in (validation, train)]
        own = 1 + np.arange(len(labels[1])) % (folds - 1)
        return cls(
            inputs=np.concatenate(inputs),
            labels=np.concatenate(labels),
            folds=np.concatenate([np.zeros(len(labels[0]), np.int64), own]),
        )


def load_visits(folders: Sequence[Path]) -> pd.DataFrame:
    """The visits in these folders, features in their own terms."""
    return pd.concat([pd.read_parquet(each / VISITS_FILE) for each in folders], ignore_index=True)
