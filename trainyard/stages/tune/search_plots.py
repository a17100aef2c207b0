"""Pictures of a hyperparameter search; drawn in the analysis job."""

from __future__ import annotations

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from trainyard.contract.config import Tuning
from trainyard.run.search_table import OBJECTIVE, STARTED

GOOD_SHARE = 1 / 3


def plot_objective(jobs: pd.DataFrame, tuning: Tuning) -> Figure:
    """The objective of each job in the order of their start, and the best value so far."""
    figure = Figure(figsize=(7, 4), layout="constrained", dpi=120)
    axes = figure.subplots()
    ordered = _in_time(jobs)
    best = ordered[OBJECTIVE].cummax() if tuning.maximizes else ordered[OBJECTIVE].cummin()
    axes.plot(ordered.index + 1, ordered[OBJECTIVE], "o", label="job")
    axes.step(ordered.index + 1, best, where="post", label="best so far")
    axes.set(xlabel="training job", ylabel=tuning.objective, title="Objective over the search")
    axes.legend()
    return figure


def plot_search(jobs: pd.DataFrame, tuning: Tuning) -> Figure:
    """Each hyperparameter over the search, coloured by the objective."""
    figure, panels = _panels(tuning)
    ordered = _in_time(jobs)
    for axes, name in zip(panels, tuning.ranges, strict=True):
        values, labels = _numbers(ordered[name])
        dots = axes.scatter(ordered.index + 1, values, c=ordered[OBJECTIVE], cmap="viridis")
        _scale(axes, tuning, name=name, labels=labels, axis="y")
        axes.set(xlabel="training job", ylabel=name)
        figure.colorbar(dots, ax=axes, label=tuning.objective)
    figure.suptitle("Hyperparameters over the search")
    return figure


def plot_density(jobs: pd.DataFrame, tuning: Tuning) -> Figure:
    """Where the best third of the jobs lies within all tried values of each hyperparameter."""
    figure, panels = _panels(tuning)
    good = jobs.head(max(2, round(len(jobs) * GOOD_SHARE)))
    for axes, name in zip(panels, tuning.ranges, strict=True):
        values, labels = _numbers(jobs[name])
        for rows, label in ((jobs, "all jobs"), (good, "best third")):
            _density(axes, values[: len(rows)], label=label, logarithmic=tuning.ranges[name].logarithmic)
        _scale(axes, tuning, name=name, labels=labels, axis="x")
        axes.set(xlabel=name, ylabel="density")
        axes.legend()
    figure.suptitle("Density of good values")
    return figure


def _in_time(jobs: pd.DataFrame) -> pd.DataFrame:
    return jobs.sort_values(STARTED).reset_index(drop=True)


def _panels(tuning: Tuning) -> tuple[Figure, list[Axes]]:
    count = len(tuning.ranges)
    figure = Figure(figsize=(5 * count, 4), layout="constrained", dpi=120)
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _numbers(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Values to draw, and the labels of a categorical hyperparameter (empty for a number)."""
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(float), []
    codes, labels = pd.factorize(column, sort=True)
    return codes.astype(float), [str(each) for each in labels]


def _scale(axes: Axes, tuning: Tuning, *, name: str, labels: list[str], axis: str) -> None:
    if labels:
        axes.set(**{f"{axis}ticks": range(len(labels)), f"{axis}ticklabels": labels})
    elif tuning.ranges[name].logarithmic:
        axes.set(**{f"{axis}scale": "log"})


def _density(axes: Axes, values: np.ndarray, *, label: str, logarithmic: bool) -> None:
    position = np.log10(values) if logarithmic else values
    if len(position) < 3 or np.ptp(position) == 0:
        axes.plot(values, np.zeros_like(values), "|", markersize=14, label=label)
        return
    grid = np.linspace(position.min(), position.max(), 200)
    axes.plot(10**grid if logarithmic else grid, gaussian_kde(position)(grid), label=label)
