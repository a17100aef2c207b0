"""Draws the reliability diagram of the report; runs in the processing image, on matplotlib without a display."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from recipes.propensity.metrics import ReliabilityBin
from trainyard.contract.charts import PALETTE, png


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> bytes:
    """Observed share of sales over predicted probability as a PNG picture.

    On logarithmic axes, for most groups of a shop with few sales lie close to zero.
    """
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    seen = [each for each in bins if each.observed > 0]
    ends = [min(each.predicted for each in bins), max(max(each.predicted, each.observed) for each in bins)]
    axes.plot(ends, ends, color="#b9c0cb", linewidth=1.5, label="calibrated")
    axes.plot(
        [each.predicted for each in seen], [each.observed for each in seen], "o-", color=PALETTE[0], label="model"
    )
    axes.set(xscale="log", yscale="log", xlabel="predicted probability", ylabel="observed share of sales")
    axes.legend(frameon=False)
    axes.grid(alpha=0.25)
    return png(figure)
