"""What each column adds to the log odds of one visit, as `of_many` has it for many; runs in serving, numpy only.

On the way from the typical visit one column changes at a time. What the columns left to each tree, and what they add to
the first layer of the networks, is therefore worked out once per column that differs, not once per visit on the way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.propensity.inference import Ensemble, mean_logits
from recipes.propensity.members.trees import Trees


class ReasonsOfOne:
    """Explains one visit at a time, by networks of one shape.

    `groups` are the inputs of each column, and `typical` those of a typical visit.
    """

    def __init__(self, ensemble: Ensemble, typical: np.ndarray, *, groups: Sequence[Sequence[int]]) -> None:
        self._ensemble, self._typical, self._count = ensemble, typical, len(groups)
        self._groups = np.empty(len(typical), dtype=np.int64)
        for number, places in enumerate(groups):
            self._groups[places] = number
        if ensemble.trees:
            self._typical_leaves = ensemble.trees.leaves_by_group(typical, self._groups, count=self._count)
        kernel, bias = ensemble.stacked[:2]
        # Of all networks side by side [inputs, networks * units].
        self._kernel = np.concatenate(list(kernel), axis=1)
        self._typical_sums = typical @ self._kernel + bias.ravel()

    def parts(self, inputs: np.ndarray) -> np.ndarray:
        """What each column adds to the log odds, float64 [columns], of network inputs [inputs].

        A column that is as in the typical visit adds nothing, and the ways lead past it.
        """
        found = np.zeros(self._count)
        places = np.flatnonzero(inputs != self._typical)
        moved = np.unique(self._groups.take(places))
        if len(moved):
            logits = self._logits(inputs, places, moved=moved)
            forward, backward = logits[: len(moved) + 1], logits[len(moved) + 1 :]
            found[moved] = (np.diff(forward) - np.diff(backward)) / 2
        return found

    def _logits(self, inputs: np.ndarray, places: np.ndarray, *, moved: np.ndarray) -> np.ndarray:
        """Log odds on both ways [2 * (columns + 1)] of the columns that `moved`, in their order.

        At place i of the first half the columns before i are the visit's, in the second half those from i on. `places`
        are the inputs that differ from the typical visit's.
        """
        ensemble, shares = self._ensemble, self._ensemble.shares
        # By how much each column's inputs differ from the typical ones [columns, places].
        change = np.zeros((len(moved), len(places)), dtype=np.float32)
        rows = moved.searchsorted(self._groups.take(places))
        change[rows, np.arange(len(places))] = inputs.take(places) - self._typical.take(places)
        linear: np.ndarray | float = 0.0
        if ensemble.linear is not None and shares.linear:
            linear = _both_ways(change @ ensemble.linear.take(places), self._typical @ ensemble.linear[:-1])
            linear += ensemble.linear[-1]
        if shares.linear == 1.0 and ensemble.linear is not None:
            return np.asarray(linear)
        trees = self._of_trees(ensemble.trees, inputs, moved=moved) if ensemble.trees else 0.0
        return shares.blended(self._of_networks(change, places), trees, linear=linear)

    def _of_trees(self, trees: Trees, inputs: np.ndarray, *, moved: np.ndarray) -> np.ndarray:
        """`Trees.logits` on both ways [2 * (columns + 1)]."""
        numbers = np.full(self._count, len(moved))
        numbers[moved] = np.arange(len(moved))
        own = trees.leaves_by_group(inputs, numbers.take(self._groups), count=len(moved))
        both = np.stack((own, self._typical_leaves.take(moved, axis=0)), axis=1)
        # What the columns leave that did not move, here or there.
        rest = np.bitwise_and.reduce(np.delete(self._typical_leaves, moved, axis=0), axis=0)
        before, after = _before(both, rest), _before(both[::-1], rest)[::-1]
        leaves = np.concatenate((before[:, 0] & after[:, 1], after[:, 0] & before[:, 1]))
        return trees.logits_of_leaves(leaves)

    def _of_networks(self, change: np.ndarray, places: np.ndarray) -> np.ndarray:
        """`Ensemble.networks_logits` on both ways [2 * (columns + 1)]."""
        sums = _both_ways(change @ self._kernel.take(places, axis=0), self._typical_sums)
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


def _before(leaves: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """What the groups before each leave of `rest` [trees], and what all do: [groups, 2, trees] -> one group more.

    Two visits side by side, since calls take longer than the work.
    """
    found = np.empty((len(leaves) + 1, *leaves.shape[1:]), dtype=leaves.dtype)
    found[0] = rest
    for line, own in enumerate(leaves):
        np.bitwise_and(found[line], own, out=found[line + 1])
    return found
