"""Bootstrap intervals of a metric, and of the difference of two models on the same examples; runs in evaluation.

Percentile intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13): resample the examples
with replacement, and take the quantiles of the statistic. For two models the SAME examples are drawn for both, so that
what makes an example hard for both cancels out (Koehn 2004, "Statistical Significance Tests for Machine Translation
Evaluation", applies it to compare systems).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from trainyard.contract.evaluation import OfCounts, mean
from trainyard.run.documents import Difference

Statistic = Callable[[np.ndarray], float]
# Hits and their differences have two or three values; a mean over few values needs their counts only.
FEW_VALUES = 64
BLOCK_NUMBERS = 4_000_000


def interval(
    examples: np.ndarray, *, statistic: Statistic = mean, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Interval of `statistic` over `examples` [n] or [n, columns]. Raises ValueError without examples."""
    _expect_rows(examples)
    random = np.random.default_rng(seed)
    if statistic is mean and examples.ndim == 1:
        return _quantiles(_resampled_means(examples, resamples, random=random), confidence)
    if isinstance(statistic, OfCounts):
        distinct, drawn = _resampled_counts(examples, resamples, random=random)
        return _quantiles(np.asarray([statistic.of(distinct, counts) for counts in drawn]), confidence)
    found = [statistic(examples[rows]) for rows in _resampled_rows(len(examples), resamples, random=random)]
    return _quantiles(np.asarray(found), confidence)


def paired_difference(
    first: np.ndarray,
    second: np.ndarray,
    *,
    statistic: Statistic = mean,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Difference of `statistic` between two models whose rows belong to the same examples, `first` minus `second`.

    Raises ValueError when the arrays are empty or of different lengths.
    """
    _expect_rows(first)
    if len(first) != len(second):
        raise ValueError(f"expected as many rows of both models, found {len(first)} and {len(second)}")
    random = np.random.default_rng(seed)
    if statistic is mean and first.ndim == 1:
        differences = first.astype(np.float64) - second
        low, high = _quantiles(_resampled_means(differences, resamples, random=random), confidence)
        return Difference(value=float(differences.mean()), low=low, high=high)
    if isinstance(statistic, OfCounts):
        distinct, drawn = _resampled_counts(np.concatenate((first, second), axis=1), resamples, random=random)
        own, others = distinct[:, : first.shape[1]], distinct[:, first.shape[1] :]
        found = [statistic.of(own, counts) - statistic.of(others, counts) for counts in drawn]
    else:
        places = _resampled_rows(len(first), resamples, random=random)
        found = [statistic(first[rows]) - statistic(second[rows]) for rows in places]
    low, high = _quantiles(np.asarray(found), confidence)
    return Difference(value=statistic(first) - statistic(second), low=low, high=high)


def _expect_rows(examples: np.ndarray) -> None:
    if len(examples) == 0:
        raise ValueError("expected at least one example to resample, found none")


def _resampled_rows(count: int, resamples: int, *, random: np.random.Generator) -> Iterator[np.ndarray]:
    for _ in range(resamples):
        yield random.integers(0, count, count)


def _resampled_counts(
    examples: np.ndarray, resamples: int, *, random: np.random.Generator
) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """The distinct rows of `examples` [n, columns], and how often each occurs in each sample drawn with replacement."""
    distinct, counts = np.unique(examples, axis=0, return_counts=True)
    shares = counts / len(examples)
    return distinct, (random.multinomial(len(examples), shares) for _ in range(resamples))


def _resampled_means(values: np.ndarray, resamples: int, *, random: np.random.Generator) -> np.ndarray:
    """Means of `resamples` samples drawn with replacement, without a loop over them."""
    distinct, counts = np.unique(values, return_counts=True)
    size = len(values)
    if len(distinct) <= FEW_VALUES:
        return np.asarray(random.multinomial(size, counts / size, resamples) @ distinct / size)
    block = max(1, BLOCK_NUMBERS // size)
    means = [
        values[random.integers(0, size, (min(block, resamples - start), size))].mean(axis=1)
        for start in range(0, resamples, block)
    ]
    return np.concatenate(means)


def _quantiles(statistics: np.ndarray, confidence: float) -> tuple[float, float]:
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(statistics, (tail, 1.0 - tail))
    return float(low), float(high)
