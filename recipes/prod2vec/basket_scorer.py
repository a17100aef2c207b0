"""What goes with a basket, by weights from product to product: for train, evaluate, report and serve; numpy only.

It lies beside the vectors of a model, in files of its own. Models whose baskets are answered by vectors have none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from recipes.prod2vec.features import RaggedArray

# Where the weights are from; `item_weights.py` says how. `popularity` has none: every basket gets what is popular.
Method = Literal["ridge", "co_occurrence", "chances", "popularity"]
METHODS: tuple[Method, ...] = get_args(Method)
SETTINGS_FILE = "basket_scorer.json"
# What was tried, and how it did; models of earlier versions lack it.
CANDIDATES_FILE = "basket_candidates.json"
ARRAYS = ("offsets", "products", "weights", "background")
# The weight of a product that went into the cart long ago, beside one that went in just now.
LEAST_LINE_WEIGHT = 0.1
ALWAYS = np.array([True])


@dataclass(frozen=True, kw_only=True)
class BasketScorer:
    """Score of product j for a basket: sum over its products i of `line weight * weights[i, j]`, plus `background[j]`.

    The weights of product i are `weights[offsets[i] : offsets[i + 1]]` (float32), for the `products` (int32) at the
    same places; a few tens, of all products. `background` float32 [products] is what popularity adds. The weight of a
    line falls with the steps back in the cart: `exp(-steps / memory) + LEAST_LINE_WEIGHT`; without a memory (0) the
    order does not count. `average`: the sum over the basket is divided by the sum of the line weights.
    """

    method: Method
    offsets: np.ndarray
    products: np.ndarray
    weights: np.ndarray
    background: np.ndarray
    memory: float = 0.0
    average: bool = False

    def save(self, directory: Path) -> None:
        for name in ARRAYS:
            np.save(directory / _file(name), getattr(self, name))
        settings = {"method": self.method, "memory": self.memory, "average": self.average}
        (directory / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> BasketScorer | None:
        """None for a model whose baskets are answered by its vectors, as those of earlier versions are."""
        if not (directory / SETTINGS_FILE).is_file():
            return None
        settings = json.loads((directory / SETTINGS_FILE).read_text(encoding="utf-8"))
        return cls(**settings, **{name: np.load(directory / _file(name)) for name in ARRAYS})

    def line_weights(self, baskets: RaggedArray) -> np.ndarray:
        """Weight (float32) of every product of baskets, which are in cart order."""
        steps_back = np.repeat(baskets.offsets[1:] - 1, baskets.lengths) - np.arange(len(baskets.values))
        weights = self._fading(steps_back)
        if self.average:
            weights /= np.add.reduceat(weights, baskets.offsets[:-1][baskets.lengths > 0])[self._filled(baskets)]
        return weights

    def best(self, basket: Sequence[int] | np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices and scores of the `count` products that go best with a basket, best first, without its own.

        `basket` has each index once, in cart order, and at least one. Of products with the same score the more popular
        comes first.
        """
        found, totals = self._summed(np.asarray(basket, dtype=np.int32))
        # All others have their background alone: the best of these are among the most popular.
        popular = self._popular[: count + len(found)]
        places = np.minimum(found.searchsorted(popular), len(found) - 1)
        popular = popular[found[places] != popular]
        candidates = np.concatenate((found, popular))
        scores = self.background[candidates]
        scores[: len(found)] += totals
        if count < len(scores):
            near = (scores >= np.partition(scores, -count)[-count]).nonzero()[0]
            candidates, scores = candidates[near], scores[near]
        order = np.lexsort((candidates, -scores))[:count]
        order = order[scores[order] > -np.inf]
        return candidates[order], scores[order]

    def _summed(self, basket: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The products that have a weight, ascending, with their sums; those of the basket with minus infinity."""
        starts = self._starts
        rows = [slice(starts[index], starts[index + 1]) for index in basket.tolist()]
        lines = self._fading(np.arange(len(basket) - 1, -1, -1))
        if self.average:
            lines /= lines.sum()
        products = np.concatenate([*[self.products[row] for row in rows], basket])
        weights = [self.weights[row] * line for row, line in zip(rows, lines, strict=True)]
        values = np.concatenate([*weights, np.full(len(basket), -np.inf, dtype=np.float32)])
        order = products.argsort()
        products = products[order]
        first = np.concatenate([ALWAYS, products[1:] != products[:-1]]).nonzero()[0]
        return products[first], np.add.reduceat(values[order], first)

    @cached_property
    def _starts(self) -> list[int]:
        """The offsets as Python's numbers, which are quicker to slice by."""
        found: list[int] = self.offsets.tolist()
        return found

    @cached_property
    def _popular(self) -> np.ndarray:
        return np.argsort(-self.background, kind="stable").astype(np.int32)

    def _fading(self, steps_back: np.ndarray) -> np.ndarray:
        if not self.memory:
            return np.ones(len(steps_back), dtype=np.float32)
        return np.asarray(np.exp(-steps_back / self.memory) + LEAST_LINE_WEIGHT, dtype=np.float32)

    @staticmethod
    def _filled(baskets: RaggedArray) -> np.ndarray:
        """For every product of the baskets, the number of its basket among those that are not empty."""
        return np.repeat(np.arange(np.count_nonzero(baskets.lengths)), baskets.lengths[baskets.lengths > 0])


def _file(name: str) -> str:
    return f"basket_{name}.npy"
