"""What evaluating a model on held-out examples gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def _mean(rows: np.ndarray) -> float:
    return float(rows.mean())


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Metrics of one model on the holdout.

    `examples` has one row per held-out example, in an order that depends on the holdout alone, so that two models'
    rows pair up. `statistic` turns (resampled) rows into the gate's primary metric; the mean by default.
    """

    metrics: Mapping[str, float]
    examples: np.ndarray
    statistic: Callable[[np.ndarray], float] = field(default=_mean)
