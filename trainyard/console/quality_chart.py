"""Draws quality from period to period beside what was promised, as points of an SVG picture; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainyard.run.documents import Metric
from trainyard.run.watch.observed import ModelQuality, Verdict

WIDTH, HEIGHT, MARGIN = 640, 150, 14


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The quality of a period: where it is, and from where to where its interval reaches."""

    start: str
    x: float
    y: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class QualityChart:
    """The periods that have one, in pixels, and the band of what was promised (`promised_low` lies below).

    `top` and `bottom` are the values at the edges.
    """

    marks: Sequence[Mark]
    top: float
    bottom: float
    promised_low: float | None = None
    promised_high: float | None = None
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def line(self) -> str:
        """The points as an SVG polyline has them."""
        return " ".join(f"{each.x:.1f},{each.y:.1f}" for each in self.marks)


def chart(model: ModelQuality) -> QualityChart | None:
    """The chart of a model; None where no period has labels enough."""
    shown = [(each, _ends(each.quality)) for each in model.periods if each.quality is not None]
    if not shown:
        return None
    promised = _ends(model.promised) if model.promised and model.promised.low is not None else None
    values = [value for ends in (*(ends for _, ends in shown), *([promised] if promised else [])) for value in ends]
    bottom, top = min(values), max(values)

    def y(value: float) -> float:
        return HEIGHT - MARGIN - (value - bottom) / ((top - bottom) or 1.0) * (HEIGHT - 2 * MARGIN)

    step = (WIDTH - 2 * MARGIN) / max(len(shown) - 1, 1)
    marks = [
        Mark(
            start=period.start,
            x=MARGIN + place * step if len(shown) > 1 else WIDTH / 2,
            y=y(value),
            low=y(low),
            high=y(high),
            verdict=period.verdict,
        )
        for place, (period, (low, value, high)) in enumerate(shown)
    ]
    return QualityChart(
        marks=marks,
        top=top,
        bottom=bottom,
        promised_low=y(promised[0]) if promised else None,
        promised_high=y(promised[2]) if promised else None,
    )


def _ends(metric: Metric) -> tuple[float, float, float]:
    """Low end, value and high end of an interval; without one, the value alone."""
    low, high = (metric.value if each is None else each for each in (metric.low, metric.high))
    return low, metric.value, high
