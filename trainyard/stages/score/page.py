"""Renders the page about a bulk scoring from the files it wrote: how scores are spread, and rows at both ends.

Runs in the score job. Only the files are read, a chunk at a time: the same rows give the same page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from trainyard.contract import chunks
from trainyard.contract.config import ScoreColumn
from trainyard.contract.report import Bars, Cell, Section, Table
from trainyard.pages.formats import words
from trainyard.stages.report.page import render
from trainyard.stages.score.charts import NO_NAME, NO_VALUE, Seen, chart, number_or_none, short
from trainyard.stages.score.distribution import (
    NO,
    YES,
    ColumnSummary,
    Extremes,
    ItemCounts,
    NumberSummary,
    ValueCounts,
    is_number,
    label,
)
from trainyard.stages.score.histogram import Histogram

CHUNK_ROWS = 10_000
SHOWN_ROWS = 10
ITEMS_OF_A_ROW = 3


@dataclass(frozen=True, kw_only=True)
class ScoreStatistics:
    """All that the page says about the rows: summaries and histograms by column, extremes by ranked column."""

    summaries: Mapping[str, ColumnSummary]
    histograms: Mapping[str, Histogram]
    extremes: Mapping[str, Extremes]


def page(
    folder: Path,
    columns: Sequence[ScoreColumn],
    *,
    title: str,
    summary: str,
    facts: Mapping[str, Cell],
    seen: Mapping[str, Seen] | None = None,
) -> str:
    """The page about the scored rows in `folder`; `seen` is what the model was trained on, by column."""
    found = read(folder, columns)
    charts = tuple(drawn for each in columns if (drawn := _chart(each, found, seen=(seen or {}).get(each.name))))
    sections = [
        *([Section(title="How the scores are spread", bars=charts)] if charts else []),
        *(each for name, ranked in found.extremes.items() for each in _ends(name, ranked, columns=columns)),
        Section(title="Columns", tables=(_columns(columns, found),)),
    ]
    return render(title=title, summary=summary, facts=facts, sections=sections)


def read(folder: Path, columns: Sequence[ScoreColumn]) -> ScoreStatistics:
    """Summarise the Parquet files of scored rows in `folder`, whose columns are declared in `columns`."""
    types = {each.name: chunks.arrow_type(each.type) for each in columns}
    summaries = {each.name: new for each in columns if each.spread and (new := _summary(types[each.name])) is not None}
    extremes = {each.name: Extremes(each.name, SHOWN_ROWS) for each in columns if each.ranked}
    for chunk in chunks.read(folder, [*types], rows=CHUNK_ROWS):
        for name, column in summaries.items():
            column.add(chunk[name].combine_chunks())
        for ranked in extremes.values():
            ranked.add(chunk)
    histograms = {
        name: Histogram(found.lowest, found.highest, whole=pa.types.is_integer(types[name]))
        for name, found in summaries.items()
        if isinstance(found, NumberSummary) and found.lowest is not None and found.highest is not None
    }
    for chunk in chunks.read(folder, [*histograms], rows=CHUNK_ROWS) if histograms else ():
        for name, histogram in histograms.items():
            histogram.add(chunk[name].combine_chunks())
    return ScoreStatistics(summaries=summaries, histograms=histograms, extremes=extremes)


def _summary(column_type: pa.DataType) -> ColumnSummary | None:
    """An empty summary for a column of this type; None for lists of numbers and other types without a chart."""
    if is_number(column_type):
        return NumberSummary()
    if pa.types.is_string(column_type) or pa.types.is_boolean(column_type):
        return ValueCounts()
    if pa.types.is_list(column_type):
        inside = column_type.value_type
        return ItemCounts() if pa.types.is_string(inside) or pa.types.is_struct(inside) else None
    return None


def _chart(column: ScoreColumn, found: ScoreStatistics, *, seen: Seen | None) -> Bars | None:
    return chart(column, found.summaries.get(column.name), histogram=found.histograms.get(column.name), seen=seen)


def _ends(name: str, ranked: Extremes, *, columns: Sequence[ScoreColumn]) -> list[Section]:
    """The rows with the lowest and with the highest number, each as a table; columns without a chart are left out."""
    shown = [each for each in columns if not each.spread or _summary(chunks.arrow_type(each.type)) is not None]
    names = tuple(words(each.name) for each in shown)
    return [
        Section(
            title=f"Rows with the {end} value of {words(name)}",
            tables=(Table(columns=names, rows=[[_cell(row[each.name], each) for each in shown] for row in rows]),),
        )
        for end, rows in (("lowest", ranked.lowest), ("highest", ranked.highest))
        if rows
    ]


def _columns(columns: Sequence[ScoreColumn], found: ScoreStatistics) -> Table:
    names = ("column", "what it is", "no value", "different", "lowest", "mean", "highest")
    return Table(columns=names, rows=[_column(each, found.summaries.get(each.name)) for each in columns])


def _column(column: ScoreColumn, summary: ColumnSummary | None) -> list[Cell]:
    first: list[Cell] = [column.name, column.comment]
    if summary is None:
        return [*first, None, None, None, None, None]
    empty = f"{summary.empty:,}"
    if isinstance(summary, NumberSummary):
        numbers = (summary.lowest, summary.mean, summary.highest)
        return [*first, empty, None, *(number_or_none(each) for each in numbers)]
    return [*first, empty, "many" if summary.many else f"{len(summary.counts):,}", None, None, None]


def _cell(value: Any, column: ScoreColumn) -> Cell:
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, int | float):
        # A number that identifies a row is written as it is, without a comma after thousands.
        return value if column.spread else str(value)
    if isinstance(value, list):
        more = ["…"] if len(value) > ITEMS_OF_A_ROW else []
        return "; ".join([_item(each) for each in value[:ITEMS_OF_A_ROW]] + more)
    return None if value is None else short(str(value))


def _item(item: Any) -> str:
    if isinstance(item, Mapping):
        return short(label([each for each in item.values() if not isinstance(each, float)])) or NO_NAME
    return NO_VALUE if item is None else short(str(item))
