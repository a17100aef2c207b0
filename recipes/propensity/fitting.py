"""Runs the epochs of a committee: early stopping, learning rate reduction and checkpoints; in the training image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from recipes.propensity.committee import Committee
from recipes.propensity.examples import Examples
from trainyard.errors import JobFailed

# Epochs without a better validation loss until the rate falls, and until a network stops.
REDUCE_AFTER = 3
STOP_AFTER = 6
LEAST_GAIN = 1e-5
# Small data gets smaller batches than asked for: an epoch needs steps to learn in.
MIN_STEPS = 32
MIN_BATCH = 16


@dataclass
class Progress:
    """Where each network of a committee stands; arrays of one entry per network."""

    rates: np.ndarray
    best_loss: np.ndarray
    stale: np.ndarray
    since_reduction: np.ndarray
    active: np.ndarray
    epochs: np.ndarray
    best_weights: list[np.ndarray]
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, committee: Committee) -> Progress:
        count = len(committee.networks)
        return cls(
            rates=np.array([each.learning_rate for each in committee.networks], np.float32),
            best_loss=np.full(count, np.inf),
            stale=np.zeros(count, np.int64),
            since_reduction=np.zeros(count, np.int64),
            active=np.ones(count, np.bool_),
            epochs=np.zeros(count, np.int64),
            best_weights=[each.numpy() for each in committee.weights],
        )

    def update(self, committee: Committee, losses: np.ndarray) -> None:
        """Take the validation losses [networks] of an epoch: keep better weights, reduce rates, stop networks."""
        self.epochs[self.active] += 1
        better = self.active & (losses < self.best_loss - LEAST_GAIN)
        self.best_loss[better] = losses[better]
        for kept, weight in zip(self.best_weights, committee.weights, strict=True):
            kept[better] = weight.numpy()[better]
        self.stale = np.where(better, 0, self.stale + 1)
        self.since_reduction = np.where(better, 0, self.since_reduction + 1)
        reduce = self.since_reduction >= REDUCE_AFTER
        annealing = np.array([each.lr_annealing for each in committee.networks], np.float32)
        self.rates = np.where(reduce, self.rates * annealing, self.rates).astype(np.float32)
        self.since_reduction[reduce] = 0
        self.active &= self.stale < STOP_AFTER


def fit(
    committee: Committee,
    examples: Examples,
    validating: np.ndarray,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    checkpoint: Path | None = None,
    report: Callable[[int, Progress], None] = lambda _epoch, _progress: None,
) -> Progress:
    """Train each network on the rows it does not validate on; the committee ends with each one's best weights.

    `validating` [networks] names the fold that judges each network. The order of rows is a function of seed and epoch,
    so that training resumed from `checkpoint` goes on as if it had never stopped. Raises JobFailed for a loss that is
    no number.
    """
    state = _restore(committee, checkpoint) or Progress.start(committee)
    judged = examples.folds[None] == validating[:, None]
    inputs, labels = tf.constant(examples.inputs), tf.constant(examples.labels)
    uses = tf.constant((~judged).astype(np.float32))
    batch = effective_batch(batch_size, len(examples.labels))
    for epoch in range(len(state.train_loss), epochs):
        if not state.active.any():
            break
        order = np.random.default_rng((seed, epoch)).permutation(len(examples.labels))
        steps = max(1, len(order) // batch)
        rows = tf.constant(order[: steps * batch].reshape(steps, -1))
        train_loss = committee.epoch(inputs, labels, uses, rows, tf.constant(state.rates)).numpy()
        losses = validation_losses(committee.scores(inputs).numpy(), examples.labels, judged)
        if not np.isfinite(losses).all():
            rates = ", ".join(f"{each:g}" for each in np.unique(state.rates[~np.isfinite(losses)]))
            raise JobFailed(f"Expected finite losses, found others at learning rate {rates}; set a smaller one.")
        state.update(committee, losses)
        state.train_loss.append(float(train_loss.mean()))
        state.validation_loss.append(float(losses.mean()))
        report(epoch, state)
        _save(committee, state, checkpoint)
    for weight, best in zip(committee.weights, state.best_weights, strict=True):
        weight.assign(best)
    return state


def effective_batch(batch_size: int, rows: int) -> int:
    """The batch size asked for, or the power of two that leaves `MIN_STEPS` steps per epoch."""
    fitting = int(2 ** np.floor(np.log2(max(rows / MIN_STEPS, 1))))
    return min(batch_size, max(fitting, MIN_BATCH), rows)


def validation_losses(logits: np.ndarray, labels: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Mean binary cross-entropy [networks] over the rows that judge each network (`judged` [networks, rows])."""
    # A network that went astray has logits that are no numbers; its loss then says so.
    with np.errstate(invalid="ignore", over="ignore"):
        losses = np.logaddexp(0.0, logits) - labels * logits
    return np.asarray((losses * judged).sum(axis=1) / np.maximum(judged.sum(axis=1), 1), dtype=np.float64)


def _save(committee: Committee, state: Progress, path: Path | None) -> None:
    """Replace the checkpoint as a whole: a job that is killed meanwhile leaves the one before."""
    if path is None:
        return
    arrays = {name: np.asarray(getattr(state, name)) for name in _ARRAYS}
    arrays |= {f"best/{place}": each for place, each in enumerate(state.best_weights)}
    arrays |= {f"variable/{place}": each.numpy() for place, each in enumerate(committee.variables)}
    unfinished = path.with_suffix(".partial")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    unfinished.replace(path)


def _restore(committee: Committee, path: Path | None) -> Progress | None:
    if path is None or not path.exists():
        return None
    with np.load(path) as saved:
        for place, variable in enumerate(committee.variables):
            variable.assign(saved[f"variable/{place}"])
        plain = {name: saved[name] for name in _ARRAYS}
        best = [saved[f"best/{place}"] for place in range(len(committee.weights))]
    lists = {name: plain.pop(name).tolist() for name in ("train_loss", "validation_loss")}
    return Progress(**plain, **lists, best_weights=best)


_ARRAYS = ("rates", "best_loss", "stale", "since_reduction", "active", "epochs", "train_loss", "validation_loss")
