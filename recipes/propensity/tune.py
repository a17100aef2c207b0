"""Searches the grid of the original's `model_tune`: one row per combination; runs in the training image.

Combinations of the same shape and batch size are trained side by side. As in the original, each learns from four fifths
of the rows and is judged on the last fifth, which is the validation folder: the holdout takes no part in the choice.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import tensorflow as tf

from recipes.propensity.committee import Committee, Network
from recipes.propensity.config import Grid
from recipes.propensity.examples import Examples
from recipes.propensity.fitting import fit
from recipes.propensity.population import auc
from trainyard.progress import progress

VALIDATION_FOLD = 0
# In the sample a visit is called a sale from here on, as in the original.
EVEN_CHANCE = 0.0


@dataclass(frozen=True, kw_only=True)
class Combination:
    """The arguments of `model_tune`."""

    node1: int
    node2: int
    dropout1: float
    dropout2: float
    optimizer: str
    lr_annealing: float
    batch_size: int
    epochs: int

    def network(self, learning_rate: float) -> Network:
        names = ("node1", "node2", "dropout1", "dropout2", "optimizer", "lr_annealing")
        return Network(**{name: getattr(self, name) for name in names}, learning_rate=learning_rate)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one combination reached: loss and accuracy on both parts, the rest on the validation part."""

    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    precision: float
    recall: float
    auc: float
    epochs_run: int


def combinations(grid: Grid) -> list[Combination]:
    """Every combination of the grid's values, in their order."""
    names = [each.name for each in fields(grid) if each.name != "epochs"]
    products = itertools.product(*(getattr(grid, name) for name in names))
    return [Combination(**dict(zip(names, values, strict=True)), epochs=grid.epochs) for values in products]


def search(examples: Examples, grid: Grid, *, learning_rate: float, seed: int) -> list[tuple[Combination, Result]]:
    """Every combination with its result, the lowest validation loss first."""
    wanted = combinations(grid)
    found: list[tuple[Combination, Result]] = []
    key = _shape
    for _, members in itertools.groupby(sorted(wanted, key=key), key=key):
        found += _tuned(examples, list(members), learning_rate, seed)
        progress(0.5 * len(found) / len(wanted), f"{len(found)} of {len(wanted)} combinations")
    return sorted(found, key=lambda each: each[1].validation_loss)


def model_tune(examples: Examples, combination: Combination, *, learning_rate: float, seed: int) -> Result:
    """Train and judge one combination, as the original does it."""
    return _tuned(examples, [combination], learning_rate, seed)[0][1]


def write(path: Path, results: Sequence[tuple[Combination, Result]]) -> None:
    """One line per combination, the best first."""
    rows = [asdict(combination) | asdict(result) for combination, result in results]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _shape(combination: Combination) -> tuple[int, int, int]:
    """Combinations that agree in this share a program without a node of padding."""
    return combination.batch_size, combination.node1, combination.node2


def _tuned(
    examples: Examples, members: Sequence[Combination], learning_rate: float, seed: int
) -> list[tuple[Combination, Result]]:
    committee = Committee([each.network(learning_rate) for each in members], examples.inputs.shape[1], seed=seed)
    validating = np.full(len(members), VALIDATION_FOLD)
    first = members[0]
    state = fit(committee, examples, validating, epochs=first.epochs, batch_size=first.batch_size, seed=seed)
    logits = committee.scores(tf.constant(examples.inputs)).numpy()
    return [
        (member, _result(examples, own, int(epochs)))
        for member, own, epochs in zip(members, logits, state.epochs, strict=True)
    ]


def _result(examples: Examples, logits: np.ndarray, epochs: int) -> Result:
    judged = examples.folds == VALIDATION_FOLD
    labels = examples.labels > 0.5
    called = logits > EVEN_CHANCE
    losses = np.logaddexp(0.0, logits) - examples.labels * logits
    right = called == labels
    hits = int((called & labels & judged).sum())
    return Result(
        loss=float(losses[~judged].mean()),
        accuracy=float(right[~judged].mean()),
        validation_loss=float(losses[judged].mean()),
        validation_accuracy=float(right[judged].mean()),
        precision=hits / max(int((called & judged).sum()), 1),
        recall=hits / max(int((labels & judged).sum()), 1),
        auc=auc(logits[judged], examples.labels[judged]),
        epochs_run=epochs,
    )
