"""Prepares a recipe's sections for sections.html.j2: widths of bars, numbers as text, PNGs as base64; in both images.

Nothing here is HTML or escaped: that is the template's part.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from trainyard.contract.report import Bars, Cell, Figure, Section, Table, number, share

# Columns of texts that a telephone shows side by side.
MOST_TEXTS_BESIDE = 3


@dataclass(frozen=True, kw_only=True)
class BarView:
    """A text on a bar that fills `width` percent of its cell; `own` marks the page's own model or rows."""

    width: str
    text: str
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class BarRow:
    """A bar for each column of a table, None where nothing was measured."""

    label: str
    bars: Sequence[BarView | None]
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class BarTable:
    """Rows of bars; `headings` name their columns, and may be empty."""

    headings: Sequence[str]
    rows: Sequence[BarRow]


@dataclass(frozen=True, kw_only=True)
class ChartView:
    """Counts of one kind as bars, under a title and a sentence that may be empty."""

    title: str
    text: str
    table: BarTable


@dataclass(frozen=True, kw_only=True)
class FigureView:
    """A PNG image as base64, what it shows, and a caption that may be empty."""

    base64: str
    alt: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class CellView:
    """The text of a table's cell; `numeric` ones are aligned right."""

    text: str
    numeric: bool


@dataclass(frozen=True, kw_only=True)
class TableView:
    """Cells under their columns' names, and a caption that may be empty; `lists` if most of its columns are texts."""

    caption: str
    columns: Sequence[CellView]
    rows: Sequence[Sequence[CellView]]

    @property
    def lists(self) -> bool:
        """Whether it is read row by row on a telephone, where so many texts have no room side by side."""
        return len([each for each in self.columns if not each.numeric]) > MOST_TEXTS_BESIDE


@dataclass(frozen=True, kw_only=True)
class SectionView:
    """A headed part of the page, in the order in which it is shown."""

    title: str
    paragraphs: Sequence[str]
    charts: Sequence[ChartView]
    figures: Sequence[FigureView]
    tables: Sequence[TableView]


def section_view(section: Section) -> SectionView:
    """What the template shows of a section; each line of its text becomes a paragraph."""
    return SectionView(
        title=section.title,
        paragraphs=[line for line in section.text.splitlines() if line.strip()],
        charts=[_chart(each) for each in section.bars],
        figures=[_figure(each) for each in section.figures],
        tables=[_table(each) for each in section.tables],
    )


def bar_view(length: float, text: str, *, own: bool = False) -> BarView:
    """A bar of a length from 0 to 1; other lengths are clipped to that range."""
    return BarView(width=f"{min(100.0, max(0.0, 100.0 * length)):.1f}", text=text, own=own)


def _chart(chart: Bars) -> ChartView:
    """One row per bar; the longest of both columns fills its cell, so that the eye compares across too."""
    total = max(chart.total, 1)
    shares = [each.count / total for each in chart.bars]
    longest = max([*shares, *(each.beside or 0.0 for each in chart.bars)], default=0.0) or 1.0
    rows = []
    for each, part in zip(chart.bars, shares, strict=True):
        bars = [bar_view(part / longest, f"{each.count:,} · {share(part)}", own=True)]
        if chart.beside:
            bars.append(bar_view((each.beside or 0.0) / longest, share(each.beside or 0.0)))
        rows.append(BarRow(label=each.label, bars=bars))
    headings = (chart.heading, chart.beside) if chart.beside else ()
    return ChartView(title=chart.title, text=chart.text, table=BarTable(headings=headings, rows=rows))


def _figure(figure: Figure) -> FigureView:
    return FigureView(base64=base64.b64encode(figure.png).decode("ascii"), alt=figure.alt, caption=figure.caption)


def _table(table: Table) -> TableView:
    """A column is aligned as its first cell is."""
    first = table.rows[0] if table.rows else ()
    columns = [
        CellView(text=name, numeric=index < len(first) and _is_number(first[index]))
        for index, name in enumerate(table.columns)
    ]
    return TableView(caption=table.caption, columns=columns, rows=[[_cell(each) for each in row] for row in table.rows])


def _cell(value: Cell) -> CellView:
    if _is_number(value):
        return CellView(text=number(value), numeric=True)
    return CellView(text="" if value is None else str(value), numeric=False)


def _is_number(value: Cell) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
