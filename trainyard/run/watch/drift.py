"""How far one set of data is from another, by their profiles alone: what moved, how far, and whether that is noise.

A column counts as moved where the change is larger than anybody would pass over, and where it would come by chance in
one of a hundred comparisons at most, all columns together (Bonferroni). The population stability index is told beside
it: it grows with few rows, so that it decides nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from typing import ClassVar

from trainyard.contract.config import Drift
from trainyard.run.document import Document
from trainyard.run.watch.chance import kolmogorov_smirnov, same_share, same_shares, stability_index
from trainyard.run.watch.profile import NAMED_FROM_ROWS, TOP_VALUES, ColumnProfile, DataProfile, Quantiles

DEFAULT = Drift()
# Values that most rows of both have, whose shares are compared; rarer ones are one more.
COMPARED_VALUES = 20
# Pearson's test wants that many rows of each value; rarer ones are taken together.
EXPECTED_ROWS = 5
SHOWN_VALUES = 3
# Of equal size, that numbers are divided into for the population stability index.
PARTS = 10
# In a message; all of them are in the document.
TOLD_MOVES = 5


@dataclass(frozen=True, kw_only=True)
class Move:
    """One thing that may have moved in a column: how far, the probability of that by chance, and it in words.

    It counts from a distance of `enough` on; `psi` is the population stability index.
    """

    table: str
    column: str
    what: str
    distance: float
    enough: float
    p_value: float
    text: str
    psi: float = 0.0

    @property
    def sentence(self) -> str:
        return f"{self.table}.{self.column}: {self.text}"

    def told(self, *, show_cells: bool) -> str:
        """The sentence, without values of cells where these are not shown."""
        return self.sentence if show_cells else f"{self.table}.{self.column}: {self.what} by {self.distance:.3f}"


@dataclass(frozen=True, kw_only=True)
class DataDrift(Document):
    """What moved in a run's data, and in the answers to them, from those of the run `reference`, whose model is in use.

    So many columns (`compared`) both have.
    """

    FILE: ClassVar[str] = "drift.json"

    reference: str
    moves: tuple[Move, ...] = ()
    compared: int = 0

    def in_message(self, *, show_cells: bool, rest: str) -> list[str]:
        """Lines of a message: the first moves, and how many more there are; `rest` says where."""
        lines = [f"* {each.told(show_cells=show_cells)}" for each in self.moves[:TOLD_MOVES]]
        left = len(self.moves) - TOLD_MOVES
        return [*lines, f"* and {left} more, {rest}"] if left > 0 else lines

    @property
    def moved_columns(self) -> int:
        """How many columns moved, in one way or several."""
        return len({(each.table, each.column) for each in self.moves})


def drift(reference: DataProfile, data: DataProfile, *, of: str, limits: Drift = DEFAULT) -> DataDrift:
    """What moved from the profile of the run `of`."""
    shared = reference.tables.keys() & data.tables.keys()
    compared = sum(len(reference.tables[each].columns.keys() & data.tables[each].columns.keys()) for each in shared)
    return DataDrift(reference=of, moves=tuple(moved(reference, data, limits=limits)), compared=compared)


def moved(reference: DataProfile, data: DataProfile, *, limits: Drift = DEFAULT) -> list[Move]:
    """What moved from `reference` to `data`, the farthest first; tables and columns that only one has are left out."""
    tests = list(_moves(reference, data, limits=limits))
    level = limits.false_alarms / max(len(tests), 1)
    found = [each for each in tests if each.distance >= each.enough and each.p_value < level]
    return sorted(found, key=lambda each: each.distance / each.enough, reverse=True)


def _moves(reference: DataProfile, data: DataProfile, *, limits: Drift) -> Iterator[Move]:
    for name in sorted(reference.tables.keys() & data.tables.keys()):
        first, second = reference.tables[name], data.tables[name]
        for column in sorted(first.columns.keys() & second.columns.keys()):
            pair = _Pair(
                table=name, column=column, before=first.columns[column], after=second.columns[column], limits=limits
            )
            yield from pair.moves()


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """A column as it was and as it is."""

    table: str
    column: str
    before: ColumnProfile
    after: ColumnProfile
    limits: Drift

    @property
    def rows(self) -> tuple[float, float]:
        """Those that have a value."""
        return self.before.rows * (1 - self.before.missing), self.after.rows * (1 - self.after.missing)

    def moves(self) -> Iterator[Move]:
        before, after = self.before, self.after
        if not before.rows or not after.rows:
            return
        rows = before.rows, after.rows
        said = f"missing {before.missing:.1%} -> {after.missing:.1%}"
        yield self._of_share(
            "missing", (before.missing, after.missing), rows=rows, enough=self.limits.missing, text=said
        )
        if before.kind != after.kind or min(self.rows) < 1:
            return
        if before.kind in ("number", "text") and before.quantiles and after.quantiles:
            yield self._spread(before.quantiles, after.quantiles)
        if before.kind == "category":
            yield from self._categories()
        if before.share is not None and after.share is not None:
            said = f"{before.share:.1%} -> {after.share:.1%}"
            yield self._of_share(
                "share", (before.share, after.share), rows=self.rows, enough=self.limits.shares, text=said
            )

    def _of_share(
        self, what: str, shares: tuple[float, float], *, rows: tuple[float, float], enough: float, text: str
    ) -> Move:
        before, after = shares
        return self._move(
            what,
            # Of what a model does not know, less is nothing to tell.
            distance=after - before if what == "share" else abs(after - before),
            enough=enough,
            p_value=same_share(before, after, rows=rows),
            text=text,
            shares=[shares, (1 - before, 1 - after)],
        )

    def _spread(self, before: Quantiles, after: Quantiles) -> Move:
        """Kolmogorov's and Smirnov's greatest distance of two distribution functions."""
        pairs = {value: (before.shares(value), after.shares(value)) for value in {*before.values, *after.values}}
        widest = max(pairs, key=lambda value: (_distance(*pairs[value]), value))
        distance = _distance(*pairs[widest])
        return self._move(
            self.before.kind,
            distance=distance,
            enough=self.limits.distance,
            p_value=kolmogorov_smirnov(distance, rows=self.rows),
            text=self._spread_in_words(before, after, widest=widest),
            shares=_parts(before, after),
        )

    def _spread_in_words(self, before: Quantiles, after: Quantiles, *, widest: float) -> str:
        what = "median" if self.before.kind == "number" else "median length"
        medians = f"{before.median:.4g}", f"{after.median:.4g}"
        if medians[0] != medians[1]:
            return f"{what} {medians[0]} -> {medians[1]}"
        shares = (each.shares(widest)[1] for each in (before, after))
        return f"at most {widest:.4g}: {' -> '.join(f'{each:.1%}' for each in shares)} of rows"

    def _categories(self) -> Iterator[Move]:
        before, after = self.before, self.after
        compared = self._compared()
        shares = _with_rest(list(compared.values()), rows=self.rows)
        farthest = sorted(compared.items(), key=lambda each: -abs(each[1][0] - each[1][1]))[:SHOWN_VALUES]
        yield self._move(
            "shares",
            distance=sum(abs(a - b) for a, b in shares) / 2,
            enough=self.limits.shares,
            p_value=same_shares(shares, rows=self.rows),
            text=", ".join(f"{name} {a:.1%} -> {b:.1%}" for name, (a, b) in farthest),
            shares=shares,
        )
        if before.complete:
            unknown = {name: share for name, share in after.top.items() if name not in before.top}
            total, shown = sum(unknown.values()), ", ".join(list(unknown)[:SHOWN_VALUES])
            said = f"{total:.1%} of rows have values that were not there: {shown}"
            yield self._of_share("new", (0.0, total), rows=self.rows, enough=self.limits.new, text=said)

    def _compared(self) -> dict[str, tuple[float, float]]:
        """The values that most rows have, before and after together, with their shares.

        Chosen by one side alone, they would be those that it happens to have many of; a choice by both together says
        nothing of the difference between them, and what only became frequent is among them.
        """
        before, after = self.before.top, self.after.top
        unlisted = [_unlisted(each, rows) for each, rows in zip((self.before, self.after), self.rows, strict=True)]
        found = {
            name: (
                before.get(name, min(unlisted[0], after.get(name, 1.0))),
                after.get(name, min(unlisted[1], before.get(name, 1.0))),
            )
            for name in {**before, **after}
        }
        ranked = sorted(found, key=lambda name: -sum(map(mul, found[name], self.rows)))
        return {name: found[name] for name in ranked[:COMPARED_VALUES]}

    def _move(
        self,
        what: str,
        *,
        distance: float,
        enough: float,
        p_value: float,
        text: str,
        shares: Iterable[tuple[float, float]],
    ) -> Move:
        return Move(
            table=self.table,
            column=self.column,
            what=what,
            distance=distance,
            enough=enough,
            p_value=p_value,
            text=text,
            psi=round(stability_index(shares), 4),
        )


def _unlisted(column: ColumnProfile, rows: float) -> float:
    """The largest share that a value can have which is not among the frequent ones; `rows` have a value."""
    if column.complete:
        return 0.0
    most = min(max(1 - sum(column.top.values()), 0.0), min(column.top.values(), default=1.0))
    # A list that is not full has all values that enough rows have.
    return most if len(column.top) >= TOP_VALUES else min(most, (NAMED_FROM_ROWS - 1) / rows)


def _distance(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Between two functions at a value: of the shares below it, and up to it."""
    return max(abs(a - b) for a, b in zip(before, after, strict=True))


def _parts(before: Quantiles, after: Quantiles) -> list[tuple[float, float]]:
    """The shares of rows in parts that had the same size before; of few different values there are fewer parts."""
    ends = sorted({before.values[_first(before.up_to, part / PARTS)] for part in range(1, PARTS)})
    cumulated = [(0.0, 0.0), *((before.shares(end)[1], after.shares(end)[1]) for end in ends), (1.0, 1.0)]
    return [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(cumulated)]


def _first(shares: tuple[float, ...], level: float) -> int:
    return min(bisect_left(shares, level), len(shares) - 1)


def _with_rest(shares: list[tuple[float, float]], *, rows: tuple[float, float]) -> list[tuple[float, float]]:
    """The shares that enough rows have for a test of counts, and what all others have together."""
    kept = [(a, b) for a, b in shares if min(rows) * (a * rows[0] + b * rows[1]) / sum(rows) >= EXPECTED_ROWS]
    before, after = (sum(each) for each in zip(*kept, strict=True)) if kept else (0.0, 0.0)
    return [*kept, (max(1 - before, 0.0), max(1 - after, 0.0))]
