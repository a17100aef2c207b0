"""The section of the report on what calling visits from a probability on would bring; runs in the processing image."""

from __future__ import annotations

import numpy as np

from recipes.propensity import plots
from trainyard.contract.report import Cell, Figure, Section, Table
from trainyard.contract.tabular.thresholds import Curve

CALLED_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
# What a missed sale costs, in calls in vain.
MISSED_COSTS = (1.0, 5.0, 25.0, 100.0)


def thresholds_section(ranking: Curve, threshold: float) -> Section:
    """Of a model whose `likely` begins at `threshold`: ROC, precision, lift and cost, as pictures and numbers."""
    text = (
        f"Held-out visits, weighed as the population has them. 'likely' means a probability from {threshold:.4g} on, "
        "which has the best F1. Where a missed sale costs as much as that many calls in vain, calls pay from the "
        "threshold of the lowest cost on; with right probabilities that is 1 / (1 + cost)."
    )
    figure = Figure(
        png=plots.ranking_curves(ranking, missed=MISSED_COSTS),
        alt="ROC, precision over recall, lift over the share called, and cost over the threshold.",
    )
    called = [ranking.at(share) for share in CALLED_SHARES]
    shares = Table(
        columns=("visits called, share", "from probability", "sales among them", "of all sales", "lift"),
        rows=[
            [float(each[place]) for each in (ranking.called, ranking.thresholds, ranking.precision, ranking.recall)]
            + [float(ranking.lift[place])]
            for place in called
        ],
    )
    costs = Table(
        columns=("missed sale costs", "best from probability", "cost per visit", "nobody called", "everybody called"),
        rows=[_cost_row(ranking, missed) for missed in MISSED_COSTS],
    )
    return Section(title="Thresholds", text=text, figures=(figure,), tables=(shares, costs))


def _cost_row(ranking: Curve, missed: float) -> list[Cell]:
    costs = ranking.cost(missed)
    best = int(np.argmin(costs))
    return [missed, float(ranking.thresholds[best]), float(costs[best]), missed * ranking.rate, 1.0 - ranking.rate]
