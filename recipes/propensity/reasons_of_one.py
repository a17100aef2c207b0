"""What each column adds to the log odds of one visit, as `reasons` has it for many; runs in serving, numpy only.

On the way from the typical visit one column changes at a time. What the columns left to each tree, and what they add to
the first layer of the networks, is therefore worked out once per column, and not once per visit on the way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.propensity.inference import Ensemble, mean_logits
from recipes.propensity.trees import EVERY_LEAF, Trees


class ReasonsOfOne:
    """Explains one visit at a time, by networks of one shape.

    `groups` are the inputs of each column, and `typical` those of a typical visit.
    """

    def __init__(self, ensemble: Ensemble, typical: np.ndarray, *, groups: Sequence[Sequence[int]]) -> None:
        self._ensemble, self._typical, self._count = ensemble, typical, len(groups)
        self._groups = np.empty(len(typical), dtype=np.int64)
        for number, places in enumerate(groups):
            self._groups[places] = number
        self._inputs = np.arange(len(typical))
        if ensemble.trees:
            own = ensemble.trees.leaves_by_group(typical, self._groups, count=self._count)
            self._typical_before, self._typical_from = _before(own), _from(own)
        kernel, bias = ensemble.stacked[:2]
        # Of all networks side by side [inputs, networks * units].
        self._kernel = np.concatenate(list(kernel), axis=1)
        self._typical_sums = typical @ self._kernel + bias.ravel()

    def parts(self, inputs: np.ndarray) -> np.ndarray:
        """What each column adds to the log odds, float64 [columns], of network inputs [inputs]."""
        change = np.zeros((self._count, len(inputs)), dtype=np.float32)
        change[self._groups, self._inputs] = inputs - self._typical
        logits = self._logits(inputs, change)
        forward, backward = logits[: self._count + 1], logits[self._count + 1 :]
        return np.asarray((np.diff(forward) - np.diff(backward)) / 2)

    def _logits(self, inputs: np.ndarray, change: np.ndarray) -> np.ndarray:
        """Log odds on both ways [2 * (columns + 1)].

        At place i of the first half the columns before i are the visit's, in the second half those from i on.
        `change` [columns, inputs] is by how much each column's inputs differ from the typical ones.
        """
        ensemble, shares = self._ensemble, self._ensemble.shares
        linear: np.ndarray | float = 0.0
        if ensemble.linear is not None and shares.linear:
            linear = _both_ways(change @ ensemble.linear[:-1], self._typical @ ensemble.linear[:-1])
            linear += ensemble.linear[-1]
        if shares.linear == 1.0 and ensemble.linear is not None:
            return np.asarray(linear)
        trees = self._of_trees(ensemble.trees, inputs) if ensemble.trees else 0.0
        return shares.blended(self._of_networks(change), trees, linear=linear)

    def _of_trees(self, trees: Trees, inputs: np.ndarray) -> np.ndarray:
        """`Trees.logits` on both ways [2 * (columns + 1)]."""
        own = trees.leaves_by_group(inputs, self._groups, count=self._count)
        leaves = np.concatenate((_before(own) & self._typical_from, _from(own) & self._typical_before))
        return trees.logits_of_leaves(leaves)

    def _of_networks(self, change: np.ndarray) -> np.ndarray:
        """`Ensemble.networks_logits` on both ways [2 * (columns + 1)]."""
        moved = np.flatnonzero(change.any(axis=0))
        sums = _both_ways(change[:, moved] @ self._kernel[moved], self._typical_sums)
        _, _, kernel, bias, last_kernel, last_bias = self._ensemble.stacked
        hidden = np.maximum(sums, 0.0, out=sums).reshape(len(sums), len(kernel), -1).transpose(1, 0, 2)
        second = hidden @ kernel
        second += bias
        np.maximum(second, 0.0, out=second)
        return mean_logits(np.asarray((second @ last_kernel + last_bias)[:, :, 0], dtype=np.float64))


def _both_ways(changes: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Sums of what columns change [columns, ...] and the `typical` value, on both ways [2 * (columns + 1), ...]."""
    count = len(changes)
    found = np.empty((2 * (count + 1), *changes.shape[1:]), dtype=changes.dtype)
    found[0] = typical
    # Line by line: numpy takes five times as long for `cumsum` along them, and for `accumulate` below.
    for line, change in enumerate(changes):
        found[line + 1] = found[line] + change
    np.subtract(found[count] + typical, found[: count + 1], out=found[count + 1 :])
    return found


def _before(leaves: np.ndarray) -> np.ndarray:
    """What the groups before each leave together, and all of them [groups, trees] -> [groups + 1, trees]."""
    found = np.empty((len(leaves) + 1, leaves.shape[1]), dtype=leaves.dtype)
    found[0] = EVERY_LEAF
    for line, own in enumerate(leaves):
        np.bitwise_and(found[line], own, out=found[line + 1])
    return found


def _from(leaves: np.ndarray) -> np.ndarray:
    """What each group and those after it leave together, and none of them [groups, trees] -> [groups + 1, trees]."""
    return _before(leaves[::-1])[::-1]
