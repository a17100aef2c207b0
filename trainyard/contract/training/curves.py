"""The figures of every epoch of a training: checked as they come, and kept in one file that reports read."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from trainyard.errors import JobFailed

CURVES_FILE = "curves.csv"


def finite_loss(loss: float, *, epoch: int, setting: str) -> float:
    """The loss of an epoch (from 0). Raises JobFailed when it is no number any more; `setting` is the rate to lower."""
    if math.isfinite(loss):
        return loss
    raise JobFailed(f"Expected a finite loss, found {loss} in epoch {epoch + 1}; set a smaller {setting}.")


def write(curves: Mapping[str, Sequence[float]], model_dir: Path) -> None:
    """Write `curves.csv`: a line per epoch, a column per metric, and no figure where a metric has fewer epochs."""
    with (model_dir / CURVES_FILE).open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["epoch", *curves])
        for epoch, row in enumerate(zip_longest(*curves.values()), start=1):
            lines.writerow([epoch, *("" if value is None else f"{value:.8g}" for value in row)])


def read(model_dir: Path) -> dict[str, list[float]]:
    """The metrics in `curves.csv`, each with one figure per epoch."""
    with (model_dir / CURVES_FILE).open(newline="", encoding="utf-8") as file:
        return parse(file)


def parse(lines: Iterable[str]) -> dict[str, list[float]]:
    """The metrics in the lines of such a file. Raises ValueError for what is no number."""
    rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name != "epoch"] if rows else []
    return {name: [float(row[name]) for row in rows if row[name]] for name in names}
