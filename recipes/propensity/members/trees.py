"""Boosted trees as tables of reachable leaves: log odds of network inputs; for train, evaluate, report and serve.

After QuickScorer (Lucchese et al. 2015, "QuickScorer: a Fast Algorithm to Rank Documents with Additive Ensembles of
Regression Trees"): a split removes the leaves on its left from those its tree can end in where its input is above its
threshold; of what all splits leave, the leftmost leaf is the tree's. What the splits of one input remove together
depends only on how many thresholds lie below its value, so it is worked out once for every tree at a time: a visit
takes one line of a table per input, and an AND of them. scikit-learn's own function takes milliseconds for one visit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

TREES_FILE = "trees.npz"
# Leaves of a tree: as many as a line of a table has bits for it.
LEAVES = 16
EVERY_LEAF = np.uint16(2**LEAVES - 1)
# The number of the lowest bit of each set of leaves.
LEFTMOST = np.array([0, *((each & -each).bit_length() - 1 for each in range(1, 2**LEAVES))], dtype=np.uint8)
# Few enough for their sets of leaves to stay in a core's cache.
BLOCK_ROWS = 128


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Splits of all trees side by side, one entry each: leaves `kept` where `inputs[input]` is above `threshold`.

    `input` and `tree` int32, `threshold` float64, `kept` uint16 (a bit per leaf, the leftmost lowest).
    """

    input: np.ndarray
    threshold: np.ndarray
    tree: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """`lines` [lines, trees]: sets of leaves. Inputs of several thresholds have a line per number of them exceeded.

    `many`: input, thresholds in their order, first line. `once`: inputs of one threshold, whose lines begin at `first`
    and are taken where the input is above it.
    """

    lines: np.ndarray
    many: Sequence[tuple[int, list[float], int]]
    once: np.ndarray
    once_above: np.ndarray
    first: int


@dataclass(frozen=True, kw_only=True)
class Trees:
    """The sum of trees, or the mean of several such sums: `base` plus one of `values` [trees, LEAVES] per tree."""

    base: float
    values: np.ndarray
    splits: Splits

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Log odds in the sample of network inputs, float32 [rows, inputs] -> [rows]."""
        if len(inputs) == 1:
            return self.logits_of_leaves(self._leaves_of_one(inputs[0])[None])
        blocks = [
            self.logits_of_leaves(self._leaves(inputs[start : start + BLOCK_ROWS]))
            for start in range(0, len(inputs), BLOCK_ROWS)
        ]
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def logits_of_leaves(self, leaves: np.ndarray) -> np.ndarray:
        """The values of the leftmost of sets of leaves [rows, trees], added up [rows]."""
        places = LEFTMOST.take(leaves) + self._firsts
        return np.asarray(self.base + self.values.ravel().take(places).sum(axis=1))

    def leaves_by_group(self, inputs: np.ndarray, groups: np.ndarray, *, count: int) -> np.ndarray:
        """The leaves that groups of inputs leave to one visit, each by itself [count, trees].

        `inputs` [inputs] are the visit's, `groups` [inputs] the number of the group that each is in; those from `count`
        on are left out.
        """
        found = np.full((count, len(self.values)), EVERY_LEAF)
        tables = self._tables
        lines, above = self._lines_of_one(inputs)
        lines += (tables.first + above).tolist()
        places = [*(place for place, _, _ in tables.many), *tables.once.take(above).tolist()]
        for line, group in zip(lines, groups.take(places).tolist(), strict=True):
            if group < count:
                found[group] &= tables.lines[line]
        return found

    def _leaves_of_one(self, inputs: np.ndarray) -> np.ndarray:
        """The leaves that one visit can end in [trees]: for a single one, calls of numpy take longer than the work."""
        lines, above = self._lines_of_one(inputs)
        lines += (self._tables.first + above).tolist()
        return np.asarray(np.bitwise_and.reduce(self._tables.lines.take(lines, axis=0), axis=0))

    def _lines_of_one(self, inputs: np.ndarray) -> tuple[list[int], np.ndarray]:
        """The lines that a visit takes for `many`, and the numbers of the lines that it takes for `once`."""
        tables, values = self._tables, inputs.tolist()
        lines = [first + bisect_left(thresholds, values[place]) for place, thresholds, first in tables.many]
        return lines, (inputs.take(tables.once) > tables.once_above).nonzero()[0]

    def _leaves(self, inputs: np.ndarray) -> np.ndarray:
        """The leaves that visits can end in [rows, trees]."""
        tables = self._tables
        found = np.full((len(inputs), len(self.values)), EVERY_LEAF)
        for place, thresholds, first in tables.many:
            found &= tables.lines.take(first + np.searchsorted(thresholds, inputs[:, place]), axis=0)
        above = inputs[:, tables.once] > tables.once_above
        for line, rows in enumerate(above.T, start=tables.first):
            found[rows] &= tables.lines[line]
        return found

    @cached_property
    def _firsts(self) -> np.ndarray:
        return np.arange(len(self.values)) * LEAVES

    @cached_property
    def _tables(self) -> _Tables:
        """At most a line per split and one more per input, of two bytes per tree."""
        splits = self.splits
        by_input = {int(each): np.unique(splits.threshold[splits.input == each]) for each in np.unique(splits.input)}
        many = {place: thresholds for place, thresholds in by_input.items() if len(thresholds) > 1}
        once = np.array([place for place in by_input if place not in many], dtype=np.int64)
        firsts = np.cumsum([0, *(len(thresholds) + 1 for thresholds in many.values())])
        lines = np.full((int(firsts[-1]) + len(once), len(self.values)), EVERY_LEAF)
        for (place, thresholds), first in zip(many.items(), firsts.tolist(), strict=False):
            own = splits.input == place
            at = first + 1 + np.searchsorted(thresholds, splits.threshold[own])
            np.bitwise_and.at(lines, (at, splits.tree[own]), splits.kept[own])
            part = lines[first : first + len(thresholds) + 1]
            np.bitwise_and.accumulate(part, axis=0, out=part)
        for line, place in enumerate(once.tolist(), start=int(firsts[-1])):
            own = splits.input == place
            np.bitwise_and.at(lines, (line, splits.tree[own]), splits.kept[own])
        return _Tables(
            lines=lines,
            many=[(place, many[place].tolist(), first) for place, first in zip(many, firsts.tolist(), strict=False)],
            once=once,
            once_above=np.array([by_input[place][0] for place in once.tolist()], dtype=np.float64),
            first=int(firsts[-1]),
        )

    def save(self, directory: Path) -> None:
        """Write `trees.npz`."""
        arrays = {name: getattr(self.splits, name) for name in Splits.__dataclass_fields__}
        np.savez(directory / TREES_FILE, allow_pickle=False, base=self.base, values=self.values, **arrays)

    @classmethod
    def load(cls, directory: Path) -> Trees | None:
        """None where the model has no trees, as those of earlier versions."""
        if not (directory / TREES_FILE).is_file():
            return None
        with np.load(directory / TREES_FILE) as saved:
            splits = Splits(**{name: saved[name] for name in Splits.__dataclass_fields__})
            return cls(base=float(saved["base"]), values=saved["values"], splits=splits)
