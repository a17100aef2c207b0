"""Intervals of shares, for tables and pictures of reports; numpy only."""

from __future__ import annotations

import numpy as np

NORMAL_95 = 1.959964


def wilson(share: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of the 95 % interval of shares that were seen in so many examples; from 0 to 1 without any.

    (Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference")

    >>> low, high = wilson(np.array([0.5, 0.0]), np.array([100, 10]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.404, 0.0], [0.596, 0.278])
    """
    seen = np.maximum(np.asarray(count, np.float64), 1e-12)
    square = NORMAL_95**2
    middle = (share + square / (2.0 * seen)) / (1.0 + square / seen)
    spread = share * (1.0 - share) / seen + square / (4.0 * seen**2)
    half = NORMAL_95 / (1.0 + square / seen) * np.sqrt(np.maximum(spread, 0.0))
    return np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)
