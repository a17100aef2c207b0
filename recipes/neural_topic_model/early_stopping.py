"""Keeps the metrics of every epoch of a training and says when it ends early; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Until divergence and coherence count in full, the loss says nothing about when to stop.
EARLIEST_STOP = 0.5


@dataclass(kw_only=True)
class EarlyStopping:
    """Metrics of every epoch so far, and which one had the lowest validation loss since `EARLIEST_STOP`.

    `epochs` is how many there are at most; training ends after `patience` epochs without a lower validation loss.
    """

    epochs: int
    patience: int
    curves: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0

    @property
    def epochs_done(self) -> int:
        return len(self.curves.get("validation_loss", ()))

    @property
    def should_stop(self) -> bool:
        last = self.epochs_done - 1
        return last > EARLIEST_STOP * self.epochs and last - self.best_epoch >= self.patience

    def add(self, metrics: Mapping[str, float]) -> bool:
        """Take the metrics of an epoch; true where it is the best so far, as every one before `EARLIEST_STOP` is."""
        for name, value in metrics.items():
            self.curves.setdefault(name, []).append(value)
        last, losses = self.epochs_done - 1, self.curves["validation_loss"]
        is_best = last <= EARLIEST_STOP * self.epochs or losses[last] < losses[self.best_epoch]
        if is_best:
            self.best_epoch = last
        return is_best

    def best(self) -> dict[str, float]:
        """The metrics of the best epoch."""
        return {name: values[self.best_epoch] for name, values in self.curves.items()}


def kept_epoch(curves: Mapping[str, Sequence[float]], *, epochs: int) -> int:
    """The epoch (from 0) whose weights a training of at most `epochs` ended with, from the metrics of each."""
    stopping = EarlyStopping(epochs=epochs, patience=epochs)
    for values in zip(*curves.values(), strict=True):
        stopping.add(dict(zip(curves, values, strict=True)))
    return stopping.best_epoch
