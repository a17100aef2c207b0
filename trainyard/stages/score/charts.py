"""Turns the summary of a scored column into a bar chart, beside that of the training data; runs in the score job."""

from __future__ import annotations

from collections.abc import Mapping

from trainyard.contract.config import ScoreColumn
from trainyard.contract.report import Bar, Bars, number
from trainyard.pages.formats import words
from trainyard.stages.score.distribution import ColumnSummary, ItemCounts, NumberSummary, ValueCounts
from trainyard.stages.score.histogram import Histogram

SHOWN_BARS = 25
SHOWN_ITEMS = 15
SHOWN_CHARACTERS = 160
NO_VALUE, NO_TEXT, NO_NAME, NOT_FINITE = "(no value)", "(empty text)", "(no name)", "(not a finite number)"

# Of a column in the training data: how often each value occurred, or the mean of its numbers.
Seen = Mapping[str, float] | float


def chart(
    column: ScoreColumn, summary: ColumnSummary | None, *, histogram: Histogram | None, seen: Seen | None
) -> Bars | None:
    """The bars of a column; None for one without values, or with more distinct ones than a chart can show."""
    title = f"{words(column.name)}: {column.comment}" if column.comment else words(column.name)
    if isinstance(summary, ValueCounts) and not summary.many:
        return _values(title, summary, seen=seen if isinstance(seen, Mapping) else {})
    if isinstance(summary, ItemCounts) and summary.counts:
        return _items(title, summary)
    if isinstance(summary, NumberSummary) and histogram:
        return _numbers(title, summary, histogram=histogram, seen_mean=None if isinstance(seen, Mapping) else seen)
    return None


def short(text: str) -> str:
    """The text, cut after `SHOWN_CHARACTERS`."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def number_or_none(value: float | None) -> str:
    """A number as people read it, and a word where there is none."""
    return "none" if value is None else number(value)


def _values(title: str, summary: ValueCounts, *, seen: Mapping[str, float]) -> Bars:
    """One bar per value; a value of the training data that no row has is shown too."""
    total = sum(seen.values())
    ranked = summary.ranked() + [(name, 0) for name in sorted(seen) if name not in summary.counts]
    bars = [
        Bar(label=short(name) or NO_TEXT, count=count, beside=seen.get(name, 0.0) / total if total else None)
        for name, count in ranked[:SHOWN_BARS]
    ]
    rest = ranked[SHOWN_BARS:]
    if rest:
        beside = sum(seen.get(name, 0.0) for name, _ in rest) / total if total else None
        bars.append(Bar(label=f"{len(rest):,} others", count=sum(count for _, count in rest), beside=beside))
    if summary.empty:
        bars.append(Bar(label=NO_VALUE, count=summary.empty))
    return Bars(
        title=title,
        bars=bars,
        total=summary.rows,
        heading="these rows",
        beside="what the model learned from" if total else "",
    )


def _items(title: str, summary: ItemCounts) -> Bars:
    ranked = summary.ranked(SHOWN_ITEMS)
    text = (
        f"{len(summary.counts):,} different items; the {len(ranked):,} most frequent ones, as a share of rows. "
        f"Without an item: {summary.empty:,} rows."
    )
    bars = [Bar(label=short(name) or NO_NAME, count=count) for name, count in ranked]
    return Bars(title=title, bars=bars, total=summary.rows, text=text)


def _numbers(title: str, summary: NumberSummary, *, histogram: Histogram, seen_mean: float | None) -> Bars:
    mean, lowest, highest = (number_or_none(each) for each in (summary.mean, summary.lowest, summary.highest))
    text = f"Mean {mean}, lowest {lowest}, highest {highest}."
    if seen_mean is not None:
        text += f" Mean of what the model learned from: {number(seen_mean)}."
    bars = [Bar(label=_bin(histogram, index), count=count) for index, count in enumerate(histogram.counts.tolist())]
    if summary.not_finite:
        bars.append(Bar(label=NOT_FINITE, count=summary.not_finite))
    if summary.empty:
        bars.append(Bar(label=NO_VALUE, count=summary.empty))
    return Bars(title=title, bars=bars, total=summary.rows, text=text)


def _bin(histogram: Histogram, index: int) -> str:
    """The range of a bin, with as many digits as its ends need to differ."""
    low, high = histogram.edges[index], histogram.edges[index + 1]
    if not histogram.step:
        return number(low)
    if histogram.whole:
        return f"{low:,.0f}" if histogram.step == 1 else f"{low:,.0f} to {high - 1:,.0f}"
    digits = next((each for each in range(7) if (histogram.step * 10**each).denominator == 1), None)
    if digits is None or abs(high) >= 1e9:
        return f"{low:g} to {high:g}"
    return f"{low:,.{digits}f} to {high:,.{digits}f}"
