"""Prepares what evaluate found for page.html.j2: a tile per metric, and a bar per model and metric; both images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainyard.contract.report import number
from trainyard.pages.formats import words
from trainyard.run.documents import Comparison, Difference, Metric
from trainyard.stages.report.sections import BarRow, BarTable, BarView, bar_view


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A number at the head of the page, with the ends of its interval or an empty text; one metric is the `primary`."""

    name: str
    value: str
    interval: str = ""
    primary: bool = False


@dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """A row per model, the page's own first.

    `differences` are sentences: how much this model exceeds the champion and each baseline that can be compared.
    """

    table: BarTable
    differences: Sequence[str]


def tiles(comparison: Comparison) -> list[Tile]:
    """The model's metrics, and on how many examples they were measured."""
    metrics = [
        _tile(words(name), metric, primary=name == comparison.primary) for name, metric in comparison.metrics.items()
    ]
    return [*metrics, Tile(name="held-out examples", value=number(comparison.rows))]


def comparison_view(comparison: Comparison) -> ComparisonView | None:
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
    table = BarTable(headings=[words(name) for name in shared], rows=rows)
    return ComparisonView(table=table, differences=_differences(comparison))


def _tile(name: str, metric: Metric, *, primary: bool) -> Tile:
    ends = [number(each) for each in (metric.low, metric.high) if each is not None]
    return Tile(name=name, value=number(metric.value), interval=" to ".join(ends), primary=primary)


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


def _differences(comparison: Comparison) -> list[str]:
    found: dict[str, Difference] = {"the champion": comparison.champion.difference} if comparison.champion else {}
    return [
        f"Difference to {name} in {words(comparison.primary)}: {each.value:+.4g}, "
        f"interval {each.low:+.4g} to {each.high:+.4g}."
        for name, each in (found | dict(comparison.differences)).items()
    ]
