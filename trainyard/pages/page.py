"""Renders what a run found as one self-contained HTML page; runs in both images, standard library only.

Everything that comes from data is escaped; images are data URIs; there is no script and no address of another page,
so that the page can be mailed, archived and opened from a private bucket.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from trainyard.pages.style import DOCUMENT, STYLE

# What a page is called in the folder of the job that wrote it.
PAGE_FILE = "index.html"

Cell = str | int | float | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under column names; numbers are aligned right."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A PNG picture; `alt` says in words what it shows."""

    png: bytes
    alt: str
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """How many there are of something; `beside` is its share, from 0 to 1, where it is compared with."""

    label: str
    count: int
    beside: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Counts drawn as shares of `total`, with the numbers in words beside them.

    `heading` is over the counts and `beside` over the shares they are compared with; empty without such shares.
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
    """What a recipe's `report` is made from: folders of earlier stages, and the two documents of the gate."""

    model: Path
    prepare: Path
    process: Path
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    decision: Mapping[str, Any] = field(default_factory=dict)


def render(
    *,
    title: str,
    facts: Mapping[str, Cell],
    sections: Sequence[Section],
    evaluation: Mapping[str, Any] = MappingProxyType({}),
    decision: Mapping[str, Any] = MappingProxyType({}),
    summary: str = "",
) -> str:
    """The page: verdict and main figure, comparison with champion and baselines, checks, `sections`, and run `facts`.

    `evaluation` and `decision` are the documents described in docs/recipes.md; without them nothing is said about
    quality. `summary` is a sentence below the title in place of the decision's.
    """
    body = [
        _header(title, summary, evaluation, decision),
        _comparison(evaluation),
        _checks(decision),
        *(_section(each) for each in sections),
        _facts({**facts, **_hyperparameters(evaluation)}),
    ]
    return DOCUMENT.format(title=escape(title), style=STYLE, body="\n".join(part for part in body if part))


def number(value: float) -> str:
    """A number as people read it: four digits that count, thousands separated, no exponent where it can be helped."""
    if not _finite(value):
        return str(value)
    whole = isinstance(value, int) or abs(value) >= 1000
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def _finite(value: float) -> bool:
    return math.isfinite(value)


def share(value: float) -> str:
    """A share from 0 to 1 as people read it.

    >>> share(0.1234), share(1.0), share(0.00001), share(0.0)
    ('12.3 %', '100.0 %', '< 0.1 %', '0.0 %')
    """
    return "< 0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"


