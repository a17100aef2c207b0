"""Profiles what a model answers, as the answers come: for evaluate and score, in memory that is bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from trainyard.contract.config import WATCHED, ScoreColumn, Share
from trainyard.run.watch.profile import (
    NAMED_FROM_ROWS,
    SAMPLED_ROWS,
    TOP_VALUES,
    ColumnProfile,
    Quantiles,
    TableProfile,
)


@dataclass
class _Total:
    """Of a share: the sums of both columns, and the rows that count."""

    part: float = 0.0
    whole: float = 0.0
    rows: int = 0

    def add(self, answers: pa.Table, share: Share) -> None:
        part, whole = (answers[name].to_numpy().astype(np.float64) for name in (share.name, share.of))
        self.part += float(part.sum())
        self.whole += float(whole.sum())
        self.rows += int(np.count_nonzero(whole))


@dataclass
class AnswerProfiler:
    """Keeps some of `rows` rows, at equal distances; of `shares` all count. Columns in `left_out` are passed over.

    Numbers, texts and truths are profiled; lists are not: what is first in them is a column of its own.
    """

    rows: int
    shares: Sequence[Share] = ()
    left_out: frozenset[str] = frozenset()
    _seen: int = 0
    _passed: int = 0
    _kept: dict[str, list[pa.Array]] = field(default_factory=dict)
    _totals: dict[str, _Total] = field(default_factory=dict)

    def add(self, answers: pa.Table) -> None:
        """Look at the next rows."""
        self._seen += answers.num_rows
        if WATCHED in answers.column_names:
            answers = answers.filter(answers[WATCHED]).drop_columns(WATCHED)
        step = max(-(-self.rows // SAMPLED_ROWS), 1)
        places = pa.array(np.arange(-self._passed % step, answers.num_rows, step))
        self._passed += answers.num_rows
        in_shares = {name for each in self.shares for name in (each.name, each.of)}
        for name in answers.column_names:
            kind = None if name in self.left_out | in_shares else _watched_as(answers.schema.field(name).type)
            if kind is not None:
                # The next rows may come as another type of numbers or texts.
                kept = answers[name].take(places).combine_chunks().cast(kind, safe=False)
                self._kept.setdefault(name, []).append(kept)
        for share in self.shares:
            if {share.name, share.of} <= {*answers.column_names}:
                self._totals.setdefault(share.name, _Total()).add(answers, share)

    def profile(self) -> TableProfile:
        """Of all rows that were looked at."""
        columns = {name: _column(pa.concat_arrays(parts)) for name, parts in self._kept.items()}
        shares = {
            name: ColumnProfile(kind="share", missing=0.0, rows=each.rows, share=round(each.part / each.whole, 6))
            for name, each in self._totals.items()
            if each.whole
        }
        sampled = max((each.rows for each in columns.values()), default=0)
        return TableProfile(rows=self._seen, sampled=sampled, columns=columns | shares)


def naming_rows(columns: Iterable[ScoreColumn]) -> frozenset[str]:
    """The columns of scores that name a row, or say again what another says."""
    return frozenset(each.name for each in columns if not each.spread)


def _watched_as(kind: pa.DataType) -> pa.DataType | None:
    """The one type that numbers, texts or truths are kept in; None for what is not watched."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if _is_number(kind):
        return pa.float64()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.string()
    return kind if pa.types.is_boolean(kind) else None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _column(values: pa.Array) -> ColumnProfile:
    known = values.drop_null()
    if _is_number(values.type):
        numbers = known.to_numpy(zero_copy_only=False).astype(np.float64)
        ordered = np.sort(numbers[np.isfinite(numbers)]).tolist()
        missing = _missing(len(ordered), len(values))
        return ColumnProfile(kind="number", missing=missing, rows=len(values), quantiles=Quantiles.of(ordered))
    missing = _missing(len(known), len(values))
    counted = Counter(known.cast(pa.string()).to_pylist())
    top = {
        value: round(count / len(known), 6)
        for value, count in counted.most_common(TOP_VALUES)
        if count >= NAMED_FROM_ROWS
    }
    return ColumnProfile(kind="category", missing=missing, rows=len(values), top=top, complete=len(top) == len(counted))


def _missing(known: int, rows: int) -> float:
    return round(1 - known / rows, 6) if rows else 0.0
