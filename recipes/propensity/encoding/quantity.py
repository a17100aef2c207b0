"""A numeric column of visits: its moments and quantiles, by which its values become network inputs; no TensorFlow.

Scaling is that of the original: mean and deviation of the logarithms inside the 1.5 IQR fences.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np

IQR_FENCE = 1.5
QUANTILES = 200
# Sums of greater numbers and quotients by smaller ones may be no numbers any more.
LARGEST, SMALLEST = 1e100, 1e-100


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A numeric column: `center` and `scale` of its logarithm, `fill` for missing values, `references` quantiles."""

    name: str
    center: float
    scale: float
    fill: float
    missing: bool
    references: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, values: np.ndarray) -> Quantity:
        """From training values (float64, NaN where missing)."""
        known = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
        known = np.where(np.abs(known) < SMALLEST, 0.0, known)
        known = known if len(known) else np.zeros(1)
        center, scale = robust_moments(signed_log(known))
        references = np.quantile(known, np.linspace(0.0, 1.0, QUANTILES + 1))
        return cls(
            name=name,
            center=center,
            scale=scale,
            fill=float(np.median(known)),
            missing=len(known) < len(values),
            references=tuple(references.tolist()),
        )

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs this column becomes."""
        return [f"{self.name}: {what}" for what in ("log", "rank", "zero", *(("missing",) if self.missing else ()))]

    def normal_quantiles(self, values: np.ndarray) -> np.ndarray:
        """Quantile of the normal distribution at each value's rank; one of many rows gets the mean of its ends."""
        references, reversed_references = self._references
        upward = np.interp(values, references, _NORMAL_QUANTILES)
        downward = np.interp(-values, reversed_references, _REVERSED_QUANTILES)
        return np.asarray(0.5 * (upward - downward))

    def normal_quantile(self, value: float) -> float:
        """`normal_quantiles` of one finite value."""
        points, at, above, slopes = self._curve
        place = bisect_right(points, value) - 1
        if place < 0:
            return _HEIGHTS[0]
        if points[place] == value:
            return at[place]
        return above[place] + (value - points[place]) * slopes[place]

    @cached_property
    def _curve(self) -> tuple[list[float], list[float], list[float], list[float]]:
        """The different references, ascending; the quantile at each, what it begins with above it, and how it rises."""
        points = sorted(set(self.references))
        first, last = ([find(self.references, each) for each in points] for find in (bisect_left, bisect_right))
        below, above = [_HEIGHTS[place] for place in first], [_HEIGHTS[place - 1] for place in last]
        ends = zip(points, points[1:], above, below[1:], strict=False)
        slopes = [(high - low) / (right - left) for left, right, low, high in ends]
        return points, [0.5 * sum(each) for each in zip(below, above, strict=True)], above, [*slopes, 0.0]

    @cached_property
    def _references(self) -> tuple[np.ndarray, np.ndarray]:
        references = np.asarray(self.references)
        return references, -references[::-1]


def signed_log(values: np.ndarray) -> np.ndarray:
    """`log(1 + |x|)` with the sign of x."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def robust_moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and deviation of the values inside the 1.5 IQR fences (Tukey 1977, "Exploratory Data Analysis").

    Where most values are equal the IQR is zero and the fences would keep one value only: then all values count. A
    column of one value gets deviation 1.
    """
    low, high = np.quantile(values, (0.25, 0.75))
    reach = IQR_FENCE * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)] if reach > 0 else values
    deviation = float(inside.std())
    return float(inside.mean()), deviation if deviation > 1e-9 else 1.0


def _normal_quantiles() -> np.ndarray:
    """Quantiles of the normal distribution; the ends stand for half a step, for the quantile of 0 is infinite."""
    half_step = 0.5 / QUANTILES
    shares = np.clip(np.linspace(0.0, 1.0, QUANTILES + 1), half_step, 1.0 - half_step)
    return np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])


_NORMAL_QUANTILES = _normal_quantiles()
_REVERSED_QUANTILES = -_NORMAL_QUANTILES[::-1]
_HEIGHTS: tuple[float, ...] = tuple(_NORMAL_QUANTILES.tolist())
