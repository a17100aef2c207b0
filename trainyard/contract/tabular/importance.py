"""How much each column matters to a model: what is lost when its values are shuffled among the rows; numpy only."""

from __future__ import annotations

import numpy as np

from trainyard.contract.tabular import metrics
from trainyard.contract.tabular.inference import TrainedModel

MAX_ROWS = 5000


def permutation_importance(
    model: TrainedModel, inputs: np.ndarray, *, labels: np.ndarray, primary: str, seed: int
) -> list[tuple[str, float]]:
    """Loss of the `primary` metric by column, the most first, of at most `MAX_ROWS` rows.

    (Breiman 2001, "Random Forests", section 10; on held-out rows)
    """
    random = np.random.default_rng(seed)
    some = random.permutation(len(inputs))[:MAX_ROWS]
    inputs, labels = inputs[some], labels[some]

    def reached(changed: np.ndarray) -> float:
        predictions = model.fitted.predict(changed)
        found = metrics.evaluated(predictions, labels, classes=model.encoder.classes, primary=primary)
        return found.metrics[primary]

    whole, first, lost = reached(inputs), 0, []
    for column, names in model.encoder.inputs_by_column.items():
        these = slice(first, first + len(names))
        shuffled = inputs.copy()
        shuffled[:, these] = inputs[random.permutation(len(inputs)), these]
        lost.append((column, whole - reached(shuffled)))
        first += len(names)
    return sorted(lost, key=lambda each: -each[1])
