"""Counts the numbers of a scored column in round bins, a chunk at a time; runs in the score job.

The ends are known from a first pass (NumberSummary), so that a second one can count between them.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa

from trainyard.stages.score.distribution import finite

BINS = 20
ROUND_STEPS = (1, 2, 5, 10)
LARGEST = Fraction(np.finfo(np.float64).max)


class Histogram:
    """Counts of finite numbers in bins of equal width that begin and end at round numbers; the last one is closed.

    `edges` has one element more than `counts`. `step` is the width of a bin; 0 where all numbers are the same.
    """

    def __init__(self, lowest: float, highest: float, *, whole: bool) -> None:
        self.whole = whole
        self.step = _step(lowest, highest, whole=whole)
        self.edges = _edges(lowest, highest, step=self.step, whole=whole)
        self.counts = np.zeros(len(self.edges) - 1, dtype=np.int64)

    def add(self, column: pa.Array) -> None:
        """Count the next values of the column."""
        self.counts += np.histogram(finite(column).astype(np.float64), self.edges)[0]


def _step(lowest: float, highest: float, *, whole: bool) -> Fraction:
    """The smallest of 1, 2 and 5 times a power of ten with which `BINS` bins cover the range."""
    width = (_exact(highest) - _exact(lowest)) / BINS
    if whole and width <= 1:
        return Fraction(1)
    if not float(width):
        return Fraction(0)
    power = Fraction(10) ** math.floor(math.log10(width))
    return next(power * each for each in ROUND_STEPS if power * each >= width)


def _edges(lowest: float, highest: float, *, step: Fraction, whole: bool) -> np.ndarray:
    if not step:
        return np.asarray([lowest, highest], dtype=np.float64)
    first = math.floor(_exact(lowest) / step)
    # A bin of whole numbers ends before the next begins, one of real numbers at it.
    last = math.floor(_exact(highest) / step) + 1 if whole else math.ceil(_exact(highest) / step)
    edges = [step * index for index in range(first, max(last, first + 1) + 1)]
    return np.asarray([float(min(max(each, -LARGEST), LARGEST)) for each in edges])


def _exact(number: float) -> Fraction:
    """A number as it is written: 0.3 is three tenths, and so on the edge of a bin."""
    return Fraction(str(number))
