"""Runs the epochs of stacked networks: early stopping, learning rate reduction, checkpoints; in the training image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recipes.propensity.batches import effective_batch_size, epoch_batches
from recipes.propensity.networks.stacked_networks import StackedNetworks
from recipes.propensity.training_data import TrainingData
from trainyard.contract.lean.tensorflow import tf
from trainyard.contract.training import checkpoint
from trainyard.contract.training.curves import finite_loss

# Epochs without a better validation loss until the rate falls, and until a network stops.
REDUCE_RATE_PATIENCE = 3
EARLY_STOPPING_PATIENCE = 6
MIN_IMPROVEMENT = 1e-5


@dataclass
class TrainingState:
    """Where each of the stacked networks stands; arrays of one entry per network."""

    rates: np.ndarray
    best_loss: np.ndarray
    epochs_since_best: np.ndarray
    epochs_since_reduction: np.ndarray
    active: np.ndarray
    epochs: np.ndarray
    best_weights: list[np.ndarray]
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, networks: StackedNetworks) -> TrainingState:
        """Before the first epoch."""
        count = len(networks.settings)
        return cls(
            rates=np.array([each.learning_rate for each in networks.settings], np.float32),
            best_loss=np.full(count, np.inf),
            epochs_since_best=np.zeros(count, np.int64),
            epochs_since_reduction=np.zeros(count, np.int64),
            active=np.ones(count, np.bool_),
            epochs=np.zeros(count, np.int64),
            best_weights=[each.numpy() for each in networks.weights],
        )

    def update(self, networks: StackedNetworks, losses: np.ndarray) -> None:
        """Take the validation losses [networks] of an epoch: keep better weights, reduce rates, stop networks."""
        self.epochs[self.active] += 1
        better = self.active & (losses < self.best_loss - MIN_IMPROVEMENT)
        self.best_loss[better] = losses[better]
        for kept, weight in zip(self.best_weights, networks.weights, strict=True):
            kept[better] = weight.numpy()[better]
        self.epochs_since_best = np.where(better, 0, self.epochs_since_best + 1)
        self.epochs_since_reduction = np.where(better, 0, self.epochs_since_reduction + 1)
        reduce = self.epochs_since_reduction >= REDUCE_RATE_PATIENCE
        annealing = np.array([each.lr_annealing for each in networks.settings], np.float32)
        self.rates = np.where(reduce, self.rates * annealing, self.rates).astype(np.float32)
        self.epochs_since_reduction[reduce] = 0
        self.active &= self.epochs_since_best < EARLY_STOPPING_PATIENCE


def fit(
    networks: StackedNetworks,
    data: TrainingData,
    *,
    validation_folds: np.ndarray,
    epochs: int,
    batch_size: int,
    seed: int,
    checkpoint_path: Path | None = None,
    on_epoch: Callable[[int, TrainingState], None] = lambda _epoch, _state: None,
) -> TrainingState:
    """Train each network on the rows it does not validate on; all end with their best weights.

    `validation_folds` [networks] names the fold that judges each network; `on_epoch` is called after each epoch.
    Training resumed from `checkpoint_path` goes on as if it had never stopped. Raises JobFailed for a loss that is no
    number.
    """
    state = _restore(networks, checkpoint_path) or TrainingState.start(networks)
    judged = data.folds[None] == validation_folds[:, None]
    batch_size = effective_batch_size(batch_size, len(data.labels))
    for epoch in range(len(state.train_loss), epochs):
        if not state.active.any():
            break
        batches = epoch_batches(len(data.labels), batch_size=batch_size, seed=seed, epoch=epoch)
        train_loss = _train_epoch(networks, data, judged=judged, batches=batches, rates=state.rates)
        losses = validation_losses(networks, data.inputs, labels=data.labels, judged=judged)
        _expect_finite(losses, state.rates, epoch=epoch)
        state.update(networks, losses)
        state.train_loss.append(float(train_loss.mean()))
        state.validation_loss.append(float(losses.mean()))
        on_epoch(epoch, state)
        _save(networks, state, path=checkpoint_path)
    for weight, best in zip(networks.weights, state.best_weights, strict=True):
        weight.assign(best)
    return state


def _train_epoch(
    networks: StackedNetworks, data: TrainingData, *, judged: np.ndarray, batches: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """The mean loss of each network [networks]; of large data TensorFlow holds the rows of one epoch only."""
    rows = batches.ravel()
    found: np.ndarray = networks.train_epoch(
        tf.constant(data.inputs[rows]),
        tf.constant(data.labels[rows]),
        train_mask=tf.constant((~judged[:, rows]).astype(np.float32)),
        batches=tf.constant(np.arange(len(rows)).reshape(batches.shape)),
        rates=tf.constant(rates),
    ).numpy()
    return found


def validation_losses(
    networks: StackedNetworks, inputs: np.ndarray, *, labels: np.ndarray, judged: np.ndarray
) -> np.ndarray:
    """Mean binary cross-entropy [networks] over the rows that judge each network (`judged` [networks, rows])."""
    found = np.zeros(len(judged))
    # Networks that are judged by the same rows come side by side, and no network sees the rows of others.
    alike: dict[bytes, list[int]] = {}
    for network, own in enumerate(judged):
        alike.setdefault(own.tobytes(), []).append(network)
    for members in alike.values():
        rows = np.flatnonzero(judged[members[0]])
        logits = networks.logits(inputs, rows=rows, networks=np.array(members))
        # A network that went astray has logits that are no numbers; its loss then says so.
        with np.errstate(invalid="ignore", over="ignore"):
            losses = np.logaddexp(0.0, logits) - labels[rows] * logits
        found[members] = losses.sum(axis=1, dtype=np.float64) / max(len(rows), 1)
    return found


def _expect_finite(losses: np.ndarray, rates: np.ndarray, *, epoch: int) -> None:
    for loss, rate in zip(losses.tolist(), rates.tolist(), strict=True):
        finite_loss(loss, epoch=epoch, setting=f"hyperparameters.learning_rate than {rate:g}")


def _save(networks: StackedNetworks, state: TrainingState, *, path: Path | None) -> None:
    if path is None:
        return
    arrays = {name: np.asarray(getattr(state, name)) for name in _ARRAYS}
    arrays |= {f"best/{index}": each for index, each in enumerate(state.best_weights)}
    arrays |= {f"variable/{index}": each.numpy() for index, each in enumerate(networks.variables)}
    checkpoint.save(path, arrays)


def _restore(networks: StackedNetworks, path: Path | None) -> TrainingState | None:
    saved = checkpoint.load(path) if path else {}
    if not saved:
        return None
    for index, variable in enumerate(networks.variables):
        variable.assign(saved[f"variable/{index}"])
    plain: dict[str, Any] = {name: saved[name] for name in _ARRAYS}
    best = [saved[f"best/{index}"] for index in range(len(networks.weights))]
    lists = {name: plain.pop(name).tolist() for name in ("train_loss", "validation_loss")}
    return TrainingState(**plain, **lists, best_weights=best)


_ARRAYS = (
    *("rates", "best_loss", "epochs_since_best", "epochs_since_reduction", "active", "epochs"),
    *("train_loss", "validation_loss"),
)
