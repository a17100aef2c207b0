"""Fits a logistic regression to network inputs: the straight member of a model, and the baseline of evaluation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from recipes.propensity.calibration import logit
from recipes.propensity.training_data import TrainingData
from trainyard.contract.lean.threads import threads_for

# A straight line is known well enough from these; more would cost as much time as the trees.
MAX_ROWS = 200_000


def logistic_regression(data: TrainingData, learned: np.ndarray) -> np.ndarray:
    """Coefficients [inputs + 1], the constant last, from evenly many of the rows `learned`, a flag each.

    Where all of them have one outcome, nothing but that is learned.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows = np.flatnonzero(learned)
    rows = rows[:: -(-len(rows) // MAX_ROWS)]
    if len(np.unique(data.labels[rows])) < 2:
        return np.append(np.zeros(data.inputs.shape[1]), logit(data.labels[rows[:1]]))
    model: Any = LogisticRegression(C=0.1, max_iter=300)
    with warnings.catch_warnings(), threads_for(len(rows)):
        # A line that is not quite at its best has a share that says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.inputs[rows], data.labels[rows])
    return np.append(model.coef_[0], model.intercept_).astype(np.float64)
