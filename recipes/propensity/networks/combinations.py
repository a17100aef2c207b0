"""Combinations of hyperparameters and what each reached, a line each in a file of the model folder; no TensorFlow."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from recipes.propensity.config import Grid

COMBINATIONS_FILE = "combinations.csv"
KINDS = {"optimizer": str, "dropout1": float, "dropout2": float, "lr_annealing": float}


@dataclass(frozen=True, kw_only=True)
class Combination:
    """The arguments of the original's `model_tune`."""

    node1: int
    node2: int
    dropout1: float
    dropout2: float
    optimizer: str
    lr_annealing: float
    batch_size: int
    epochs: int


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


def of_grid(grid: Grid) -> list[Combination]:
    """Every combination of the grid's values, in their order."""
    names = [each.name for each in fields(grid) if each.name != "epochs"]
    products = itertools.product(*(getattr(grid, name) for name in names))
    return [Combination(**dict(zip(names, values, strict=True)), epochs=grid.epochs) for values in products]


def write(path: Path, results: Sequence[tuple[Combination, Result]]) -> None:
    """One line per combination, the best first."""
    rows = [asdict(combination) | asdict(result) for combination, result in results]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    """The lines of the file as texts by column, the best first."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_best(path: Path) -> Combination:
    """The combination with the lowest validation loss."""
    best = read(path)[0]
    return Combination(**{each.name: KINDS.get(each.name, int)(best[each.name]) for each in fields(Combination)})
