"""Draws the curves of the report; runs in the processing image, on matplotlib without a display."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from trainyard.contract.charts import NO_SKILL, PALETTE, panel, png
from trainyard.contract.tabular.thresholds import Curve

# A model without a mistake costs nothing.
SMALLEST_COST = 1e-9


def ranking_curves(curve: Curve, *, missed: Sequence[float]) -> bytes:
    """ROC, precision over recall, lift, and cost by threshold for each cost of a missed sale, as one PNG picture."""
    figure = Figure(figsize=(9.2, 7.2), layout="constrained")
    roc, precision, lift, cost = figure.subplots(2, 2).ravel()
    panel(roc, "ROC", x="false alarms, share of the others", y="sales found, share")
    roc.plot([0, 1], [0, 1], color=NO_SKILL, linewidth=1.5)
    roc.plot([0, *curve.false_alarms], [0, *curve.recall], color=PALETTE[0])
    panel(precision, "Precision and recall", x="sales found, share", y="sales among those called, share")
    precision.axhline(curve.rate, color=NO_SKILL, linewidth=1.5)
    precision.plot(curve.recall, curve.precision, color=PALETTE[0])
    panel(lift, "Lift", x="visits called, share", y="times as many sales as at random")
    lift.axhline(1, color=NO_SKILL, linewidth=1.5)
    lift.plot(curve.called, curve.lift, color=PALETTE[0])
    panel(cost, "Cost by threshold", x="threshold", y="cost of the best, times")
    for color, each in zip(PALETTE, missed, strict=False):
        costs = curve.cost(each)
        cost.plot(
            curve.thresholds, costs / max(costs.min(), SMALLEST_COST), color=color, label=f"missed sale: {each:g}"
        )
    # With few sales all that matters lies close to zero.
    cost.set(xscale="log", ylim=(0.9, 4))
    cost.legend(frameon=False)
    return png(figure)
