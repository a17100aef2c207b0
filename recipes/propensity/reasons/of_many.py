"""What each column adds to the log odds of a visit beyond a typical one; for serve and score, no TensorFlow.

A visit's columns replace those of the typical visit one after the other, in their order and in the reverse one; what
the log odds change by is the column's part, the mean of both. It is the Shapley value of two permutations in place of
all (Strumbelj and Kononenko 2014, "Explaining prediction models and individual predictions with feature
contributions", section 3.2): its parts add up to the whole, which no estimate from single columns does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from recipes.propensity.encoding.category import MISSING
from recipes.propensity.features import Encoder
from recipes.propensity.inference import Ensemble
from recipes.propensity.reasons.of_one import ReasonsOfOne

# Two predictions per column and row are held at once.
BLOCK_PREDICTIONS = 20_000
# Visits up to which each is explained by itself.
FEW = 4


def typical_inputs(encoder: Encoder, learned: np.ndarray | None = None) -> np.ndarray:
    """Network inputs of a typical visit, float32 [inputs]: medians, and the most frequent category in `learned` rows.

    Of a model of earlier versions, which says nothing of frequencies, the first value of each category.
    """
    numbers = np.array([[each.fill for each in encoder.quantities]], dtype=np.float64).reshape(1, -1)
    texts = [[each.values[0] if each.values else MISSING] for each in encoder.categories]
    typical: np.ndarray = encoder.encode(numbers, texts)[0]
    if learned is None or not len(learned):
        return typical
    first = sum(len(each.inputs) for each in encoder.quantities)
    for each in encoder.categories:
        own = slice(first, first + len(each.inputs))
        typical[own] = 0.0
        typical[first + int(learned[:, own].sum(axis=0).argmax())] = 1.0
        first = own.stop
    return typical


class Reasons:
    """Explains visits by an ensemble, column by column."""

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._groups = ensemble.encoder.inputs_by_column()
        saved = ensemble.typical
        self._typical = typical_inputs(ensemble.encoder) if saved is None else saved

    @property
    def columns(self) -> list[str]:
        """The columns that parts belong to, in their order."""
        return list(self._groups)

    @cached_property
    def typical_probability(self) -> float:
        """The probability of a sale in a typical visit, to whose log odds the parts are added."""
        return float(self._ensemble.probabilities_of_inputs(self._typical[None])[0])

    @cached_property
    def _of_one(self) -> ReasonsOfOne:
        return ReasonsOfOne(self._ensemble, self._typical, groups=self._order)

    def parts(self, inputs: np.ndarray) -> np.ndarray:
        """What each column adds to the log odds, float64 [rows, columns], of network inputs [rows, inputs].

        The sum of a row is its log odds less those of the typical visit, but for rounding.
        """
        if self._ensemble.stacked and 0 < len(inputs) <= FEW:
            return np.stack([self._of_one.parts(each) for each in inputs])
        step = max(1, BLOCK_PREDICTIONS // (2 * len(self._groups)))
        blocks = [self._parts(inputs[start : start + step]) for start in range(0, len(inputs), step)]
        return np.concatenate(blocks) if blocks else np.zeros((0, len(self._groups)))

    def _parts(self, inputs: np.ndarray) -> np.ndarray:
        forward, backward = (self._on_the_way(inputs, order) for order in (self._order, self._order[::-1]))
        # Both ways begin and end alike, so those ends are predicted once.
        whole = np.concatenate([self._typical[None], inputs, *forward, *backward])
        logits = self._ensemble.sample_logits(whole)
        start, end = logits[0], logits[1 : len(inputs) + 1]
        ways = logits[len(inputs) + 1 :].reshape(2, -1, len(inputs))
        steps = [np.diff(np.concatenate([np.full((1, len(end)), start), way, end[None]]), axis=0) for way in ways]
        return np.asarray((steps[0] + steps[1][::-1]).T / 2)

    @property
    def _order(self) -> list[list[int]]:
        return list(self._groups.values())

    def _on_the_way(self, inputs: np.ndarray, order: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """The visits after each column but the last has taken the place of the typical one's."""
        found, current = [], np.repeat(self._typical[None], len(inputs), axis=0)
        for places in order[:-1]:
            current = current.copy()
            current[:, places] = inputs[:, places]
            found.append(current)
        return found
