"""Trains what stands beside the networks, fold by fold, and weighs them; runs in the training image.

One boosting and one logistic regression per fold learn from the rows that the fold's networks learn from, so that each
row has log odds by members that have not seen it. The share of the trees is fixed unless another is better beyond
doubt: chosen on those rows it would lean to the networks, which stop where they fit these rows best. The straight
line is all of it where no blend is clearly better, and then the very one that evaluation compares the model with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recipes.propensity.features import Encoder
from recipes.propensity.inference import Shares, linear_logits
from recipes.propensity.members.boosting import TreeColumns, boosted, taken_apart
from recipes.propensity.members.logistic_regression import logistic_regression
from recipes.propensity.members.trees import Trees
from recipes.propensity.metrics import log_losses
from recipes.propensity.training_data import TrainingData
from trainyard.contract.lean.threads import threads_for
from trainyard.contract.training.paired_losses import clearly_lower

TREES_SHARE, OTHER_SHARES = 0.6, (0.2, 0.4, 0.8, 1.0)
# What is learned of each tree. The more there is to learn, the more of it is right: 0.06 for 20,000 rows of a bent
# truth, 0.1 and more for 150,000, where 0.03 falls 0.009 of AUC behind scikit-learn's own settings.
RATES = (0.03, 0.06, 0.12, 0.24)
# Of more rows each fold's trees see a part, and those of all folds together up to five times as many.
MAX_LEARNED_ROWS = 200_000
# From as many rows of either outcome on, the two lowest would only cost time.
MANY_OUTCOMES = 20_000
# Standard errors by which a choice has to be better than the one before it.
CLEAR_RATE, CLEAR_SHARE, CLEAR_BEND = 1.0, 3.0, 2.0
LINEAR_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class Members:
    """What is trained beside the networks, and its log odds of each of the asked rows by what has not seen the row.

    `linear` itself is learned from all rows.
    """

    trees: Trees
    linear: np.ndarray
    unseen_trees: np.ndarray
    unseen_linear: np.ndarray

    def shares(self, unseen_networks: np.ndarray, labels: np.ndarray) -> Shares:
        """How much each member counts, by the loss on rows that the members did not learn from.

        The straight line is the whole model unless a blend is better by more than two standard errors (after Breiman et
        al. 1984, "Classification and Regression Trees", section 3.4.3): few rows have to show more of a bend than many.
        Of such blends it is the best one; where outcomes are rare, a little of a bend is sure before much of it is.
        """

        def losses(shares: Shares) -> np.ndarray:
            blended = shares.blended(unseen_networks, self.unseen_trees, linear=self.unseen_linear)
            return log_losses(blended, labels)

        usual = losses(Shares(trees=TREES_SHARE))
        best = min(OTHER_SHARES, key=lambda trees: float(losses(Shares(trees=trees)).mean()))
        clear = clearly_lower(losses(Shares(trees=best)), usual, errors=CLEAR_SHARE)
        trees = best if clear else TREES_SHARE
        found = {each: losses(each) for each in (Shares(trees=trees, linear=linear) for linear in LINEAR_SHARES)}
        *blends, straight = found
        bent = [each for each in blends if clearly_lower(found[each], found[straight], errors=CLEAR_BEND)]
        return min(bent, key=lambda each: float(found[each].mean()), default=straight)


def fit(
    data: TrainingData,
    encoder: Encoder,
    *,
    folds: np.ndarray,
    rows: np.ndarray,
    rounds: int,
    seed: int,
    on_fold: Callable[[int], None] = lambda _fold: None,
) -> Members:
    """One boosting of `rounds` trees and one logistic regression per fold; `rows` are all that lie in these folds."""
    columns = TreeColumns.of(encoder)
    read, place = columns.of_inputs(data.inputs), np.full(len(data.labels), -1)
    place[rows] = np.arange(len(rows))
    unseen = {name: np.empty(len(rows)) for name in ("trees", "linear")}
    models, rate = list[Any](), None
    for number, fold in enumerate(folds.tolist()):
        judged = data.folds == fold
        learned = _part(np.flatnonzero(~judged), number)
        boosting = _Boosting(
            columns=columns, read=read, labels=data.labels, learned=learned, judged=judged, rounds=rounds
        )
        if rate is None:
            rate, model, logits = boosting.at_the_best_rate(seed=seed)
        else:
            model, logits = boosting.at_rate(rate, seed=seed + number)
        line = logistic_regression(data, ~judged)
        unseen["trees"][place[judged]] = logits
        unseen["linear"][place[judged]] = linear_logits(line, data.inputs[judged])
        models.append(model)
        on_fold(number)
    return Members(
        trees=taken_apart(models, columns),
        linear=logistic_regression(data, np.ones(len(data.labels), np.bool_)),
        unseen_trees=unseen["trees"],
        unseen_linear=unseen["linear"],
    )


def _part(rows: np.ndarray, number: int) -> np.ndarray:
    """At most `MAX_LEARNED_ROWS` of the rows, evenly spread; of another number others."""
    step = max(1, -(-len(rows) // MAX_LEARNED_ROWS))
    return rows[number % step :: step]


@dataclass(frozen=True, kw_only=True)
class _Boosting:
    """Boosting of the rows numbered `learned`; `judged` flags those of the one fold that is not among them."""

    columns: TreeColumns
    read: np.ndarray
    labels: np.ndarray
    learned: np.ndarray
    judged: np.ndarray
    rounds: int

    def at_rate(self, rate: float, *, seed: int) -> tuple[Any, np.ndarray]:
        """The model, and its log odds of the rows that it did not learn from."""
        learned, kinds = self.learned, self.columns.categorical
        model = boosted(
            self.read[learned], self.labels[learned], categorical=kinds, rounds=self.rounds, rate=rate, seed=seed
        )
        with threads_for(int(self.judged.sum())):
            return model, model.decision_function(self.read[self.judged])

    def at_the_best_rate(self, *, seed: int) -> tuple[float, Any, np.ndarray]:
        """The first of `RATES` than which the next is not clearly better, with its model and log odds."""
        labels = self.labels[self.judged]
        sales = int(self.labels.sum())
        first, *others_to_try = RATES[2:] if min(sales, len(self.labels) - sales) >= MANY_OUTCOMES else RATES
        best = (first, *self.at_rate(first, seed=seed))
        for rate in others_to_try:
            found = (rate, *self.at_rate(rate, seed=seed))
            losses, others = (log_losses(each[2], labels) for each in (found, best))
            if not clearly_lower(losses, others, errors=CLEAR_RATE):
                break
            best = found
        return best
