"""Renders the report of a run as one self-contained HTML page; runs in the processing image, standard library only.

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
from typing import Any, TypeGuard

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
class Section:
    """A headed part of the page: text (one paragraph per line), then figures, then tables."""

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


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
    evaluation: Mapping[str, Any],
    decision: Mapping[str, Any],
    sections: Sequence[Section],
) -> str:
    """The page: verdict and main figure, comparison with champion and baselines, checks, `sections`, and run `facts`.

    `evaluation` and `decision` are the documents described in docs/recipes.md.
    """
    body = [
        _header(title, evaluation, decision),
        _comparison(evaluation),
        _checks(decision),
        *(_section(each) for each in sections),
        _facts({**facts, **_hyperparameters(evaluation)}),
    ]
    return _DOCUMENT.format(title=escape(title), style=_STYLE, body="\n".join(part for part in body if part))


def number(value: float) -> str:
    """A number as people read it: four digits that count, thousands separated, no exponent where it can be helped."""
    if not _finite(value):
        return str(value)
    whole = isinstance(value, int) or abs(value) >= 1000
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def _finite(value: float) -> bool:
    return math.isfinite(value)


def _header(title: str, evaluation: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    promoted = bool(decision.get("promote"))
    verdict = "Promoted" if promoted else "Refused"
    badge = f'<span class="badge {"good" if promoted else "bad"}">{verdict}</span>' if decision else ""
    summary = f'<p class="summary">{escape(str(decision["summary"]))}</p>' if decision.get("summary") else ""
    return f"<header><h1>{escape(title)} {badge}</h1>{summary}{_tiles(evaluation)}</header>"


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
    width = min(100.0, max(0.0, 100.0 * abs(value) / largest)) if _finite(value) else 0.0
    return f'<td><span><i style="width:{width:.1f}%"></i><b>{number(value)}</b></span></td>'


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
    return f"<section><h2>{escape(section.title)}</h2>{text}{figures}{tables}</section>"


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


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"""

_STYLE = """
:root{--paper:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5c6675;--line:#e2e6ec;--accent:#2f6fde;--tint:#dbe7fd;
--good:#14804a;--good-tint:#dcf5e7;--bad:#b3261e;--bad-tint:#fde4e2}
@media (prefers-color-scheme:dark){:root{--paper:#12161d;--card:#1b212b;--ink:#e7ebf2;--soft:#9aa5b5;--line:#2d3644;
--accent:#7aa7ff;--tint:#24395f;--good:#5fd39a;--good-tint:#153a28;--bad:#ff8a80;--bad-tint:#4a1f1c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 20px 64px}
header,section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:24px 28px;margin:0 0 20px}
h1{font-size:1.75rem;line-height:1.25;margin:0;display:flex;gap:14px;align-items:center;flex-wrap:wrap}
h2{font-size:1.15rem;margin:0 0 12px}
p{margin:0 0 12px;max-width:75ch}
.summary{color:var(--soft);margin:10px 0 0;font-size:1.05rem}
.badge{font-size:.85rem;font-weight:600;padding:4px 12px;border-radius:999px}
.badge.good{color:var(--good);background:var(--good-tint)}.badge.bad{color:var(--bad);background:var(--bad-tint)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:22px}
.tile{border:1px solid var(--line);border-radius:10px;padding:12px 16px;display:flex;flex-direction:column}
.tile.main{border-color:var(--accent);background:var(--tint)}
.tile span,.tile small{color:var(--soft);font-size:.85rem}
.tile.main span,.tile.main small{color:var(--ink)}
.tile b{font-size:1.45rem;font-variant-numeric:tabular-nums;line-height:1.3}
.scroll{overflow-x:auto;margin:0 0 14px}
table{border-collapse:collapse;width:100%;font-size:.93rem}
caption{text-align:left;color:var(--soft);padding:0 0 8px}
th,td{text-align:left;padding:7px 12px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600;font-size:.85rem}
.number,thead .number{text-align:right;font-variant-numeric:tabular-nums}
.bars td{min-width:88px;padding:5px 10px 5px 0}.bars th[scope=row]{min-width:120px}.bars .none{padding-left:8px}
.bars td span{display:block;position:relative;padding:2px 8px}
.bars td i{position:absolute;left:0;top:0;bottom:0;background:var(--tint);border-radius:4px}
.bars td b{position:relative;font-weight:400;font-variant-numeric:tabular-nums}
.bars th[scope=row]{font-weight:400}.bars .own th,.bars .own td b{font-weight:700}
.bars .own td i{background:var(--accent);opacity:.35}
.none{color:var(--soft)}
.checks{list-style:none;margin:0;padding:0}
.checks li{border-left:4px solid;padding:4px 0 4px 14px;margin:0 0 8px}
.checks .good{border-color:var(--good)}.checks .bad{border-color:var(--bad)}
.checks .good b{color:var(--good)}.checks .bad b{color:var(--bad)}
figure{margin:0 0 16px}
img{max-width:100%;height:auto;display:block;background:#fff;border-radius:8px}
figcaption{color:var(--soft);font-size:.9rem;margin-top:8px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:6px 24px;margin:0;font-size:.93rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
@media print{body{background:#fff}header,section{break-inside:avoid}}
"""
