"""Profiles columns as the columns of another profile are, so that both can be compared; training image.

What kind a column is was decided by many rows of files; a few hundred values of requests could not tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainyard.contract import values
from trainyard.contract.captured import Columns
from trainyard.contract.config import WATCHED, Share
from trainyard.run.watch.profile import (
    LONGEST_VALUE,
    NAMED_FROM_ROWS,
    TOP_VALUES,
    ColumnProfile,
    Quantiles,
    TableProfile,
)

TRUTHS = {"true", "false"}


@dataclass
class _Column:
    """The values of a column so far: numbers (of texts their lengths), or how often there was each category."""

    like: ColumnProfile
    rows: int = 0
    known: int = 0
    numbers: list[float] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, cells: Sequence[Any]) -> None:
        self.rows += len(cells)
        known = [each for each in cells if not values.is_missing(each)]
        self.known += len(known)
        if self.like.kind == "number":
            self.numbers += _numbers(known)
        elif self.like.kind == "text":
            self.numbers += [float(len(str(each))) for each in known]
        elif self.like.kind == "category":
            self.counted.update(self._category(each) for each in known)

    def profile(self, *, least_rows: int) -> ColumnProfile:
        missing = round(1 - self.known / self.rows, 6) if self.rows else 0.0
        if self.known < least_rows:
            # Too few values to tell how they are spread: they are counted, as those of keys are.
            return ColumnProfile(kind="key", missing=missing, rows=self.rows)
        if self.like.kind != "category":
            quantiles = Quantiles.of(sorted(self.numbers))
            return ColumnProfile(kind=self.like.kind, missing=missing, rows=self.rows, quantiles=quantiles)
        common = [(name, count) for name, count in self.counted.most_common(TOP_VALUES) if count >= NAMED_FROM_ROWS]
        top = {name: round(count / self.known, 6) for name, count in common}
        complete = len(top) == len(self.counted)
        return ColumnProfile(kind="category", missing=missing, rows=self.rows, top=top, complete=complete)

    def _category(self, cell: Any) -> str:
        """As tables have it: true and false as these, however they are written; of long values of files the beginning.

        >>> _Column(like=ColumnProfile(kind="category", missing=0.0, rows=1, top={"true": 1.0}))._category("YES")
        'true'
        """
        yes = values.boolean(cell) if self.like.top.keys() <= TRUTHS else None
        name = values.identifier(cell) if yes is None else str(yes).lower()
        return name if name in self.like.top else name[:LONGEST_VALUE]


@dataclass
class _Total:
    """Of a share: the sums of both columns, and the rows that count."""

    part: float = 0.0
    whole: float = 0.0
    rows: int = 0

    def add(self, part: Sequence[Any], whole: Sequence[Any]) -> None:
        self.part += float(sum(part))
        self.whole += float(sum(whole))
        self.rows += sum(each > 0 for each in whole)


class ProfileAlike:
    """Gathers rows of a table of which `reference` is a profile; columns that it lacks are passed over."""

    def __init__(self, reference: TableProfile, shares: Sequence[Share] = ()) -> None:
        self._columns = {name: _Column(like=each) for name, each in reference.columns.items()}
        self._totals = {each: _Total() for each in shares if each.name in self._columns}
        self._rows = 0
        self._seen: set[str] = set()

    def add(self, rows: Columns) -> None:
        """Look at some more rows, given by column."""
        watched = rows.get(WATCHED)
        kept = {name: _where(cells, watched) for name, cells in rows.items()}
        self._rows += max(map(len, kept.values()), default=0)
        self._seen |= kept.keys()
        for name in kept.keys() & self._columns.keys():
            self._columns[name].add(kept[name])
        for share, total in self._totals.items():
            if {share.name, share.of} <= kept.keys():
                total.add(kept[share.name], kept[share.of])

    def profile(self, *, without_empty: bool, least_rows: int) -> TableProfile:
        """Of all rows so far; columns and shares of fewer than `least_rows` rows of their own are left out.

        So may be columns without a single value.
        """
        found = {
            name: each.profile(least_rows=least_rows)
            for name, each in self._columns.items()
            if each.like.kind != "share" and each.rows >= least_rows
        }
        kept = {name: each for name, each in found.items() if not without_empty or each.missing < 1}
        shares = {
            share.name: ColumnProfile(kind="share", missing=0.0, rows=each.rows, share=round(each.part / each.whole, 6))
            for share, each in self._totals.items()
            if each.whole and each.rows >= least_rows
        }
        return TableProfile(rows=self._rows, sampled=self._rows, columns=kept | shares)


def _where(cells: Sequence[Any], watched: Sequence[Any] | None) -> Sequence[Any]:
    return cells if watched is None else [each for each, keep in zip(cells, watched, strict=True) if keep]


def _numbers(cells: Sequence[Any]) -> Iterator[float]:
    """What is no number at all says nothing of how numbers are spread; yes and no are 1 and 0, as in tables."""
    for each in cells:
        said = values.number(each) if not isinstance(each, bool) else float(each)
        said = said if said is not None else _yes_or_no(each)
        if said is not None:
            yield said


def _yes_or_no(cell: Any) -> float | None:
    found = values.boolean(cell)
    return None if found is None else float(found)
