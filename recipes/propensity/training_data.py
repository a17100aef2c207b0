"""The files that `process` writes and training, evaluation and report read; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

INPUTS_FILE = "inputs.npy"
LABELS_FILE = "labels.npy"
VISITS_FILE = "visits.parquet"
BLOCK_ROWS = 100_000
# These say well enough when to stop, how much each member counts and what the true rate is.
MAX_JUDGED_ROWS = 50_000
IN_NO_FOLD = -1


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Network inputs float32 [rows, inputs], labels float32 [rows] (1.0: a sale) and validation folds int64 [rows].

    Rows of fold -1 (`IN_NO_FOLD`) judge nobody.
    """

    inputs: np.ndarray
    labels: np.ndarray
    folds: np.ndarray

    @classmethod
    def load(cls, train: Path, validation: Path, *, folds: int) -> TrainingData:
        """Fold 0 is the validation folder; the rows of the training folder take turns in the other folds.

        Of a fold's rows no more than `MAX_JUDGED_ROWS`, evenly spread, stay in it: all members learn from the others.
        """
        labels = [np.load(each / LABELS_FILE) for each in (validation, train)]
        own = [np.zeros(len(labels[0]), np.int64), 1 + np.arange(len(labels[1])) % (folds - 1)]
        return cls(
            inputs=_inputs([each / INPUTS_FILE for each in (validation, train)]),
            labels=np.concatenate(labels),
            folds=_thinned(np.concatenate(own), folds=folds),
        )


def _inputs(files: Sequence[Path]) -> np.ndarray:
    """The rows of some files one after the other; a block at a time, so that they are not in memory twice."""
    shapes = [np.load(each, mmap_mode="r").shape for each in files]
    found = np.empty((sum(rows for rows, _ in shapes), shapes[0][1]), np.float32)
    first = 0
    for file, (rows, _) in zip(files, shapes, strict=True):
        for start in range(0, rows, BLOCK_ROWS):
            block = slice(start, min(start + BLOCK_ROWS, rows))
            # Opened anew: what was read of a mapped file counts as memory for as long as it is open.
            found[first + block.start : first + block.stop] = np.load(file, mmap_mode="r")[block]
        first += rows
    return found


def _thinned(assigned: np.ndarray, *, folds: int) -> np.ndarray:
    """`assigned` [rows] with `IN_NO_FOLD` where a fold has more than `MAX_JUDGED_ROWS` rows."""
    found = assigned.copy()
    for fold in range(folds):
        rows = np.flatnonzero(assigned == fold)
        kept = rows[:: -(-len(rows) // MAX_JUDGED_ROWS) or 1]
        found[np.setdiff1d(rows, kept, assume_unique=True)] = IN_NO_FOLD
    return found


def load_visits(folders: Sequence[Path]) -> pd.DataFrame:
    """The visits in these folders, features in their own terms."""
    # Training reads none, and pandas would be a tenth of its start.
    import pandas as pd

    return pd.concat([pd.read_parquet(each / VISITS_FILE) for each in folders], ignore_index=True)
