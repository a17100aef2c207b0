"""What calling rows from a probability on would bring: recall, precision, lift and cost by threshold; numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainyard.contract.tabular.probabilities import EPSILON

MAX_POINTS = 1000


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Along thresholds from the highest down: weighted shares of rows, float64 [points] each, between 0 and 1.

    `called`: rows that reach the threshold; `recall`: ones among them of all ones; `false_alarms`: zeros among them of
    all zeros. `rate` is the share of ones among all rows.
    """

    thresholds: np.ndarray
    called: np.ndarray
    recall: np.ndarray
    false_alarms: np.ndarray
    rate: float

    @property
    def precision(self) -> np.ndarray:
        """The share of ones among the rows called."""
        return np.asarray(self.rate * self.recall / np.maximum(self.called, EPSILON))

    @property
    def lift(self) -> np.ndarray:
        """How many times as many ones are among the rows called as among as many drawn at random."""
        return np.asarray(self.recall / np.maximum(self.called, EPSILON))

    def cost(self, missed: float) -> np.ndarray:
        """Mean cost per row where a call in vain costs 1 and a missed one `missed`.

        (Provost and Fawcett 2001, "Robust Classification for Imprecise Environments", section 2)
        """
        return np.asarray((1.0 - self.rate) * self.false_alarms + missed * self.rate * (1.0 - self.recall))

    def at(self, share: float) -> int:
        """The point where about that share of the rows is called, the least one that is not below it."""
        return min(int(np.searchsorted(self.called, share - EPSILON)), len(self.called) - 1)


def curve(probabilities: np.ndarray, labels: np.ndarray, *, weights: np.ndarray) -> Curve:
    """The curve of weighted rows, in at most `MAX_POINTS` points; equal probabilities are called together."""
    order = np.argsort(-probabilities, kind="stable")
    last = np.flatnonzero(np.append(np.diff(probabilities[order]) != 0, True))
    last = last[np.unique(np.linspace(0, len(last) - 1, MAX_POINTS).astype(np.int64))]
    ones = np.cumsum((weights * labels)[order])[last]
    rows = np.cumsum(weights[order])[last]
    all_ones, everyone = float((weights * labels).sum()), float(weights.sum())
    return Curve(
        thresholds=probabilities[order][last],
        called=rows / everyone,
        recall=ones / max(all_ones, EPSILON),
        false_alarms=(rows - ones) / max(everyone - all_ones, EPSILON),
        rate=all_ones / everyone,
    )
