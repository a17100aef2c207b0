"""Draws the pictures of the report: word clouds, a map of reviews and curves; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from wordcloud import WordCloud  # type: ignore[import-untyped]

from recipes.neural_topic_model.topics.over_time import TopicsOverTime
from trainyard.contract import charts
from trainyard.contract.projection import tsne

COLUMNS = 4
CLOUD_WORDS = 30
MAX_CLOUDS = 24
TIME_COLUMNS, MAX_TIME_PANELS = 2, 8
# Words are placed on a small canvas, which is four times as quick, and drawn at twice its size.
CLOUD_WIDTH, CLOUD_HEIGHT, CLOUD_SCALE = 165, 105, 2


def word_clouds(weights: Sequence[Mapping[str, float]], titles: Sequence[str], *, seed: int) -> bytes:
    """A cloud for each of the first `MAX_CLOUDS` mappings of words to weights; an empty one leaves its panel empty."""
    weights = weights[:MAX_CLOUDS]
    rows = -(-len(weights) // COLUMNS)
    figure = Figure(figsize=(3.4 * COLUMNS, 2.5 * rows))
    # A layout of matplotlib's own measures every panel, which takes longer than all that is drawn.
    panels = figure.add_gridspec(rows, COLUMNS, left=0.01, right=0.99, bottom=0.0, top=1.0, hspace=0.0, wspace=0.03)
    for place, (words, title) in enumerate(zip(weights, titles, strict=False)):
        axes = figure.add_subplot(panels[place // COLUMNS, place % COLUMNS])
        axes.set_axis_off()
        axes.text(0.0, 1.0, title, fontsize=10, transform=axes.transAxes, va="bottom", parse_math=False)
        if words:
            axes.imshow(_cloud(words, seed), interpolation="bilinear")
    return charts.png(figure, dpi=90)


def review_map(shares: np.ndarray, names: Sequence[str], *, seed: int) -> bytes:
    """t-SNE of the topic shares of reviews [reviews, topics], coloured by the name of the strongest topic."""
    # Of unit vectors, for what counts is what documents are about, however much of each is spread over all topics.
    points = tsne(shares / np.linalg.norm(shares, axis=1, keepdims=True), seed)
    return charts.scatter(points, [names[topic] for topic in shares.argmax(axis=1)], notes={})


def over_time(found: TopicsOverTime, titles: Sequence[str]) -> bytes:
    """A panel for each of the topics that changed most: share by period with its interval, and the mean of all periods.

    `titles` are those of all topics.
    """
    shown = found.by_change[:MAX_TIME_PANELS].tolist()
    rows, starts = -(-len(shown) // TIME_COLUMNS), found.starts.astype(object)
    # Narrow, so that a telephone shows letters of a size that can be read.
    height = 1.9 * rows
    figure = Figure(figsize=(7.2, height))
    edges = {"left": 0.07, "right": 0.98, "bottom": 0.3 / height, "top": 1.0 - 0.3 / height}
    panels = figure.add_gridspec(rows, TIME_COLUMNS, **edges, hspace=0.5, wspace=0.2)
    for place, topic in enumerate(shown):
        axes = figure.add_subplot(panels[place // TIME_COLUMNS, place % TIME_COLUMNS])
        axes.fill_between(starts, found.low[:, topic], found.high[:, topic], color=charts.PALETTE[0], alpha=0.2, lw=0)
        axes.plot(starts, found.shares[:, topic], color=charts.PALETTE[0], linewidth=1.8, marker="o", markersize=2.5)
        mean = np.average(found.shares[:, topic], weights=found.reviews)
        axes.axhline(mean, color=charts.NO_SKILL, linestyle="--", linewidth=1)
        axes.set_title(titles[topic], fontsize=8.5, color=charts.INK, loc="left", parse_math=False)
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        locator = AutoDateLocator(minticks=3, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        charts.plain(axes)
    return charts.png(figure)


def training_curves(metrics: Mapping[str, Sequence[float]], *, kept: int) -> bytes:
    """Both losses on one pair of axes and the quality of topics by epoch; `kept` is the one of the model, from 1."""
    panels = {
        "loss, nats per review": {"training": metrics["loss"], "validation": metrics["validation_loss"]},
        "topic quality, validation": {"topic quality": metrics["validation_topic_quality"]},
    }
    return charts.curves(panels, x_label="epoch", kept=dict.fromkeys(panels, kept))


def _cloud(words: Mapping[str, float], seed: int) -> np.ndarray:
    cloud = WordCloud(
        width=CLOUD_WIDTH,
        height=CLOUD_HEIGHT,
        scale=CLOUD_SCALE,
        background_color="white",
        colormap="viridis",
        prefer_horizontal=1.0,
        max_words=CLOUD_WORDS,
        random_state=seed,
    )
    return np.asarray(cloud.generate_from_frequencies(dict(words)).to_array())
