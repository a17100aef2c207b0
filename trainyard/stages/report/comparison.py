"""Prepares what evaluate found for page.html.j2: a tile per metric, and a bar per model and metric; both images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainyard.contract.meaning import Meaning, Meanings
from trainyard.contract.report import number
from trainyard.pages.formats import words
from trainyard.run.documents import Comparison, Difference, Metric
from trainyard.stages.report.sections import BarRow, BarTable, BarView, bar_view


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A number at the head of the page, with the ends of its interval or an empty text; one metric is the `primary`.

    `help` says in a sentence what it is.
    """

    name: str
    value: str
    interval: str = ""
    help: str = ""
    primary: bool = False


@dataclass(frozen=True, kw_only=True)
class DifferenceView:
    """How the model compares with another in a sentence; `tone` is `good`, `bad`, or empty where noise decides."""

    sentence: str
    tone: str


@dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """A row per model, the page's own first.

    `differences` say how much this model exceeds the champion and each baseline that can be compared.
    """

    table: BarTable
    differences: Sequence[DifferenceView]


def tiles(comparison: Comparison, meanings: Meanings) -> list[Tile]:
    """The model's metrics with what they mean, and on how many examples they were measured."""
    metrics = [
        _tile(name, metric, meaning=meanings.get(name), primary=name == comparison.primary)
        for name, metric in comparison.metrics.items()
    ]
    return [*metrics, Tile(name="held-out examples", value=number(comparison.rows))]


def comparison_view(comparison: Comparison, meanings: Meanings) -> ComparisonView | None:
    """The model beside champion and baselines, one bar per metric that two of them have; None without another model."""
    models = _models(comparison)
    if len(models) < 2:
        return None
    shared = [name for name in comparison.metrics if sum(name in values for _, values in models) > 1]
    longest = {name: max(abs(values.get(name, 0.0)) for _, values in models) or 1.0 for name in shared}
    rows = [
        BarRow(label=label, own=index == 0, bars=[_bar(values.get(name), longest[name]) for name in shared])
        for index, (label, values) in enumerate(models)
    ]
    table = BarTable(headings=[_heading(name, meanings.get(name)) for name in shared], rows=rows)
    return ComparisonView(table=table, differences=_differences(comparison))


def _heading(name: str, meaning: Meaning | None) -> str:
    """A metric's name, with an arrow that says which way is better."""
    return f"{words(name)} {meaning.arrow}" if meaning else words(name)


def _tile(name: str, metric: Metric, *, meaning: Meaning | None, primary: bool) -> Tile:
    ends = [number(each) for each in (metric.low, metric.high) if each is not None]
    return Tile(
        name=_heading(name, meaning),
        value=number(metric.value),
        interval=" to ".join(ends),
        help=meaning.help if meaning else "",
        primary=primary,
    )


def _models(comparison: Comparison) -> list[tuple[str, Mapping[str, float]]]:
    """Metrics by the name of their model; this model's come first."""
    models: list[tuple[str, Mapping[str, float]]] = [("this model", _values(comparison.metrics))]
    if comparison.champion:
        models.append((f"champion {comparison.champion.run_id}", _values(comparison.champion.metrics)))
    return [*models, *comparison.references.items()]


def _values(metrics: Mapping[str, Metric]) -> dict[str, float]:
    return {name: metric.value for name, metric in metrics.items()}


def _bar(value: float | None, longest: float) -> BarView | None:
    if value is None:
        return None
    return bar_view(abs(value) / longest if math.isfinite(value) else 0.0, number(value))


def _differences(comparison: Comparison) -> list[DifferenceView]:
    found: dict[str, Difference] = {"the champion": comparison.champion.difference} if comparison.champion else {}
    differences = found | dict(comparison.differences)
    return [_difference(name, each, metric=words(comparison.primary)) for name, each in differences.items()]


def _difference(name: str, difference: Difference, *, metric: str) -> DifferenceView:
    """In words: better or worse where the whole interval is, else neither."""
    interval = f"{difference.text} in {metric}"
    if difference.low > 0:
        return DifferenceView(sentence=f"Better than {name}: {interval}.", tone="good")
    if difference.high < 0:
        return DifferenceView(sentence=f"Worse than {name}: {interval}.", tone="bad")
    return DifferenceView(sentence=f"Not to be told apart from {name}: {interval}.", tone="")
