"""Draws the confusion matrix and the reliability diagram of the report; runs in the processing image."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from trainyard.contract.charts import INK, PALETTE, png
from trainyard.contract.intervals import wilson

LABEL_LETTERS, LONGEST_NAME = 13, 26
# Up to so many classes have their numbers in the picture, and so many have room for upright names below it.
NUMBERED_CLASSES, UPRIGHT_CLASSES = 10, 5
INCHES_PER_CLASS = 0.16


def confusion_matrix(table: np.ndarray, names: Sequence[str]) -> bytes:
    """Headlines by true class (rows) and predicted class (columns), shaded by the share of the row."""
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    many = len(names) > NUMBERED_CLASSES
    size = max(6.4, INCHES_PER_CLASS * len(names) + 2.0)
    upright = len(names) <= UPRIGHT_CLASSES
    figure = Figure(figsize=(size, size if many else 4.6 if upright else 5.8), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    if not many:
        _numbers(axes, table, shares=shares)
    short = [textwrap.shorten(name, LONGEST_NAME, placeholder="...") or name[:LONGEST_NAME] for name in names]
    across = [textwrap.fill(name, LABEL_LETTERS) for name in short] if upright else short
    _labelled(axes, "predicted", y_label="true")
    # `parse_math` off: a dollar sign in a name is a dollar sign.
    style: dict[str, Any] = {"fontsize": 6.5 if many else 8.5, "parse_math": False}
    axes.set_xticks(range(len(names)), across, rotation=0 if upright else 90, **style)
    axes.set_yticks(range(len(names)), short, **style)
    return png(figure)


def _numbers(axes: Any, table: np.ndarray, *, shares: np.ndarray) -> None:
    letters = 9 if len(table) <= 5 else 6.5
    for row, column in np.ndindex(*table.shape):
        color = "white" if shares[row, column] > 0.55 else INK
        text = f"{table[row, column]:,}\n{shares[row, column]:.1%}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=letters)


def reliability_diagram(bins: np.ndarray) -> bytes:
    """How often the model is right, with the 95 % interval, by how sure it says it is.

    `bins` are as `metrics.reliability_bins` gives them.
    """
    counts, stated, right = bins.T
    used = counts > 0
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="#9aa5b5", linewidth=1, linestyle="--")
    reach = np.abs(np.asarray(wilson(right[used], counts[used])) - right[used])
    above.errorbar(stated[used], right[used], yerr=reach, fmt="o-", capsize=3, color=PALETTE[0], linewidth=2)
    above.set_ylim(0, 1.02)
    width = 1.0 / len(bins)
    below.bar((np.arange(len(bins)) + 0.5) * width, counts, width=0.9 * width, color=PALETTE[0], alpha=0.6)
    _labelled(above, "", y_label="share that is right")
    _labelled(below, "probability of the predicted class", y_label="headlines")
    return png(figure)


def _labelled(axes: Any, x_label: str, *, y_label: str) -> None:
    axes.set_xlabel(x_label, color=INK)
    axes.set_ylabel(y_label, color=INK)
    axes.tick_params(colors=INK, labelsize=8.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
