"""Draws the pictures of reports as PNG bytes; runs in the processing image, on matplotlib without a display."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK = "#3a4352"
# Of what a model without any skill would draw.
NO_SKILL = "#b9c0cb"
PALETTE = (
    *("#2f6fde", "#e07b1a", "#1f9d61", "#c93a3a", "#8657c9", "#8b5e3c", "#d75fa8", "#6d7683", "#a8a61d", "#17a3b8"),
    *("#9bbcf5", "#f5c08d", "#8ed9b4", "#f0a3a3", "#c8aeea", "#ccae94", "#f0b6d8", "#bcc3cc", "#dcdb86", "#93dbe5"),
)
MAX_GROUPS = len(PALETTE)
NOTE_LENGTH = 30


def curves(
    panels: Mapping[str, Mapping[str, Sequence[float]]], *, x_label: str, kept: Mapping[str, int] | None = None
) -> bytes:
    """A panel per title, with its series over 1, 2, ...: quantities of one kind share axes, and no others do.

    `kept` says at which place the model was kept, by the title of the panel: counted from one, as people count epochs.
    """
    figure = Figure(figsize=(4.6 * len(panels), 3.1), layout="constrained")
    for place, (title, series) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), place + 1)
        first = place if len(series) == 1 else 0
        for color, (name, values) in zip(PALETTE[first:], series.items(), strict=False):
            line = range(1, len(values) + 1)
            axes.plot(line, list(values), color=color, linewidth=2, marker="o", markersize=3, label=name)
        if kept and title in kept:
            axes.axvline(kept[title], color=INK, linewidth=1, linestyle="--", label=f"kept: {x_label} {kept[title]}")
        if len(axes.get_lines()) > 1:
            axes.legend(frameon=False, fontsize=8, labelcolor=INK)
        axes.set_title(title, fontsize=11, color=INK, loc="left")
        axes.set_xlabel(x_label, color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        plain(axes)
    return png(figure)


def scatter(points: np.ndarray, groups: Sequence[str], *, notes: Mapping[int, str]) -> bytes:
    """Points [n, 2] coloured by group, with notes at some of them; the smallest groups share the last colour."""
    names, counts = np.unique(np.asarray(groups), return_counts=True)
    ranked = [str(name) for name in names[np.argsort(-counts, kind="stable")]]
    shown = ranked if len(ranked) <= MAX_GROUPS else [*ranked[: MAX_GROUPS - 1], "other"]
    label = np.asarray([each if each in shown else "other" for each in groups])
    figure = Figure(figsize=(10.5, 7.2), layout="constrained")
    axes = figure.add_subplot()
    for place, name in enumerate(shown):
        these = points[label == name]
        axes.scatter(these[:, 0], these[:, 1], s=14, color=PALETTE[place], label=name, alpha=0.85, linewidths=0)
    for row, note in notes.items():
        # `parse_math` off: a dollar sign in a name is a dollar sign.
        style: dict[str, Any] = {"fontsize": 7.5, "color": INK, "textcoords": "offset points", "parse_math": False}
        axes.annotate(textwrap.shorten(note, NOTE_LENGTH, placeholder="…"), points[row], xytext=(4, 3), **style)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)
    if len(shown) > 1:
        legend = figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=8.5, labelcolor=INK)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return png(figure)


def panel(axes: Axes, title: str, *, x: str, y: str) -> None:
    """Title, names of the axes, and a grid, of one of several panels."""
    axes.set_title(title, loc="left")
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.25)


def plain(axes: Axes) -> None:
    """Without a frame, but for the two axes."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)


def png(figure: Figure, *, dpi: int = 130) -> bytes:
    """A figure as PNG; without metadata, so that the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.set_dpi(dpi)
    # `savefig` would lay out and draw everything twice.
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
