"""What evaluating a model, or a baseline, on held-out examples gives: its metrics, and what they are statistics of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np


def mean(rows: np.ndarray) -> float:
    """The statistic of most metrics: the mean over held-out examples."""
    return float(rows.mean())


@dataclass(frozen=True)
class OfCounts:
    """A statistic of rows that depends only on how often each distinct row occurs, such as one of a confusion matrix.

    `of` computes it from rows and how often each occurs [n]. A resample of many examples with few distinct rows then
    costs as much as there are distinct ones.
    """

    of: Callable[[np.ndarray, np.ndarray], float]

    def __call__(self, rows: np.ndarray) -> float:
        return self.of(rows, np.ones(len(rows), dtype=np.int64))


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Metrics of one model on the holdout.

    `examples` has one row per held-out example, in an order that depends on the holdout alone, so that two models'
    rows pair up. `statistic` turns (resampled) rows into the gate's primary metric; the mean by default. Metrics that
    such data do not have, such as the error in ratings of clicks, are `not_applicable`: the gate does not ask for them.
    `answers` are what the model says of held-out examples, as columns of equal length that are called as those of
    `score`: what it says of rows that are scored later is set beside them.
    """

    metrics: Mapping[str, float]
    examples: np.ndarray
    statistic: Callable[[np.ndarray], float] = field(default=mean)
    not_applicable: tuple[str, ...] = ()
    answers: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A simple baseline on the same held-out examples as the model, its metrics from the same functions.

    `examples` are its rows as in `Evaluation`, for the same statistic; a baseline that cannot be judged by the gate's
    primary metric has none. One that is too slow for all of a large holdout is measured on some of it: `rows` are the
    places of its examples among the model's.
    """

    metrics: Mapping[str, float]
    examples: np.ndarray | None = None
    rows: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Judged(Evaluation):
    """Metrics of predictions beside what became true; `primary` names the one that `statistic` computes of `examples`.

    Metrics are called as in the recipe's evaluation where they mean the same, for they are set beside what that found.
    """

    primary: str
