"""Searches the grid of the original's `model_tune`: one row per combination; runs in the training image.

Combinations of the same shape and batch size are trained side by side. As in the original, each learns from four fifths
of the rows and is judged on the last fifth, which is the validation folder: the holdout takes no part in the choice.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from recipes.propensity.config import Grid
from recipes.propensity.metrics import DECISION_LOGIT
from recipes.propensity.networks import combinations
from recipes.propensity.networks.combinations import Combination, Result
from recipes.propensity.networks.stacked_networks import NetworkSettings, StackedNetworks
from recipes.propensity.networks.training_loop import fit
from recipes.propensity.training_data import TrainingData
from trainyard.contract.tabular.probabilities import auc
from trainyard.contract.training.progress import progress

VALIDATION_FOLD = 0


def search(data: TrainingData, grid: Grid, *, learning_rate: float, seed: int) -> list[tuple[Combination, Result]]:
    """Every combination with its result, the lowest validation loss first."""
    wanted = combinations.of_grid(grid)
    found: list[tuple[Combination, Result]] = []
    key = _shape
    for _, members in itertools.groupby(sorted(wanted, key=key), key=key):
        found += _trained(data, list(members), learning_rate=learning_rate, seed=seed)
        progress(0.5 * len(found) / len(wanted), f"{len(found)} of {len(wanted)} combinations")
    return sorted(found, key=lambda each: each[1].validation_loss)


def model_tune(data: TrainingData, combination: Combination, *, learning_rate: float, seed: int) -> Result:
    """Train and judge one combination, as the original does it."""
    return _trained(data, [combination], learning_rate=learning_rate, seed=seed)[0][1]


def network_settings(combination: Combination, learning_rate: float) -> NetworkSettings:
    """What a network of this combination is and how it is trained."""
    names = ("node1", "node2", "dropout1", "dropout2", "optimizer", "lr_annealing")
    return NetworkSettings(**{name: getattr(combination, name) for name in names}, learning_rate=learning_rate)


def _shape(combination: Combination) -> tuple[int, int, int]:
    """Combinations that agree in this share a program without a node of padding."""
    return combination.batch_size, combination.node1, combination.node2


def _trained(
    data: TrainingData, members: Sequence[Combination], *, learning_rate: float, seed: int
) -> list[tuple[Combination, Result]]:
    settings = [network_settings(each, learning_rate) for each in members]
    networks = StackedNetworks(settings, data.inputs.shape[1], seed=seed)
    folds = np.full(len(members), VALIDATION_FOLD)
    first = members[0]
    state = fit(networks, data, validation_folds=folds, epochs=first.epochs, batch_size=first.batch_size, seed=seed)
    logits = networks.logits(data.inputs)
    return [
        (member, _result(data, own, epochs=int(epochs)))
        for member, own, epochs in zip(members, logits, state.epochs, strict=True)
    ]


def _result(data: TrainingData, logits: np.ndarray, *, epochs: int) -> Result:
    judged = data.folds == VALIDATION_FOLD
    labels = data.labels > 0.5
    called = logits > DECISION_LOGIT
    losses = np.logaddexp(0.0, logits) - data.labels * logits
    right = called == labels
    hits = int((called & labels & judged).sum())
    return Result(
        loss=float(losses[~judged].mean()),
        accuracy=float(right[~judged].mean()),
        validation_loss=float(losses[judged].mean()),
        validation_accuracy=float(right[judged].mean()),
        precision=hits / max(int((called & judged).sum()), 1),
        recall=hits / max(int((labels & judged).sum()), 1),
        auc=auc(logits[judged], data.labels[judged]),
        epochs_run=epochs,
    )
