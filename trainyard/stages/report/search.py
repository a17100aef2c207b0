"""The part of a report about a search for hyperparameters: what was tried, and what came of it; runs in processing."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Picture

from trainyard.contract import charts
from trainyard.contract.config import Range, Tuning
from trainyard.contract.report import Cell, Figure, Section, Table
from trainyard.contract.report import number as written
from trainyard.pages.formats import words
from trainyard.run.search_table import FILE, OBJECTIVE, SECONDS, STATUS, number

SHOWN_JOBS = 20
PANELS_IN_A_ROW = 3


def search_sections(folder: Path | None, tuning: Tuning, *, before: Mapping[str, Any]) -> tuple[Section, ...]:
    """What the search in `folder` tried; none without one.

    `before` are the hyperparameters that the run would have trained with if it had not searched.
    """
    if folder is None or not (folder / FILE).is_file():
        return ()
    with (folder / FILE).open(newline="", encoding="utf-8") as file:
        jobs = list(csv.DictReader(file))
    measured = [each for each in jobs if number(each[OBJECTIVE]) is not None]
    if not measured:
        return ()
    best = number(measured[0][OBJECTIVE])
    text = (
        f"{len(measured)} of {len(jobs)} training jobs reached a {words(tuning.objective)}, of which "
        f"{'more' if tuning.maximizes else 'less'} is better; the best has {written(best or 0.0)} "
        "(orange). Dashed lines are what would have been trained with otherwise."
    )
    names = list(tuning.ranges)
    figure = Figure(
        png=_picture(measured, tuning, before=before),
        alt=f"{words(tuning.objective)} over {', '.join(map(words, names))} of {len(measured)} training jobs.",
    )
    tables = (_best_table(measured[0], tuning, before=before), _jobs_table(jobs, tuning))
    return (Section(title="What the search tried", text=text, figures=(figure,), tables=tables),)


def _best_table(best: Mapping[str, str], tuning: Tuning, *, before: Mapping[str, Any]) -> Table:
    rows: list[Sequence[Cell]] = [
        (name, _cell(str(before.get(name, ""))), _cell(best.get(name, "")), _tried(tuning, name))
        for name in tuning.ranges
    ]
    columns = ("hyperparameter", "without a search", "best", "tried")
    return Table(columns=columns, rows=rows, caption="Best, and as it would have been")


def _tried(tuning: Tuning, name: str) -> str:
    given = tuning.ranges[name]
    return ", ".join(given.values) if given.values else f"{given.minimum:g} to {given.maximum:g}"


def _jobs_table(jobs: Sequence[Mapping[str, str]], tuning: Tuning) -> Table:
    rows: list[Sequence[Cell]] = [
        (
            number(each[OBJECTIVE]),
            *(_cell(each.get(name, "")) for name in tuning.ranges),
            number(each.get(SECONDS, "")),
            each.get(STATUS, ""),
        )
        for each in jobs[:SHOWN_JOBS]
    ]
    columns = (words(tuning.objective), *tuning.ranges, "seconds", "status")
    left = f", of {len(jobs)}" if len(jobs) > SHOWN_JOBS else ""
    return Table(columns=columns, rows=rows, caption=f"Training jobs, the best first{left}")


def _picture(jobs: Sequence[Mapping[str, str]], tuning: Tuning, *, before: Mapping[str, Any]) -> bytes:
    """A panel per hyperparameter: the objective of each job over its value, and a line at what it was before."""
    columns = min(len(tuning.ranges), PANELS_IN_A_ROW)
    rows = -(-len(tuning.ranges) // columns)
    picture = Picture(figsize=(4.0 * columns, 3.1 * rows), layout="constrained")
    for place, (name, given) in enumerate(tuning.ranges.items(), start=1):
        dots = [(_place(each.get(name, ""), given), number(each[OBJECTIVE])) for each in jobs]
        points = np.asarray([each for each in dots if None not in each], np.float64).reshape(-1, 2)
        axes = picture.add_subplot(rows, columns, place)
        axes.plot(points[:, 0], points[:, 1], "o", color=charts.PALETTE[0], alpha=0.7)
        axes.plot(points[:1, 0], points[:1, 1], "o", color=charts.PALETTE[1], markersize=9)
        usual = _place(str(before.get(name, "")), given)
        if usual is not None:
            axes.axvline(usual, color=charts.INK, linewidth=1, linestyle="--")
        if given.values:
            axes.set_xticks(range(len(given.values)), given.values)
        elif given.logarithmic:
            axes.set_xscale("log")
        first = (place - 1) % columns == 0
        charts.panel(axes, words(name), x="", y=words(tuning.objective) if first else "")
        charts.plain(axes)
    return charts.png(picture)


def _place(value: str, given: Range) -> float | None:
    """Where a value lies on its axis: a number by itself, one of several names by its place; None for others."""
    if given.values:
        return float(given.values.index(value)) if value in given.values else None
    return number(value)


def _cell(text: str) -> Cell:
    found = number(text)
    return text if found is None else found
