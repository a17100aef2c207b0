"""Shares of topics in the reviews of each week, month or year, with intervals; numpy only, for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

# More points than that in one picture are noise, and so are periods with fewer reviews.
MAX_PERIODS = 24
MIN_REVIEWS = 10
# Of the dates, 1 % at either end have no say in how long a period is: one review of 1970 must not make it years.
OUTER_SHARE = 0.01
NORMAL_95 = 1.96
# 1970-01-05 was a Monday.
FIRST_MONDAY = 4


def _weeks(days: np.ndarray) -> np.ndarray:
    first = np.floor_divide(days.astype(np.int64) - FIRST_MONDAY, 7) * 7 + FIRST_MONDAY
    return first.astype("datetime64[D]")


def _months(days: np.ndarray, *, months: int) -> np.ndarray:
    number = np.floor_divide(days.astype("datetime64[M]").astype(np.int64), months) * months
    return number.astype("datetime64[M]").astype("datetime64[D]")


# The first day of the period in which days lie, the shortest periods first.
UNITS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "day": lambda days: days,
    "week": _weeks,
    "month": lambda days: _months(days, months=1),
    "quarter": lambda days: _months(days, months=3),
    "year": lambda days: _months(days, months=12),
}


@dataclass(frozen=True, kw_only=True)
class TopicsOverTime:
    """Mean shares of topics in periods of one `unit` that begin at `starts` [periods], and 95 % intervals of them.

    `shares`, `low` and `high` are [periods, topics], `reviews` how many there are in each period [periods]. `change` is
    the mean share from the period `middle` on, which about half of the reviews are from, less that before [topics];
    `error` is its standard error.
    """

    unit: str
    starts: np.ndarray
    reviews: np.ndarray
    shares: np.ndarray
    low: np.ndarray
    high: np.ndarray
    middle: np.datetime64
    change: np.ndarray
    error: np.ndarray

    @property
    def by_change(self) -> np.ndarray:
        """The topics, those first whose change is the most standard errors."""
        return np.argsort(-np.abs(self.change) / np.maximum(self.error, 1e-12), kind="stable")


def topics_over_time(dates: np.ndarray, shares: np.ndarray) -> TopicsOverTime | None:
    """Of reviews with these dates, datetime64[D] [reviews], NaT where there is none, and shares [reviews, topics].

    None where fewer than two periods have `MIN_REVIEWS` reviews; others are left out. The period is the shortest of
    which there are at most `MAX_PERIODS`, or a year.
    """
    dated = ~np.isnat(dates)
    days, shares = dates[dated], shares[dated].astype(np.float64)
    if not len(days):
        return None
    unit = _unit(days)
    starts, period, reviews = np.unique(UNITS[unit](days), return_inverse=True, return_counts=True)
    kept = reviews >= MIN_REVIEWS
    if kept.sum() < 2:
        return None
    inside = kept[period]
    period, shares = (np.cumsum(kept) - 1)[period[inside]], shares[inside]
    starts, reviews = starts[kept], reviews[kept]
    mean, error = _means(shares, period, count=len(starts))
    middle = 1 + int(np.argmin(np.abs(np.cumsum(reviews)[:-1] - reviews.sum() / 2)))
    halves, half_errors = _means(shares, (period >= middle).astype(np.int64), count=2)
    return TopicsOverTime(
        unit=unit,
        starts=starts,
        reviews=reviews,
        shares=mean,
        low=np.clip(mean - NORMAL_95 * error, 0.0, 1.0),
        high=np.clip(mean + NORMAL_95 * error, 0.0, 1.0),
        middle=starts[middle],
        change=halves[1] - halves[0],
        error=np.sqrt(np.square(half_errors).sum(axis=0)),
    )


def _unit(days: np.ndarray) -> str:
    """The shortest unit in which most of the days lie in `MAX_PERIODS` at most."""
    ordered = np.sort(days)
    outer = int(OUTER_SHARE * len(days))
    most = ordered[outer : len(days) - outer]
    fitting = [name for name, starts in UNITS.items() if len(np.unique(starts(most))) <= MAX_PERIODS]
    return fitting[0] if fitting else list(UNITS)[-1]


def _means(values: np.ndarray, group: np.ndarray, *, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Means [groups, topics] of `values` [reviews, topics] by group [reviews], and their standard errors."""
    members = np.bincount(group, minlength=count)[:, None]
    sums, squares = np.zeros((2, count, values.shape[1]))
    np.add.at(sums, group, values)
    np.add.at(squares, group, np.square(values))
    means = sums / np.maximum(members, 1)
    variance = np.maximum(squares / np.maximum(members, 1) - np.square(means), 0.0)
    return means, np.sqrt(variance / np.maximum(members - 1, 1))
