"""Judges classes of headlines by those that people gave them later; processing image."""

from __future__ import annotations

import pyarrow as pa

from recipes.headline_classifier.config import Config
from recipes.headline_classifier.metrics import accuracy, macro_f1_of_rows
from recipes.headline_classifier.predictions import pairs
from trainyard.contract.evaluation import Judged
from trainyard.contract.truth import LABEL


def judge(joined: pa.Table, *, config: Config) -> Judged:
    """Macro F1 and accuracy over the classes that the labels have, by the functions of the evaluation."""
    del config
    rows = pairs(joined[LABEL].to_pylist(), joined["category"].to_pylist())
    metrics = {"macro_f1": macro_f1_of_rows(rows), "accuracy": accuracy(rows[:, 0], rows[:, 1])}
    return Judged(metrics=metrics, examples=rows, statistic=macro_f1_of_rows, primary="macro_f1")
