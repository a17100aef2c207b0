"""Says where a model does well and where badly: its primary metric by groups of held-out examples; both images.

The scores are those that evaluate kept of each example, so that nothing is predicted again.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainyard.contract.config import RecipeConfig
from trainyard.contract.report import Cell, Section, Table
from trainyard.pages.formats import words
from trainyard.run import recipe
from trainyard.run.files import PER_EXAMPLE_FILE
from trainyard.stages.evaluate import per_example
from trainyard.stages.evaluate.bootstrap import Statistic, interval

MODULE = "slices"
# Five groups of a number show a trend, and each still has a fifth of the examples.
GROUPS = 5
MOST_LABELS = 8
OTHERS = "all others"
# Of fewer the interval would say nothing.
LEAST_EXAMPLES = 10
RESAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Some of the held-out examples: what they have in common, and where they are among all."""

    label: str
    rows: np.ndarray


def slice_sections(name: str, config: RecipeConfig, *, holdout: Path, evaluated: Path | None) -> tuple[Section, ...]:
    """The section of a recipe that tells its examples apart; none where it does not, or where no scores were kept."""
    if evaluated is None or not (evaluated / PER_EXAMPLE_FILE).is_file() or not _tells_apart(name):
        return ()
    places, scores = per_example.read_places((evaluated / PER_EXAMPLE_FILE).read_bytes())
    metric = config.gate.primary
    statistic = per_example.statistic(name, metric)
    kinds = recipe.module(name, MODULE).slices(holdout, config=config)
    tables = [
        Table(
            columns=(kind, "examples", words(metric), f"{config.gate.confidence:.0%} from", "to"),
            rows=[
                _row(each, scores, statistic=statistic, config=config) for each in slices_of(np.asarray(values)[places])
            ],
        )
        for kind, values in kinds.items()
    ]
    text = f"The {words(metric)} on parts of the held-out examples, each with its interval."
    return (Section(title="Where it does well and badly", text=text, tables=tuple(tables)),)


def slices_of(values: np.ndarray) -> list[Slice]:
    """Groups of about equally many examples by a number, or the most frequent labels and the others.

    >>> [each.label for each in slices_of(np.array([1, 1, 2, 3, 9, 9]))]
    ['1', '2', '3', '9']
    >>> [each.label for each in slices_of(np.array(["a", "b", "a"]))]
    ['a', 'b']
    """
    return list(_by_number(values) if np.issubdtype(values.dtype, np.number) else _by_label(values))


def _by_number(values: np.ndarray) -> Iterator[Slice]:
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.arange(1, GROUPS) / GROUPS, method="higher")) if len(known) else known
    group = np.searchsorted(edges, values, side="right")
    for number in range(len(edges) + 1):
        rows = np.flatnonzero((group == number) & np.isfinite(values))
        if len(rows):
            low, high = values[rows].min(), values[rows].max()
            yield Slice(label=f"{low:g}" if low == high else f"{low:g} to {high:g}", rows=rows)
    if len(known) < len(values):
        yield Slice(label="none", rows=np.flatnonzero(~np.isfinite(values)))


def _by_label(values: np.ndarray) -> Iterator[Slice]:
    labels, counts = np.unique(values.astype(str), return_counts=True)
    shown = labels[np.argsort(-counts, kind="stable")][:MOST_LABELS]
    for label in shown.tolist():
        yield Slice(label=label or "none", rows=np.flatnonzero(values.astype(str) == label))
    others = np.flatnonzero(~np.isin(values.astype(str), shown))
    if len(others):
        yield Slice(label=OTHERS, rows=others)


def _row(found: Slice, scores: np.ndarray, *, statistic: Statistic, config: RecipeConfig) -> Sequence[Cell]:
    """A metric that says nothing of so few examples is left out."""
    own = scores[found.rows]
    if len(own) < LEAST_EXAMPLES:
        return (found.label, len(own), None, None, None)
    ends = interval(own, statistic=statistic, confidence=config.gate.confidence, resamples=RESAMPLES, seed=config.seed)
    return (found.label, len(own), statistic(own), *ends)


def _tells_apart(name: str) -> bool:
    """Whether the recipe, or the package that it builds on, has the optional module."""
    return importlib.util.find_spec(recipe.module_name(name, MODULE)) is not None
