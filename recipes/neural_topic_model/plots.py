"""Draws the pictures of the report: word clouds, a map of reviews and curves; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from wordcloud import WordCloud  # type: ignore[import-untyped]

from trainyard.contract import charts
from trainyard.contract.projection import tsne

SHOWN_METRICS = ("loss", "validation_loss", "validation_topic_quality")
COLUMNS = 4
CLOUD_WORDS = 30
MAX_CLOUDS = 24
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


def training_curves(metrics: Mapping[str, Sequence[float]]) -> bytes:
    """Some metrics of the training by epoch."""
    return charts.curves({name: metrics[name] for name in SHOWN_METRICS}, x_label="epoch")


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
