"""Objective against a hyperparameter, as points of an SVG picture; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainyard.client.run.search import Search, Trial
from trainyard.contract.config import Range
from trainyard.run.search_table import number

WIDTH, HEIGHT, MARGIN = 260, 150, 12


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One training job: where it is, and what a reader is told of it."""

    x: float
    y: float
    text: str
    best: bool


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """The objective (up) against one hyperparameter (across), in pixels; `left` to `top` are the values at the edges.

    `before` is where the value lies that the run would train with if it did not search.
    """

    name: str
    dots: Sequence[Dot]
    left: str
    right: str
    bottom: float
    top: float
    scale: str
    before: float | None = None
    width: int = WIDTH
    height: int = HEIGHT


def scatters(search: Search) -> list[Scatter]:
    """A picture per hyperparameter, where at least one training job has an objective."""
    shown = [each for each in search.trials if each.objective is not None]
    if not shown:
        return []
    return [_scatter(search, shown, name=name, over=over) for name, over in search.tuning.ranges.items()]


def _scatter(search: Search, shown: Sequence[Trial], *, name: str, over: Range) -> Scatter:
    objectives = [each.objective or 0.0 for each in shown]
    bottom, top = min(objectives), max(objectives)
    best = search.best
    dots = [
        Dot(
            x=x,
            y=HEIGHT - MARGIN - _share(objective, bottom, high=top) * (HEIGHT - 2 * MARGIN),
            text=f"{name} {each.values.get(name, '')}: {search.tuning.objective} {objective:.4g}",
            best=each is best,
        )
        for each, objective in zip(shown, objectives, strict=True)
        if (x := across(each.values.get(name, ""), over)) is not None
    ]
    left, right = (over.values[0], over.values[-1]) if over.values else (f"{over.minimum:.4g}", f"{over.maximum:.4g}")
    return Scatter(
        name=name,
        dots=dots,
        left=left,
        right=right,
        bottom=bottom,
        top=top,
        scale="" if over.values else over.scaling.lower(),
        before=across(search.before.get(name, ""), over),
    )


def across(value: str, over: Range) -> float | None:
    """Where a value lies in the picture, in pixels from its left; None for one that the search could not have tried."""
    if over.type == "categorical":
        place = over.values.index(value) / max(len(over.values) - 1, 1) if value in over.values else None
    else:
        place = _place(number(value), over)
    return None if place is None else MARGIN + place * (WIDTH - 2 * MARGIN)


def _place(value: float | None, over: Range) -> float | None:
    if value is None or not over.minimum <= value <= over.maximum:
        return None
    if over.logarithmic:
        return _share(math.log(value), math.log(over.minimum), high=math.log(over.maximum))
    return _share(value, over.minimum, high=over.maximum)


def _share(value: float, low: float, *, high: float) -> float:
    """How far between low and high; the middle where they are one."""
    return (value - low) / (high - low) if high > low else 0.5
