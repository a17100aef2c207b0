"""What can be set about boosted trees, and how it is searched; standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from trainyard.contract.config import Range, Tuning, bounded


@dataclass(frozen=True, kw_only=True)
class TreeSettings:
    """How the trees of `boosted_trees.BoostedTrees` grow."""

    learning_rate: float = bounded(0.1, minimum=0.001, maximum=1.0, help="how much each tree changes")
    leaves: int = bounded(15, minimum=2, maximum=1000, help="of a tree")
    min_leaf_rows: int = bounded(20, minimum=1, maximum=100_000, help="training rows that a leaf holds at least")
    l2: float = bounded(0.0, minimum=0.0, maximum=1e6, help="weight of the penalty on what leaves are worth")
    iterations: int = bounded(300, minimum=1, maximum=10_000, help="at most; the validation loss ends them")
    patience: int = bounded(20, minimum=1, maximum=1000, help="iterations without a lower validation loss")


TREE_TUNING = Tuning(
    objective="validation_loss",
    direction="Minimize",
    ranges={
        "learning_rate": Range(type="continuous", minimum=0.01, maximum=0.3, scaling="Logarithmic"),
        "leaves": Range(type="integer", minimum=4, maximum=64, scaling="Logarithmic"),
    },
)
