"""Judges predictions of a tabular recipe by what the target turned out to be; processing image."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from trainyard.contract.evaluation import Judged
from trainyard.contract.tabular import metrics
from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.features import Encoder
from trainyard.contract.truth import LABEL, LEAST_OF_A_KIND

ACCURACY = "accuracy"


def judge(joined: pa.Table, *, config: TabularConfig) -> Judged | None:
    """Every metric of the evaluation that scores have the numbers for; None where one of two classes is too rare.

    A table is of two classes where the recipe names the `positive` one, or the gate compares by a metric of two: labels
    of any other class, which nobody predicts, are left out. Else scores tell the probability of the predicted class
    alone: they are judged by accuracy.
    """
    table = config.table
    rows = pd.DataFrame({table.target: joined[LABEL].to_pandas()})
    predicted = joined[f"{table.target}_predicted"]
    if table.task == "regression":
        values = predicted.to_numpy().astype(np.float64)
        return _judged(values, rows[table.target].to_numpy(np.float64), classes=(), primary=config.gate.primary)
    answers = pd.Series(predicted.to_pylist(), dtype=object)
    if table.positive or config.gate.primary not in metrics.OF_CLASSES:
        probabilities = joined[f"{table.target}_probability"].to_numpy()
        return _of_two(rows, answers, probabilities=probabilities, config=config)
    encoder = Encoder.of_classes(table, rows[table.target], answers)
    labels = encoder.labels(rows)
    places = {name: place for place, name in enumerate(encoder.classes)}
    certain = np.eye(len(encoder.classes))[[places[each] for each in predicted.to_pylist()]]
    found = _judged(certain, labels, classes=encoder.classes, primary=ACCURACY)
    return Judged(
        metrics={ACCURACY: found.metrics[ACCURACY]},
        examples=found.examples,
        statistic=found.statistic,
        primary=ACCURACY,
    )


def _of_two(
    rows: pd.DataFrame, answers: pd.Series, *, probabilities: np.ndarray, config: TabularConfig
) -> Judged | None:
    """Metrics of two classes, of the rows whose label is one of them."""
    table = config.table
    known = [answers, pd.Series([table.positive] if table.positive else [], dtype=object)]
    encoder = Encoder.of_classes(table, *known)
    if len(encoder.classes) < 2:
        # All have the same answer: the other class is the one that most other labels have.
        others = rows[table.target][encoder.labels(rows) < 0].mode()
        encoder = Encoder.of_classes(table, *known, others[:1])
    labels = encoder.labels(rows)
    there = labels >= 0
    labels, probabilities = labels[there], probabilities[there]
    if len(encoder.classes) != 2 or np.bincount(labels, minlength=2).min() < LEAST_OF_A_KIND:
        return None
    both = np.stack([1.0 - probabilities, probabilities], axis=1)
    return _judged(both, labels, classes=encoder.classes, primary=config.gate.primary)


def _judged(predictions: np.ndarray, labels: np.ndarray, *, classes: tuple[str, ...], primary: str) -> Judged:
    found = metrics.evaluated(predictions, labels, classes=classes, primary=primary)
    return Judged(metrics=found.metrics, examples=found.examples, statistic=found.statistic, primary=primary)
