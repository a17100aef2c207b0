"""Curves of several runs laid over each other, as points of an SVG picture; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 380, 180, 12
Curves = Mapping[str, Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One run's figures: its place among the runs, the points of a polyline, and the last one with its value."""

    place: int
    run: str
    points: Sequence[tuple[float, float]]
    last: float

    @property
    def line(self) -> str:
        """The points as an SVG polyline has them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True, kw_only=True)
class CurveChart:
    """One metric over `epochs` epochs; `top` and `bottom` are the values at the edges, sizes are in pixels."""

    metric: str
    curves: Sequence[Curve]
    epochs: int
    top: float
    bottom: float
    width: int = WIDTH
    height: int = HEIGHT


def charts(runs: Mapping[str, Curves]) -> list[CurveChart]:
    """A chart per metric that at least two runs, named by their ids, have figures of."""
    metrics = dict.fromkeys(metric for curves in runs.values() for metric in curves)
    drawn = {metric: {run: curves[metric] for run, curves in runs.items() if curves.get(metric)} for metric in metrics}
    places = {run: place for place, run in enumerate(runs)}
    return [_chart(metric, found, places=places) for metric, found in drawn.items() if len(found) > 1]


def _chart(metric: str, runs: Mapping[str, Sequence[float]], *, places: Mapping[str, int]) -> CurveChart:
    values = [value for figures in runs.values() for value in figures]
    bottom, top, epochs = min(values), max(values), max(map(len, runs.values()))
    across, up = (WIDTH - 2 * MARGIN) / max(epochs - 1, 1), (HEIGHT - 2 * MARGIN) / ((top - bottom) or 1.0)
    curves = [
        Curve(
            place=places[run],
            run=run,
            points=[
                (MARGIN + epoch * across, HEIGHT - MARGIN - (value - bottom) * up)
                for epoch, value in enumerate(figures)
            ],
            last=figures[-1],
        )
        for run, figures in runs.items()
    ]
    return CurveChart(metric=metric, curves=curves, epochs=epochs, top=top, bottom=bottom)
