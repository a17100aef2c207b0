"""How far two sets of rows are apart by their shares, and how probable that is by chance; standard library only."""

from __future__ import annotations

import math
from collections.abc import Iterable

# The population stability index is not defined for a share of nothing.
LEAST_SHARE = 1e-4


def stability_index(shares: Iterable[tuple[float, float]]) -> float:
    """The population stability index: the sum of (after - before) x ln(after / before)."""
    kept = [(max(a, LEAST_SHARE), max(b, LEAST_SHARE)) for a, b in shares]
    return sum((after - before) * math.log(after / before) for before, after in kept)


def same_share(before: float, after: float, *, rows: tuple[float, float]) -> float:
    """The probability that shares of so many rows differ this much by chance: the test of two proportions."""
    pooled = (before * rows[0] + after * rows[1]) / sum(rows)
    deviation = math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / rows[0] + 1 / rows[1]))
    return math.erfc(abs(before - after) / deviation / math.sqrt(2)) if deviation else 1.0


def same_shares(shares: list[tuple[float, float]], *, rows: tuple[float, float]) -> float:
    """Pearson's chi-squared test of two rows of counts, by the cube root of Wilson and Hilferty (1931)."""
    expected = [(a * rows[0] + b * rows[1]) / sum(rows) for a, b in shares]
    used = [(pair, share) for pair, share in zip(shares, expected, strict=True) if share > 0]
    statistic = sum(
        count * (pair[side] - share) ** 2 / share for pair, share in used for side, count in enumerate(rows)
    )
    freedom = max(len(used) - 1, 1)
    spread = 2 / (9 * freedom)
    return math.erfc(((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(2 * spread)) / 2


def kolmogorov_smirnov(distance: float, *, rows: tuple[float, float]) -> float:
    """The probability of such a distance by chance, with the correction of Stephens (1970) for few rows."""
    size = math.sqrt(rows[0] * rows[1] / sum(rows))
    scaled = (size + 0.12 + 0.11 / size) * distance
    terms = ((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return min(max(2 * sum(terms), 0.0), 1.0) if scaled > 0.3 else 1.0
