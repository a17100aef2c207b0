"""Metrics of expected minutes, for training and evaluation; plain numpy."""

from __future__ import annotations

import numpy as np


def absolute_errors(expected: np.ndarray, minutes: np.ndarray) -> np.ndarray:
    """How many minutes each expectation is off [rows]."""
    return np.abs(expected - minutes)
