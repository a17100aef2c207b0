"""Renders the page about a bulk scoring from the files it wrote: how scores are spread, and rows at both ends.

Runs in the score job. Only the files are read, a chunk at a time: the same rows give the same page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from trainyard import bulk
from trainyard.config import ScoreColumn
from trainyard.pages.distribution import NO, YES, Extremes, Histogram, Items, Numbers, Values, is_number, label
from trainyard.pages.page import Bar, Bars, Cell, Section, Table, number, render

CHUNK_ROWS = 10_000
SHOWN_ROWS = 10
SHOWN_BARS = 25
SHOWN_ITEMS = 15
ITEMS_OF_A_ROW = 3
SHOWN_CHARACTERS = 160
NO_VALUE, NO_TEXT, NO_NAME = "(no value)", "(empty text)", "(no name)"

# What the model learned from, per score column: how often each value, or the mean of a number.
Seen = Mapping[str, Mapping[str, float] | float]
Sums = Numbers | Values | Items


@dataclass(frozen=True, kw_only=True)
class Scored:
    """All that the page says about the rows: sums and histograms by column, extremes by ranked column."""

    sums: Mapping[str, Sums]
    histograms: Mapping[str, Histogram]
    extremes: Mapping[str, Extremes]


def read(folder: Path, columns: Sequence[ScoreColumn]) -> Scored:
    """Sum up the Parquet files of scored rows in `folder`, whose columns are declared in `columns`."""
    kinds = {each.name: bulk.arrow_type(each.type) for each in columns}
    sums = {each.name: found for each in columns if each.spread and (found := _sums(kinds[each.name])) is not None}
    extremes = {each.name: Extremes(each.name, SHOWN_ROWS) for each in columns if each.ranked}
    for chunk in bulk.chunks(folder, [*kinds], CHUNK_ROWS):
        for name, column in sums.items():
            column.add(chunk[name].combine_chunks())
        for ranked in extremes.values():
            ranked.add(chunk)
    histograms = {
        name: Histogram(found.lowest, found.highest, whole=pa.types.is_integer(kinds[name]))
        for name, found in sums.items()
        if isinstance(found, Numbers) and found.lowest is not None and found.highest is not None
    }
    for chunk in bulk.chunks(folder, [*histograms], CHUNK_ROWS) if histograms else ():
        for name, histogram in histograms.items():
            histogram.add(chunk[name].combine_chunks())
    return Scored(sums=sums, histograms=histograms, extremes=extremes)


def page(
    folder: Path,
    columns: Sequence[ScoreColumn],
    *,
    title: str,
    summary: str,
    facts: Mapping[str, Cell],
    seen: Seen | None = None,
) -> str:
    """The page about the scored rows in `folder`; `seen` is what is told beside them of what the model learned from."""
    scored = read(folder, columns)
    charts = tuple(found for each in columns if (found := _chart(each, scored, (seen or {}).get(each.name))))
    sections = [
        *([Section(title="How the scores are spread", bars=charts)] if charts else []),
        *(each for name, ranked in scored.extremes.items() for each in _ends(name, ranked, columns)),
        Section(title="Columns", tables=(_columns(columns, scored),)),
    ]
    return render(title=title, summary=summary, facts=facts, sections=sections)


def _sums(kind: pa.DataType) -> Sums | None:
    """What a column of this type is summed up by; None for lists of numbers and whatever else has no picture."""
    if is_number(kind):
        return Numbers()
    if pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return Values()
    if pa.types.is_list(kind):
        inside = kind.value_type
        return Items() if pa.types.is_string(inside) or pa.types.is_struct(inside) else None
    return None


def _chart(column: ScoreColumn, scored: Scored, seen: Mapping[str, float] | float | None) -> Bars | None:
    found = scored.sums.get(column.name)
    title = f"{_words(column.name)}: {column.comment}" if column.comment else _words(column.name)
    if isinstance(found, Values) and not found.many:
        return _values(title, found, seen if isinstance(seen, Mapping) else {})
    if isinstance(found, Items) and found.counts:
        return _items(title, found)
    if isinstance(found, Numbers) and column.name in scored.histograms:
        mean = None if isinstance(seen, Mapping) else seen
        return _numbers(title, found, scored.histograms[column.name], mean)
    return None


def _values(title: str, found: Values, seen: Mapping[str, float]) -> Bars:
    """One bar per value; a value that the model learned and no row has is shown too."""
    learned = sum(seen.values())
    ranked = found.ranked() + [(name, 0) for name in sorted(seen) if name not in found.counts]
    bars = [
        Bar(label=_short(name) or NO_TEXT, count=count, beside=seen.get(name, 0.0) / learned if learned else None)
        for name, count in ranked[:SHOWN_BARS]
    ]
    rest = ranked[SHOWN_BARS:]
    if rest:
        beside = sum(seen.get(name, 0.0) for name, _ in rest) / learned if learned else None
        bars.append(Bar(label=f"{len(rest):,} others", count=sum(count for _, count in rest), beside=beside))
    if found.empty:
        bars.append(Bar(label=NO_VALUE, count=found.empty))
    return Bars(
        title=title,
        bars=bars,
        total=found.rows,
        heading="these rows",
        beside="what the model learned from" if learned else "",
    )


def _items(title: str, found: Items) -> Bars:
    ranked = found.ranked(SHOWN_ITEMS)
    text = (
        f"{len(found.counts):,} different items; the {len(ranked):,} most frequent ones, as a share of rows. "
        f"Without an item: {found.empty:,} rows."
    )
    bars = [Bar(label=_short(name) or NO_NAME, count=count) for name, count in ranked]
    return Bars(title=title, bars=bars, total=found.rows, text=text)


def _numbers(title: str, found: Numbers, histogram: Histogram, learned: float | None) -> Bars:
    told = f"Mean {_number(found.mean)}, lowest {_number(found.lowest)}, highest {_number(found.highest)}."
    if learned is not None:
        told += f" Mean of what the model learned from: {number(learned)}."
    bars = [Bar(label=_bin(histogram, place), count=count) for place, count in enumerate(histogram.counts.tolist())]
    if found.not_finite:
        bars.append(Bar(label="(not a finite number)", count=found.not_finite))
    if found.empty:
        bars.append(Bar(label=NO_VALUE, count=found.empty))
    return Bars(title=title, bars=bars, total=found.rows, text=told)


def _bin(histogram: Histogram, place: int) -> str:
    """What a bin holds, in as many digits as tell its ends apart."""
    low, high = histogram.edges[place], histogram.edges[place + 1]
    if not histogram.step:
        return number(low)
    if histogram.whole:
        return f"{low:,.0f}" if histogram.step == 1 else f"{low:,.0f} to {high - 1:,.0f}"
    digits = next((each for each in range(7) if (histogram.step * 10**each).denominator == 1), None)
    if digits is None or abs(high) >= 1e9:
        return f"{low:g} to {high:g}"
    return f"{low:,.{digits}f} to {high:,.{digits}f}"


def _ends(name: str, ranked: Extremes, columns: Sequence[ScoreColumn]) -> list[Section]:
    """The rows with the lowest and with the highest number, each as a table; without what has no picture either."""
    shown = [each for each in columns if not each.spread or _sums(bulk.arrow_type(each.type)) is not None]
    return [
        Section(
            title=f"Rows with the {end} value of {_words(name)}",
            tables=(
                Table(
                    columns=tuple(_words(each.name) for each in shown),
                    rows=[[_cell(row[each.name], each) for each in shown] for row in rows],
                ),
            ),
        )
        for end, rows in (("lowest", ranked.lowest), ("highest", ranked.highest))
        if rows
    ]


def _columns(columns: Sequence[ScoreColumn], scored: Scored) -> Table:
    names = ("column", "what it is", "no value", "different", "lowest", "mean", "highest")
    return Table(columns=names, rows=[_column(each, scored.sums.get(each.name)) for each in columns])


def _column(column: ScoreColumn, found: Sums | None) -> list[Cell]:
    first: list[Cell] = [column.name, column.comment]
    if found is None:
        return [*first, None, None, None, None, None]
    empty = f"{found.empty:,}"
    if isinstance(found, Numbers):
        return [*first, empty, None, _number(found.lowest), _number(found.mean), _number(found.highest)]
    return [*first, empty, "many" if found.many else f"{len(found.counts):,}", None, None, None]


def _cell(value: Any, column: ScoreColumn) -> Cell:
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, int | float):
        # A number that names a row is written as it is, without a comma after thousands.
        return value if column.spread else str(value)
    if isinstance(value, list):
        more = ["…"] if len(value) > ITEMS_OF_A_ROW else []
        return "; ".join([_item(each) for each in value[:ITEMS_OF_A_ROW]] + more)
    return None if value is None else _short(str(value))


def _item(item: Any) -> str:
    if isinstance(item, Mapping):
        return _short(label([each for each in item.values() if not isinstance(each, float)])) or NO_NAME
    return NO_VALUE if item is None else _short(str(item))


def _number(value: float | None) -> str:
    return "none" if value is None else number(value)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _words(name: str) -> str:
    return name.replace("_", " ")
