"""Gradient boosted trees: fitted by scikit-learn, kept as arrays, and evaluated in numpy.

(Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine"; with histograms as in Ke et al. 2017,
"LightGBM")
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainyard.contract.lean.imports import lean
from trainyard.contract.tabular.examples import Examples
from trainyard.contract.tabular.tree_settings import TreeSettings

TREES_FILE = "boosted_trees.npz"
# Rows that go down the trees together: few enough for what they hold to stay in a core's cache.
BLOCK_ROWS = 1024
# Threads would wait for each other longer than they work.
FEW_ROWS = 50_000


@dataclass(frozen=True, kw_only=True)
class BoostedTrees:
    """Nodes of all trees one after the other; `first` [trees] is each one's root, `kind` the place of its class.

    A row goes to node `left` where its `input` is not above `threshold`, or is missing and `missing_left`, else to
    `right`; at a leaf, which both lead back to, it is worth `value`. `base` [sums] is what every row is worth.
    """

    base: np.ndarray
    first: np.ndarray
    kind: np.ndarray
    input: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    depth: int
    classes: int

    @classmethod
    def fit(cls, train: Examples, validation: Examples, *, settings: TreeSettings, seed: int) -> BoostedTrees:
        """As many iterations as lower the loss on the validation rows."""
        # Here, for trees that were fitted need numpy alone.
        with lean():
            from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        kind = HistGradientBoostingClassifier if train.classes else HistGradientBoostingRegressor
        estimator = kind(
            learning_rate=settings.learning_rate,
            max_leaf_nodes=settings.leaves,
            max_iter=settings.iterations,
            min_samples_leaf=settings.min_leaf_rows,
            l2_regularization=settings.l2,
            early_stopping=True,
            n_iter_no_change=settings.patience,
            random_state=seed,
        )
        with threadpool_limits(1 if len(train.labels) < FEW_ROWS else None):
            estimator.fit(train.inputs, train.labels, X_val=validation.inputs, y_val=validation.labels)
        return cls.of(estimator, classes=len(train.classes))

    @classmethod
    def of(cls, estimator: Any, *, classes: int) -> BoostedTrees:
        """The trees of a fitted estimator of scikit-learn without categorical columns."""
        trees = [(kind, each.nodes) for step in estimator._predictors for kind, each in enumerate(step)]
        first = np.cumsum([0, *(len(nodes) for _, nodes in trees)])[:-1]
        nodes = np.concatenate([nodes for _, nodes in trees])
        offset = np.repeat(first, [len(each) for _, each in trees])
        leaf = nodes["is_leaf"].astype(bool)
        here = np.arange(len(nodes))
        return cls(
            base=np.ravel(estimator._baseline_prediction).astype(np.float64),
            first=first,
            kind=np.array([kind for kind, _ in trees]),
            input=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
            threshold=nodes["num_threshold"].astype(np.float64),
            missing_left=nodes["missing_go_to_left"].astype(bool),
            left=np.where(leaf, here, nodes["left"] + offset),
            right=np.where(leaf, here, nodes["right"] + offset),
            value=np.where(leaf, nodes["value"], 0.0),
            depth=int(nodes["depth"].max(initial=0)),
            classes=classes,
        )

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities [rows, classes], or values [rows]."""
        blocks = [self._sums(inputs[start : start + BLOCK_ROWS]) for start in range(0, len(inputs), BLOCK_ROWS)]
        sums = np.concatenate(blocks) if blocks else np.zeros((0, len(self.base)))
        if not self.classes:
            return np.asarray(sums[:, 0])
        if len(self.base) == 1:
            probability = 0.5 * (1.0 + np.tanh(0.5 * sums[:, 0]))
            return np.column_stack((1.0 - probability, probability))
        exponentials = np.exp(sums - sums.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def _sums(self, inputs: np.ndarray) -> np.ndarray:
        """What the trees of each class are worth [rows, sums]: a row goes down all of them a level at a time."""
        rows = np.arange(len(inputs))[:, None]
        node = np.repeat(self.first[None], len(inputs), axis=0)
        for _ in range(self.depth):
            values = inputs[rows, self.input[node]]
            left = np.where(np.isnan(values), self.missing_left[node], values <= self.threshold[node])
            node = np.where(left, self.left[node], self.right[node])
        worth = self.value[node]
        sums = [worth[:, self.kind == each].sum(axis=1) for each in range(len(self.base))]
        return np.asarray(self.base + np.stack(sums, axis=1))

    def save(self, folder: Path) -> None:
        """Write `boosted_trees.npz`."""
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__}
        np.savez(folder / TREES_FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> BoostedTrees:
        """What `save` wrote."""
        with np.load(folder / TREES_FILE) as saved:
            arrays = {name: saved[name] for name in cls.__dataclass_fields__ if name not in ("depth", "classes")}
            return cls(**arrays, depth=int(saved["depth"]), classes=int(saved["classes"]))
