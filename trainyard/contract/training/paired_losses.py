"""Whether one way to predict is surely better than another, on the same rows; for choices on validation rows."""

from __future__ import annotations

import numpy as np


def clearly_lower(losses: np.ndarray, others: np.ndarray, *, errors: float) -> bool:
    """Whether the mean of `losses` [rows] lies below that of `others` by more than so many standard errors.

    Those of the paired difference. One that is the same for all rows has none, and tells nothing: nor does one row.
    """
    gained = others - losses
    error = float(gained.std() / np.sqrt(len(gained)))
    return error > 0.0 and float(gained.mean()) > errors * error
