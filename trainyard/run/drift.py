"""How far one set of data is from another, by their profiles alone: what moved, how far, and whether that is noise.

A column counts as moved where the change is larger than anybody would pass over, and where it would come by chance in
one of a hundred comparisons at most, all columns together (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from trainyard.run.document import Document
from trainyard.run.profile import ColumnProfile, DataProfile, Quantiles, TableProfile

FALSE_ALARMS = 0.01
# From here on a change is worth a sentence: of a distribution function at its widest gap, of shares in all, of gaps.
FAR_APART, SHARES_MOVED, MISSING_MOVED, NEW_VALUES = 0.1, 0.08, 0.03, 0.02
# Frequent values whose shares are compared; rarer ones are one more.
COMPARED_VALUES = 20
# Pearson's test wants that many rows of each value; rarer ones are taken together.
EXPECTED_ROWS = 5
SHOWN_VALUES = 3


@dataclass(frozen=True, kw_only=True)
class Move:
    """One thing that may have moved in a column: how far, the probability of that by chance, and it in words."""

    table: str
    column: str
    what: str
    distance: float
    enough: float
    p_value: float
    text: str

    @property
    def sentence(self) -> str:
        return f"{self.table}.{self.column}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class DataDrift(Document):
    """What moved in a run's data from those that the model in use was trained on, by the run `reference`."""

    FILE: ClassVar[str] = "drift.json"

    reference: str
    moves: tuple[Move, ...] = ()


def moved(reference: DataProfile, data: DataProfile) -> list[Move]:
    """What moved from `reference` to `data`, the farthest first; tables and columns that only one has are left out."""
    tests = list(_moves(reference, data))
    level = FALSE_ALARMS / max(len(tests), 1)
    found = [each for each in tests if each.distance >= each.enough and each.p_value < level]
    return sorted(found, key=lambda each: each.distance / each.enough, reverse=True)


def _moves(reference: DataProfile, data: DataProfile) -> Iterator[Move]:
    for name in sorted(reference.tables.keys() & data.tables.keys()):
        first, second = reference.tables[name], data.tables[name]
        for column in sorted(first.columns.keys() & second.columns.keys()):
            yield from _of_column(name, column, first=first, second=second)


def _of_column(table: str, column: str, *, first: TableProfile, second: TableProfile) -> Iterator[Move]:
    before, after = first.columns[column], second.columns[column]
    if not before.rows or not after.rows:
        return
    gap = abs(after.missing - before.missing)
    p = _same_share(before.missing, after.missing, rows=(before.rows, after.rows))
    said = f"missing {before.missing:.1%} -> {after.missing:.1%}"
    yield Move(table=table, column=column, what="missing", distance=gap, enough=MISSING_MOVED, p_value=p, text=said)
    # Of the rows that have a value.
    rows = before.rows * (1 - before.missing), after.rows * (1 - after.missing)
    if before.kind != after.kind or min(rows) < 1:
        return
    if before.kind in ("number", "text") and before.quantiles and after.quantiles:
        yield _spread(table, column, before=before.quantiles, after=after.quantiles, rows=rows, kind=before.kind)
    if before.kind == "category":
        yield from _categories(table, column, before=before, after=after, rows=rows)


def _spread(
    table: str, column: str, *, before: Quantiles, after: Quantiles, rows: tuple[float, float], kind: str
) -> Move:
    """Kolmogorov's and Smirnov's greatest distance of two distribution functions."""
    pairs = [(before.shares(value), after.shares(value)) for value in {*before.values, *after.values}]
    distance = max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))
    what = "median" if kind == "number" else "median length"
    text = f"{what} {before.median:.4g} -> {after.median:.4g}"
    p = _kolmogorov(distance, rows=rows)
    return Move(table=table, column=column, what=kind, distance=distance, enough=FAR_APART, p_value=p, text=text)


def _categories(
    table: str, column: str, *, before: ColumnProfile, after: ColumnProfile, rows: tuple[float, float]
) -> Iterator[Move]:
    names = list(before.top)[:COMPARED_VALUES]
    old = [before.top[name] for name in names]
    # What is not among the frequent ones of an incomplete list has at most the share of the last of these.
    unlisted = 0.0 if after.complete else min(after.top.values(), default=1.0)
    new = [after.top.get(name, min(unlisted, before.top[name])) for name in names]
    shares = _with_rest(list(zip(old, new, strict=True)), rows=rows)
    distance = sum(abs(a - b) for a, b in shares) / 2
    farthest = sorted(zip(names, old, new, strict=True), key=lambda each: -abs(each[1] - each[2]))[:SHOWN_VALUES]
    text = ", ".join(f"{name} {a:.1%} -> {b:.1%}" for name, a, b in farthest)
    p = _same_shares(shares, rows=rows)
    yield Move(table=table, column=column, what="shares", distance=distance, enough=SHARES_MOVED, p_value=p, text=text)
    if before.complete:
        unknown = {name: share for name, share in after.top.items() if name not in before.top}
        total, shown = sum(unknown.values()), ", ".join(list(unknown)[:SHOWN_VALUES])
        p = _same_share(0.0, total, rows=rows)
        said = f"{total:.1%} of rows have values that were not there: {shown}"
        yield Move(table=table, column=column, what="new", distance=total, enough=NEW_VALUES, p_value=p, text=said)


def _with_rest(shares: list[tuple[float, float]], *, rows: tuple[float, float]) -> list[tuple[float, float]]:
    """The shares that enough rows have for a test of counts, and what all others have together."""
    kept = [(a, b) for a, b in shares if min(rows) * (a * rows[0] + b * rows[1]) / sum(rows) >= EXPECTED_ROWS]
    before, after = (sum(each) for each in zip(*kept, strict=True)) if kept else (0.0, 0.0)
    return [*kept, (max(1 - before, 0.0), max(1 - after, 0.0))]


def _same_share(before: float, after: float, *, rows: tuple[float, float]) -> float:
    """The probability that shares of so many rows differ this much by chance: the test of two proportions."""
    pooled = (before * rows[0] + after * rows[1]) / sum(rows)
    deviation = math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / rows[0] + 1 / rows[1]))
    return math.erfc(abs(before - after) / deviation / math.sqrt(2)) if deviation else 1.0


def _same_shares(shares: list[tuple[float, float]], *, rows: tuple[float, float]) -> float:
    """Pearson's chi-squared test of two rows of counts, by the cube root of Wilson and Hilferty (1931)."""
    expected = [(a * rows[0] + b * rows[1]) / sum(rows) for a, b in shares]
    used = [(pair, share) for pair, share in zip(shares, expected, strict=True) if share > 0]
    statistic = sum(
        count * (pair[side] - share) ** 2 / share for pair, share in used for side, count in enumerate(rows)
    )
    freedom = max(len(used) - 1, 1)
    spread = 2 / (9 * freedom)
    return math.erfc(((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(2 * spread)) / 2


def _kolmogorov(distance: float, *, rows: tuple[float, float]) -> float:
    """The probability of such a distance by chance, with the correction of Stephens (1970) for few rows."""
    size = math.sqrt(rows[0] * rows[1] / sum(rows))
    scaled = (size + 0.12 + 0.11 / size) * distance
    terms = ((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return min(max(2 * sum(terms), 0.0), 1.0) if scaled > 0.3 else 1.0