def _header(title: str, summary: str, evaluation: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    promoted = bool(decision.get("promote"))
    verdict = "Promoted" if promoted else "Refused"
    badge = f'<span class="badge {"good" if promoted else "bad"}">{verdict}</span>' if decision else ""
    sentence = summary or str(decision.get("summary", ""))
    told = f'<p class="summary">{escape(sentence)}</p>' if sentence else ""
    return f"<header><h1>{escape(title)} {badge}</h1>{told}{_tiles(evaluation)}</header>"


def _tiles(evaluation: Mapping[str, Any]) -> str:
    tiles = []
    for name, metric in evaluation.get("metrics", {}).items():
        interval = f"<small>{number(metric['low'])} to {number(metric['high'])}</small>" if "low" in metric else ""
        main = " main" if name == evaluation.get("primary") else ""
        tiles.append(
            f'<div class="tile{main}"><span>{escape(_words(name))}</span>'
            f"<b>{number(metric['value'])}</b>{interval}</div>"
        )
    if "rows" in evaluation:
        tiles.append(f'<div class="tile"><span>held-out examples</span><b>{number(evaluation["rows"])}</b></div>')
    return f'<div class="tiles">{"".join(tiles)}</div>' if tiles else ""


def _comparison(evaluation: Mapping[str, Any]) -> str:
    """One row per model, one bar per metric, so that the eye compares down a column."""
    metrics = evaluation.get("metrics", {})
    models: list[tuple[str, Mapping[str, float]]] = [("this model", {k: v["value"] for k, v in metrics.items()})]
    champion = evaluation.get("champion")
    if champion:
        values = {name: each["value"] for name, each in champion["metrics"].items()}
        models.append((f"champion {champion['run_id']}", values))
    models += list(evaluation.get("references", {}).items())
    if len(models) < 2:
        return ""
    shared = [name for name in metrics if sum(name in values for _, values in models) > 1]
    head = "".join(f"<th scope=col>{escape(_words(name))}</th>" for name in shared)
    largest = {name: max((abs(values.get(name, 0.0)) for _, values in models), default=1.0) or 1.0 for name in shared}
    rows = "".join(
        f"<tr{' class=own' if place == 0 else ''}><th scope=row>{escape(label)}</th>"
        + "".join(_bar(values.get(name), largest[name]) for name in shared)
        + "</tr>"
        for place, (label, values) in enumerate(models)
    )
    note = _champion_note(champion, evaluation) if champion else ""
    table = f"<table class=bars><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<section><h2>Beside other models</h2>{note}<div class=scroll>{table}</div></section>"


def _bar(value: float | None, largest: float) -> str:
    if value is None:
        return "<td class=none>not measured</td>"
    return _drawn(abs(value) / largest if _finite(value) else 0.0, number(value))


def _drawn(length: float, text: str, *, own: bool = False) -> str:
    """A cell with a text on a bar that fills so much of it, from 0 to 1; what the page is about is `own`."""
    width = min(100.0, max(0.0, 100.0 * length))
    return f'<td{" class=own" if own else ""}><span><i style="width:{width:.1f}%"></i><b>{text}</b></span></td>'


def _champion_note(champion: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    difference = champion["difference"]
    return (
        f"<p>Difference to the champion in {escape(_words(str(evaluation.get('primary', ''))))}: "
        f"{difference['value']:+.4g}, interval {difference['low']:+.4g} to {difference['high']:+.4g}.</p>"
    )


def _checks(decision: Mapping[str, Any]) -> str:
    items = "".join(
        f'<li class="{"good" if check["passed"] else "bad"}"><b>{"Passed" if check["passed"] else "Failed"}</b> '
        f"{escape(str(check['sentence']))}</li>"
        for check in decision.get("checks", ())
    )
    return f"<section><h2>Gate</h2><ul class=checks>{items}</ul></section>" if items else ""


def _section(section: Section) -> str:
    text = "".join(f"<p>{escape(line)}</p>" for line in section.text.splitlines() if line.strip())
    figures = "".join(_figure(each) for each in section.figures)
    tables = "".join(_table(each) for each in section.tables)
    charts = f"<div class=charts>{''.join(_bars(each) for each in section.bars)}</div>" if section.bars else ""
    return f"<section><h2>{escape(section.title)}</h2>{text}{charts}{figures}{tables}</section>"


def _bars(chart: Bars) -> str:
    """One row per bar; the longest of both columns fills its cell, so that the eye compares across too."""
    total = max(chart.total, 1)
    shares = [each.count / total for each in chart.bars]
    longest = max([*shares, *(each.beside or 0.0 for each in chart.bars)], default=0.0) or 1.0
    rows = ""
    for each, own in zip(chart.bars, shares, strict=True):
        other = _drawn((each.beside or 0.0) / longest, share(each.beside or 0.0)) if chart.beside else ""
        drawn = _drawn(own / longest, f"{each.count:,} · {share(own)}", own=True)
        rows += f"<tr><th scope=row>{escape(each.label)}</th>{drawn}{other}</tr>"
    names = (chart.heading, chart.beside) if chart.beside else ()
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in names)
    text = f"<p>{escape(chart.text)}</p>" if chart.text else ""
    header = f"<thead><tr><th></th>{head}</tr></thead>" if head else ""
    table = f"<table class=bars>{header}<tbody>{rows}</tbody></table>"
    return f"<div><h3>{escape(chart.title)}</h3>{text}{table}</div>"


def _figure(figure: Figure) -> str:
    data = base64.b64encode(figure.png).decode("ascii")
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    return f'<figure><img src="data:image/png;base64,{data}" alt="{escape(figure.alt)}">{caption}</figure>'


def _table(table: Table) -> str:
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    first = table.rows[0] if table.rows else ()
    head = "".join(
        f"<th scope=col{' class=number' if place < len(first) and _is_number(first[place]) else ''}>{escape(name)}</th>"
        for place, name in enumerate(table.columns)
    )
    rows = "".join(f"<tr>{''.join(_cell(each) for each in row)}</tr>" for row in table.rows)
    return f"<div class=scroll><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _is_number(value: Cell) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Cell) -> str:
    if _is_number(value):
        return f"<td class=number>{number(value)}</td>"
    return f"<td>{'' if value is None else escape(str(value))}</td>"


def _facts(facts: Mapping[str, Cell]) -> str:
    rows = "".join(
        f"<dt>{escape(_words(name))}</dt><dd>{escape('' if value is None else str(value))}</dd>"
        for name, value in facts.items()
    )
    return f"<section><h2>Run</h2><dl>{rows}</dl></section>" if rows else ""


def _hyperparameters(evaluation: Mapping[str, Any]) -> dict[str, Cell]:
    return {name: str(value) for name, value in evaluation.get("hyperparameters", {}).items()}


def _words(name: str) -> str:
    return name.replace("_", " ")
