"""Fits scikit-learn's gradient boosting to network inputs and takes its trees apart; runs in the training image.

Trees read of a quantity the scaled logarithm and the flag of missing values, and of a category which value it is.
treelite (2.9 MB) would serve them too: 71 us for 250 trees, so 0.36 ms for the 1,250 of five folds, where numpy needs
a tenth; onnxruntime (78 MB) adds up in 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recipes.propensity.features import Encoder
from recipes.propensity.members.trees import EVERY_LEAF, LEAVES, Splits, Trees
from trainyard.contract.lean.imports import lean
from trainyard.contract.lean.threads import threads_for

with lean():
    from sklearn.ensemble import HistGradientBoostingClassifier

# What scikit-learn can tell apart in one category; more values than that are taken in their order.
MAX_VALUES = 255


@dataclass(frozen=True, kw_only=True)
class TreeColumns:
    """What trees read of network inputs: first the categories, as numbers of their values, then single inputs.

    `categories`: the first input of each and how many it has; `inputs`: the places of the others.
    """

    categories: Sequence[tuple[int, int]]
    inputs: Sequence[int]

    @classmethod
    def of(cls, encoder: Encoder) -> TreeColumns:
        """Of an encoder's quantities and categories."""
        parts, categories, inputs, first = encoder.parts, [], [], 0
        for number, each in enumerate(parts):
            width = len(each.inputs)
            if number < len(encoder.quantities):
                # Of the inputs of a quantity, the first is its logarithm and the fourth the flag of missing values.
                inputs += [first, *range(first + 3, first + width)]
            else:
                categories.append((first, width))
            first += width
        # As scikit-learn puts them: those that it takes as categories first.
        categories.sort(key=lambda each: each[1] > MAX_VALUES)
        return cls(categories=categories, inputs=inputs)

    @property
    def categorical(self) -> list[bool]:
        """Which columns scikit-learn takes as categories."""
        return [width <= MAX_VALUES for _, width in self.categories] + [False] * len(self.inputs)

    def of_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """float32 [rows, columns] of network inputs."""
        codes = [inputs[:, first : first + width].argmax(axis=1) for first, width in self.categories]
        return np.column_stack([*codes, inputs[:, list(self.inputs)]]).astype(np.float32, copy=False)


def boosted(
    columns: np.ndarray, labels: np.ndarray, *, categorical: Sequence[bool], rounds: int, rate: float, seed: int
) -> Any:
    """scikit-learn's gradient boosting of `rounds` small trees, each learned at `rate`, on columns of `TreeColumns`."""
    model = HistGradientBoostingClassifier(
        learning_rate=rate,
        max_iter=rounds,
        max_leaf_nodes=LEAVES - 1,
        l2_regularization=5.0,
        min_samples_leaf=40,
        max_features=0.6,
        early_stopping=False,
        categorical_features=list(categorical) if any(categorical) else None,
        random_state=seed,
    )
    with threads_for(len(labels)):
        return model.fit(columns, labels)


def taken_apart(models: Sequence[Any], columns: TreeColumns) -> Trees:
    """The mean of the log odds of what `boosted` gave, scikit-learn's `decision_function` but for rounding."""
    values: list[np.ndarray] = []
    splits: list[Splits] = []
    for model in models:
        known = _known_values(model, columns)
        for (predictor,) in model._predictors:
            splits.append(_splits(predictor, columns, tree=len(values), known=known))
            leaves = predictor.nodes["value"][predictor.nodes["is_leaf"] == 1]
            values.append(np.pad(leaves / len(models), (0, LEAVES - len(leaves))))
    names = Splits.__dataclass_fields__
    return Trees(
        base=float(np.mean([model._baseline_prediction.item() for model in models])),
        values=np.array(values),
        splits=Splits(**{name: np.concatenate([getattr(each, name) for each in splits]) for name in names}),
    )


def _known_values(model: Any, columns: TreeColumns) -> list[np.ndarray]:
    """For each value of each category its number in the model [values], NaN where it learned nothing of the value."""
    if model._preprocessor is None:
        return []
    learned = model._preprocessor.named_transformers_["encoder"].categories_
    found = []
    for (_, width), values in zip(columns.categories, learned, strict=False):
        numbers = np.full(width, np.nan)
        numbers[values.astype(np.int64)] = np.arange(len(values))
        found.append(numbers)
    return found


def _splits(predictor: Any, columns: TreeColumns, *, tree: int, known: Sequence[np.ndarray]) -> Splits:
    """The splits of one tree, whose nodes come in depth-first order: a node, all on its left, all on its right."""
    nodes = predictor.nodes
    leaves_before = np.cumsum(nodes["is_leaf"], dtype=np.int64) - nodes["is_leaf"]
    found: list[tuple[int, float, int]] = []
    for node in nodes[nodes["is_leaf"] == 0]:
        removed = (1 << int(leaves_before[node["right"]])) - (1 << int(leaves_before[node["left"]]))
        kept = int(EVERY_LEAF) & ~removed
        column = int(node["feature_idx"])
        if column >= len(columns.categories):
            place = columns.inputs[column - len(columns.categories)]
            found.append((place, float(node["num_threshold"]), kept))
        else:
            first, width = columns.categories[column]
            right = _goes_right(node, predictor, numbers=known[column] if column < len(known) else np.arange(width))
            found += [(first + value, 0.5, kept) for value in np.flatnonzero(right).tolist()]
    inputs, thresholds, kept_leaves = zip(*found, strict=True) if found else ((), (), ())
    return Splits(
        input=np.array(inputs, dtype=np.int32),
        threshold=np.array(thresholds, dtype=np.float64),
        tree=np.full(len(found), tree, dtype=np.int32),
        kept=np.array(kept_leaves, dtype=np.uint16),
    )


def _goes_right(node: np.ndarray, predictor: Any, *, numbers: np.ndarray) -> np.ndarray:
    """Which values of a category go right at a node; those that the model does not know go where most rows went."""
    unknown = np.isnan(numbers)
    if not node["is_categorical"]:
        right = numbers > node["num_threshold"]
    else:
        bits = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
        left = np.unpackbits(bits.astype("<u4").view(np.uint8), bitorder="little")
        right = left[np.where(unknown, 0, numbers).astype(np.int64)] == 0
    return np.where(unknown, not node["missing_go_to_left"], right)
