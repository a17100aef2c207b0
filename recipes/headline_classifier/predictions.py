"""What a model says of held-out headlines, for the report and the table beside it; runs in the processing image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.headline_classifier.config import CLASSES
from recipes.headline_classifier.inference import Classifier
from trainyard.contract.report import ReportInputs


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Held-out headlines with their class numbers and the model's probabilities [n, classes]."""

    headlines: pa.Table
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        return np.asarray(self.probabilities.argmax(axis=1))

    @classmethod
    def of(cls, inputs: ReportInputs) -> Predictions:
        table = pq.read_table(inputs.process / "holdout" / "headlines.parquet")
        labels = np.asarray([CLASSES.index(each) for each in table["category"].to_pylist()])
        probabilities = Classifier.load(inputs.model).probabilities(table["title"].to_pylist())
        return cls(headlines=table, labels=labels, probabilities=probabilities)

    def write(self, path: Path) -> None:
        """Every headline with its predicted category and the probability of each class, as Parquet."""
        columns: dict[str, Any] = {name: self.headlines[name] for name in self.headlines.column_names}
        columns["predicted"] = pa.array([CLASSES[number] for number in self.predicted.tolist()], pa.string())
        for number, name in enumerate(CLASSES):
            columns[f"probability_{name}"] = pa.array(self.probabilities[:, number])
        pq.write_table(pa.table(columns), path, compression="zstd")
