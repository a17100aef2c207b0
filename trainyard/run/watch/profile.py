"""What ingested data looked like, kept with a run so that other data can be set beside it without either's rows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from trainyard.run.document import Document

Kind = Literal["number", "time", "category", "text", "key", "share"]
# Of data and of answers alike. A share is known within a percent of so many rows; more would change no verdict.
SAMPLED_ROWS = 20_000
TOP_VALUES = 100
# Of a value of a file, in characters.
LONGEST_VALUE = 60
# What fewer rows have in common may be somebody's own.
NAMED_FROM_ROWS = 5
LEVELS = 51
SIGNIFICANT_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class Quantiles:
    """A distribution function at some `values`, which ascend: the shares of rows below each, and up to it.

    Values that many rows have are among them with both shares, so that the steps of the function stay steps.
    """

    values: tuple[float, ...]
    below: tuple[float, ...]
    up_to: tuple[float, ...]

    @classmethod
    def of(cls, ordered: Sequence[float]) -> Quantiles | None:
        """Of numbers in ascending order; None where there are none."""
        if not ordered:
            return None
        last, rows = len(ordered) - 1, len(ordered)
        kept = sorted({ordered[round(level * last / (LEVELS - 1))] for level in range(LEVELS)})
        return cls(
            values=tuple(float(f"{each:.{SIGNIFICANT_DIGITS}g}") for each in kept),
            below=tuple(round(bisect_left(ordered, each) / rows, 6) for each in kept),
            up_to=tuple(round(bisect_right(ordered, each) / rows, 6) for each in kept),
        )

    def shares(self, value: float) -> tuple[float, float]:
        """The shares of rows below `value` and up to it, on a straight line between the values that are kept."""
        place = bisect_left(self.values, value)
        if place == len(self.values):
            return 1.0, 1.0
        if self.values[place] == value:
            return self.below[place], self.up_to[place]
        if place == 0:
            return 0.0, 0.0
        first, last = self.values[place - 1], self.values[place]
        part = (value - first) / (last - first)
        between = self.up_to[place - 1] + part * (self.below[place] - self.up_to[place - 1])
        return between, between

    @property
    def median(self) -> float:
        return self.values[bisect_left(self.up_to, 0.5)]


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """A column of a table.

    Of numbers and times (seconds since 1970) `quantiles` says how they are spread, of texts how many characters they
    have. `top` has the shares of the most frequent values of a category among the rows that have a value; values of
    single rows are never named. With `complete`, there are no others. Keys are only counted. A `share` is that of all
    rows together, such as unknown words of all words.
    """

    kind: Kind
    missing: float
    rows: int
    quantiles: Quantiles | None = None
    top: Mapping[str, float] = field(default_factory=dict)
    complete: bool = False
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class TableProfile:
    """A table of `rows` rows; columns are judged by `sampled` of them, spread over all of it."""

    rows: int
    sampled: int
    columns: Mapping[str, ColumnProfile]


@dataclass(frozen=True, kw_only=True)
class DataProfile(Document):
    """Every table of a run's data, by name."""

    FILE: ClassVar[str] = "profile.json"

    tables: Mapping[str, TableProfile]


@dataclass(frozen=True, kw_only=True)
class AnswerProfile(Document):
    """What a model answered to rows: to held-out ones (written by evaluate), or to those of a bulk scoring."""

    FILE: ClassVar[str] = "answers.json"

    answers: TableProfile
