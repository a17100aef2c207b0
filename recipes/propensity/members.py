"""Trains what stands beside the networks, fold by fold, and weighs them; runs in the training image.

One boosting and one logistic regression per fold learn from the rows that the fold's networks learn from, so that each
row has log odds by members that have not seen it. The share of the trees is fixed: chosen on those rows it would lean
to the networks, which stop where they fit these rows best.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recipes.propensity.boosting import TreeColumns, boosted, taken_apart
from recipes.propensity.calibration import sigmoid
from recipes.propensity.features import Encoder
from recipes.propensity.inference import Shares, linear_logits
from recipes.propensity.metrics import log_loss
from recipes.propensity.training_data import TrainingData
from recipes.propensity.trees import Trees

TREES_SHARE = 0.6
LINEAR_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
# A straight line is known well enough from these; more would cost as much time as the trees.
MAX_LINEAR_ROWS = 200_000


@dataclass(frozen=True, kw_only=True)
class Members:
    """What is trained beside the networks, and its log odds of each of the asked rows by what has not seen the row."""

    trees: Trees
    linear: np.ndarray
    unseen_trees: np.ndarray
    unseen_linear: np.ndarray

    def shares(self, unseen_networks: np.ndarray, labels: np.ndarray) -> Shares:
        """How much each member counts; the linear one as much as gives the lowest loss on rows not learned from."""

        def loss(linear: float) -> float:
            shares = Shares(trees=TREES_SHARE, linear=linear)
            blended = shares.blended(unseen_networks, self.unseen_trees, linear=self.unseen_linear)
            return log_loss(sigmoid(blended), labels, weights=np.ones(len(labels)))

        return Shares(trees=TREES_SHARE, linear=min(LINEAR_SHARES, key=loss))


def fit(
    data: TrainingData,
    encoder: Encoder,
    *,
    folds: np.ndarray,
    rows: np.ndarray,
    rounds: int,
    seed: int,
    on_fold: Callable[[int], None] = lambda _fold: None,
) -> Members:
    """One boosting of `rounds` trees and one logistic regression per fold; `rows` are all that lie in these folds."""
    columns = TreeColumns.of(encoder)
    read, place = columns.of_inputs(data.inputs), np.full(len(data.labels), -1)
    place[rows] = np.arange(len(rows))
    unseen = {name: np.empty(len(rows)) for name in ("trees", "linear")}
    models, lines = [], []
    for number, fold in enumerate(folds.tolist()):
        learned, judged = data.folds != fold, data.folds == fold
        kinds = columns.categorical
        model = boosted(read[learned], data.labels[learned], categorical=kinds, rounds=rounds, seed=seed + number)
        line = logistic_regression(data, learned)
        unseen["trees"][place[judged]] = model.decision_function(read[judged])
        unseen["linear"][place[judged]] = linear_logits(line, data.inputs[judged])
        models.append(model)
        lines.append(line)
        on_fold(number)
    return Members(
        trees=taken_apart(models, columns),
        linear=np.mean(lines, axis=0),
        unseen_trees=unseen["trees"],
        unseen_linear=unseen["linear"],
    )


def logistic_regression(data: TrainingData, learned: np.ndarray) -> np.ndarray:
    """Coefficients [inputs + 1], the constant last, from evenly many of the rows `learned`, a flag each."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows = np.flatnonzero(learned)
    rows = rows[:: -(-len(rows) // MAX_LINEAR_ROWS)]
    model: Any = LogisticRegression(C=0.1, max_iter=300)
    with warnings.catch_warnings():
        # A line that is not quite at its best has a share that says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.inputs[rows], data.labels[rows])
    return np.append(model.coef_[0], model.intercept_).astype(np.float64)
