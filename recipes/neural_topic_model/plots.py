"""Draws the pictures of the report: word clouds, a map of reviews and curves; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from wordcloud import WordCloud  # type: ignore[import-untyped]

from trainyard.contract import charts

SHOWN_METRICS = ("loss", "validation_loss", "validation_topic_quality")
COLUMNS = 4
CLOUD_WORDS = 30
CLOUD_WIDTH, CLOUD_HEIGHT = 330, 210


def word_clouds(weights: Sequence[Mapping[str, float]], titles: Sequence[str], *, seed: int) -> bytes:
    """One cloud per mapping of words to weights, in rows of four; an empty mapping leaves its panel empty."""
    rows = -(-len(weights) // COLUMNS)
    figure = Figure(figsize=(3.4 * COLUMNS, 2.5 * rows), layout="constrained")
    panels = np.atleast_1d(figure.subplots(rows, COLUMNS, squeeze=False)).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, words, title in zip(panels, weights, titles, strict=False):
        axes.set_title(title, fontsize=10, loc="left")
        if words:
            axes.imshow(_cloud(words, seed), interpolation="bilinear")
    return charts.png(figure, dpi=90)


def review_map(shares: np.ndarray, names: Sequence[str], *, seed: int) -> bytes:
    """t-SNE of the topic shares of reviews [reviews, topics], coloured by the name of the strongest topic."""
    perplexity = min(30.0, max(2.0, (len(shares) - 1) / 3))
    # Cosine compares what documents are about, however much of each is spread over all topics.
    points = TSNE(perplexity=perplexity, metric="cosine", init="random", random_state=seed).fit_transform(shares)
    return charts.scatter(points, [names[topic] for topic in shares.argmax(axis=1)], notes={})


def training_curves(metrics: Mapping[str, Sequence[float]]) -> bytes:
    """Some metrics of the training by epoch."""
    return charts.curves({name: metrics[name] for name in SHOWN_METRICS}, x_label="epoch")


def _cloud(words: Mapping[str, float], seed: int) -> np.ndarray:
    cloud = WordCloud(
        width=CLOUD_WIDTH,
        height=CLOUD_HEIGHT,
        background_color="white",
        colormap="viridis",
        prefer_horizontal=1.0,
        max_words=CLOUD_WORDS,
        random_state=seed,
    )
    return np.asarray(cloud.generate_from_frequencies(dict(words)).to_array())
