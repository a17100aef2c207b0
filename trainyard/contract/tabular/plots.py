"""Draws the curves of a tabular report as PNG bytes; runs in the processing image, on matplotlib without a display."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from trainyard.contract.charts import NO_SKILL, PALETTE, panel, png
from trainyard.contract.tabular.probabilities import ReliabilityBin
from trainyard.contract.tabular.thresholds import Curve

MAX_POINTS = 5000


def ranking_curves(curve: Curve) -> bytes:
    """ROC, precision over recall, and lift over the share called, side by side."""
    figure = Figure(figsize=(12.4, 4.0), layout="constrained")
    roc, precision, lift = figure.subplots(1, 3)
    panel(roc, "ROC", x="false alarms, share of the others", y="found, share")
    roc.plot([0, 1], [0, 1], color=NO_SKILL, linewidth=1.5)
    roc.plot([0, *curve.false_alarms], [0, *curve.recall], color=PALETTE[0])
    panel(precision, "Precision and recall", x="found, share", y="right among those called, share")
    precision.axhline(curve.rate, color=NO_SKILL, linewidth=1.5)
    precision.plot(curve.recall, curve.precision, color=PALETTE[0])
    panel(lift, "Lift", x="rows called, share", y="times as many as at random")
    lift.axhline(1, color=NO_SKILL, linewidth=1.5)
    lift.plot(curve.called, curve.lift, color=PALETTE[0])
    return png(figure)


def reliability_diagram(bins: Sequence[ReliabilityBin], *, logarithmic: bool = False) -> bytes:
    """Observed share with its interval over predicted probability, a point per group of rows.

    On logarithmic axes where most groups lie close to zero; groups without a one have no place there.
    """
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    panel(axes, "Calibration, with 95 % intervals", x="predicted probability", y="observed share")
    shown = [each for each in bins if each.observed > 0 or not logarithmic]
    ends = [0.0, 1.0]
    if logarithmic:
        ends = [min(each.predicted for each in bins), max(max(each.predicted, each.high) for each in bins)]
        axes.set(xscale="log", yscale="log")
    axes.plot(ends, ends, color=NO_SKILL, linewidth=1.5, label="calibrated")
    observed = np.asarray([each.observed for each in shown])
    reach = np.abs(np.asarray([[each.low for each in shown], [each.high for each in shown]]) - observed)
    axes.errorbar(
        [each.predicted for each in shown], observed, yerr=reach, fmt="o-", capsize=3, color=PALETTE[0], label="model"
    )
    axes.legend(frameon=False)
    return png(figure)


def predicted_values(predictions: np.ndarray, labels: np.ndarray) -> bytes:
    """What was predicted over what was, and how far it was off, of the first rows."""
    figure = Figure(figsize=(10.4, 4.4), layout="constrained")
    values, errors = figure.subplots(1, 2)
    shown, true = predictions[:MAX_POINTS], labels[:MAX_POINTS]
    panel(values, "Predicted and true", x="true value", y="predicted value")
    ends = [float(true.min()), float(true.max())]
    values.plot(ends, ends, color=NO_SKILL, linewidth=1.5)
    values.scatter(true, shown, s=8, color=PALETTE[0], alpha=0.5, linewidths=0)
    panel(errors, "Errors", x="predicted less true value", y="rows")
    errors.hist(shown - true, bins=40, color=PALETTE[0])
    return png(figure)
