"""Word clouds of topics and of documents as PNG; runs in the processing image."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from wordcloud import WordCloud  # type: ignore[import-untyped]

COLUMNS = 4
WIDTH, HEIGHT = 330, 210


def clouds(weights: Sequence[Mapping[str, float]], titles: Sequence[str], *, seed: int) -> bytes:
    """One cloud per mapping of words to weights, in rows of four; an empty mapping leaves its place empty."""
    rows = -(-len(weights) // COLUMNS)
    figure = Figure(figsize=(3.4 * COLUMNS, 2.5 * rows), layout="constrained")
    panels = np.atleast_1d(figure.subplots(rows, COLUMNS, squeeze=False)).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, words, title in zip(panels, weights, titles, strict=False):
        axes.set_title(title, fontsize=10, loc="left")
        if words:
            axes.imshow(_cloud(words, seed), interpolation="bilinear")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
    return buffer.getvalue()


def _cloud(words: Mapping[str, float], seed: int) -> np.ndarray:
    cloud = WordCloud(
        width=WIDTH,
        height=HEIGHT,
        background_color="white",
        colormap="viridis",
        prefer_horizontal=1.0,
        max_words=30,
        random_state=seed,
    )
    return np.asarray(cloud.generate_from_frequencies(dict(words)).to_array())
