"""What a recipe's report consists of: sections, tables, charts and figures, as plain data; runs in both images.

Stage report (and stage score) makes the HTML page from these.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HIGHLIGHTS_FILE = "highlights.json"
Cell = str | int | float | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under column names; numbers are aligned right."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A PNG image; `alt` says in words what it shows."""

    png: bytes
    alt: str
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A count under a label; `beside` is the share, from 0 to 1, that it is compared with, if there is one."""

    label: str
    count: int
    beside: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar chart of counts as shares of `total`; each bar is labelled with its count and its share.

    `heading` is the title of the counts' column, `beside` that of the shares they are compared with, if any.
    """

    title: str
    bars: Sequence[Bar]
    total: int
    text: str = ""
    heading: str = ""
    beside: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A headed part of the page: text (one paragraph per line), then bars side by side, then figures, then tables."""

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    bars: tuple[Bars, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """What a recipe's `report` is made from: the unpacked model and the folders of earlier stages."""

    model: Path
    prepare: Path
    process: Path


def number(value: float) -> str:
    """A number as people read it: four significant digits, or a whole number with a comma between thousands."""
    if not math.isfinite(value):
        return str(value)
    whole = isinstance(value, int) or abs(value) >= 1000
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def share(value: float) -> str:
    """A share from 0 to 1 as people read it.

    >>> share(0.1234), share(1.0), share(0.00001), share(0.0)
    ('12.3 %', '100.0 %', '< 0.1 %', '0.0 %')
    """
    return "< 0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"


def write_highlights(table: Table, outputs: Path) -> None:
    """Leave a small table beside the report, for terminals: `title` (its caption), `columns` and `rows`."""
    highlights = {"title": table.caption, "columns": list(table.columns), "rows": [list(row) for row in table.rows]}
    (outputs / HIGHLIGHTS_FILE).write_text(json.dumps(highlights, indent=2, ensure_ascii=False), encoding="utf-8")
