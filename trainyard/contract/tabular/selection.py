"""Lets the validation rows choose among fitted models: where a simple one is better, it is the one that serves."""

from __future__ import annotations

from trainyard.contract.tabular import metrics
from trainyard.contract.tabular.examples import Examples, FittedModel
from trainyard.contract.training.progress import progress


def lowest_loss(validation: Examples, *models: FittedModel) -> FittedModel:
    """The model with the lowest loss on the validation rows; of equal ones the first."""
    losses = [
        metrics.loss(each.predict(validation.inputs), validation.labels, classes=validation.classes) for each in models
    ]
    said = (f"{type(each).__name__} {loss:.4g}" for each, loss in zip(models, losses, strict=True))
    progress(0.9, f"validation losses: {', '.join(said)}")
    return models[losses.index(min(losses))]
