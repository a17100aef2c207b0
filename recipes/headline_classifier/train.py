"""Trains word vectors, then the classifier that starts from them; runs in the training image, on CPU or GPU."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recipes.headline_classifier import word_vectors
from recipes.headline_classifier.config import Config, Hyperparameters
from recipes.headline_classifier.examples import CLASS_COUNTS_FILE, Examples
from recipes.headline_classifier.features import Features
from recipes.headline_classifier.measures import accuracy, fitted_temperature, log_loss, macro_f1
from recipes.headline_classifier.model import build, classifier
from recipes.headline_classifier.network import Network, combined
from recipes.headline_classifier.process import CORPUS_FILE
from trainyard.errors import JobFailed
from trainyard.progress import metric, progress

KERAS_FILE = "model.keras"
CURVES_FILE = "curves.csv"
CURVES = ("loss", "validation_loss", "validation_accuracy", "validation_macro_f1")
CHECKPOINT_FILE = "checkpoint.npz"
VECTORS_CHECKPOINT_FILE = "vectors.npy"


def train(channels: Mapping[str, Path], model_dir: Path, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the validation metrics of the finished model.

    Prints `CURVES` per epoch. The temperature of the probabilities is fitted on validation headlines. A
    checkpoint after the word vectors and after each epoch lets a killed training go on as if nothing had happened.
    """
    features = Features.load(channels["features"])
    vectors = _vectors(channels["train"] / CORPUS_FILE, features, checkpoints, config)
    found = word_vectors.score(channels["features"], features.words, vectors, model_dir)
    word_vectors.save(features.words, vectors, model_dir)
    trainer = Trainer(features, vectors, config.hyperparameters, config.seed)
    validation = Examples.load(channels["validation"])
    examples = Examples.load(channels["train"])
    curves = _fit(trainer, examples, validation, checkpoints)
    network = trainer.network(validation)
    _save(trainer, network, curves, model_dir)
    _save_counts(examples.labels, features.classes, model_dir)
    return found | {"loss": float(curves[-1][0]), **_validation(network, validation)}


class Trainer:
    """The Keras model with its optimizer; `step` is one compiled program, whatever the longest bag of a batch."""

    def __init__(self, features: Features, vectors: np.ndarray, hyperparameters: Hyperparameters, seed: int) -> None:
        self.features, self.hyperparameters, self.seed = features, hyperparameters, seed
        self.model = build(features, vectors, hyperparameters, seed=seed)
        self.optimizer = keras.optimizers.Adam(hyperparameters.learning_rate)
        self.optimizer.build(self.model.trainable_variables)

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None], tf.float32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None], tf.float32),
        ]
    )
    def step(self, words: Any, grams: Any, values: Any, labels: Any, weights: Any) -> Any:
        """One step of Adam on the categorical cross-entropy; returns the loss.

        The parts are trained side by side, each to be right by itself: trained on their sum, the deep part would learn
        only what the wide one leaves, which on training headlines is nothing.
        """
        inputs = {"words": words, "grams": grams, "values": values}
        with tf.GradientTape() as tape:
            parts = self.model(inputs, training=True)
            losses = [_cross_entropy(labels, scores) * weights for scores in parts.values()]
            loss = tf.add_n([tf.reduce_mean(each) for each in losses] + list(self.model.losses))
        self.optimizer.apply(tape.gradient(loss, self.model.trainable_variables), self.model.trainable_variables)
        return loss

    def network(self, validation: Examples | None = None) -> Network:
        """The weights so far; with `validation`, its temperature is fitted on those headlines."""
        network = Network(
            architecture=self.hyperparameters.architecture,
            deep_share=self.hyperparameters.deep_share,
            temperature=1.0,
            weights=self._weights(),
        )
        if validation is None:
            return network
        scores = combined(network.parts(validation.sequences, validation.bags), network.deep_share)
        return replace(network, temperature=fitted_temperature(scores, validation.labels))

    def _weights(self) -> dict[str, np.ndarray]:
        weights = {"embedding": self.model.get_layer("embedding").embeddings.numpy()}
        for layer in self.model.layers:
            if layer.name == "wide":
                weights |= {"wide_table": layer.table(), "wide_bias": layer.bias.numpy()}
            elif layer.name in ("convolution", "hidden", "deep"):
                weights |= {f"{layer.name}_kernel": layer.kernel.numpy(), f"{layer.name}_bias": layer.bias.numpy()}
        return weights

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes in training: weights, random states of dropout, moments of Adam."""
        return {f"v{place}": variable.numpy() for place, variable in enumerate(self._variables())}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to where `state` was taken."""
        for place, variable in enumerate(self._variables()):
            variable.assign(state[f"v{place}"])

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self.optimizer.variables]


def _cross_entropy(labels: Any, scores: Any) -> Any:
    """Categorical cross-entropy [batch] of scores [batch, classes] and class numbers [batch]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)


def class_weights(labels: np.ndarray, classes: int, balance: float) -> np.ndarray:
    """Weight of a headline by its class (float32) [classes]: frequency to the power `-balance`; 1 on average."""
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    weights = (len(labels) / (classes * counts)) ** balance
    return np.asarray(weights * len(labels) / (weights * counts).sum(), dtype=np.float32)


def _vectors(corpus: Path, features: Features, checkpoints: Path, config: Config) -> np.ndarray:
    path = checkpoints / VECTORS_CHECKPOINT_FILE
    if path.exists():
        return np.asarray(np.load(path, allow_pickle=False))
    vectors = word_vectors.train_vectors(corpus, features.words, config.hyperparameters, seed=config.seed)
    unfinished = path.with_suffix(".partial")
    with unfinished.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
    unfinished.replace(path)
    return vectors


def _fit(trainer: Trainer, examples: Examples, validation: Examples, checkpoints: Path) -> np.ndarray:
    """Run the epochs that no checkpoint holds yet; returns `CURVES` of every epoch [epochs, 4]."""
    settings = trainer.hyperparameters
    weights = class_weights(examples.labels, len(trainer.features.classes), settings.class_balance)
    curves = _restore(trainer, checkpoints / CHECKPOINT_FILE)
    for epoch in range(len(curves), settings.epochs):
        loss = _epoch(trainer, examples, weights, epoch)
        measured = {"loss": loss, **_validation(trainer.network(), validation)}
        for name in CURVES:
            metric(name, measured[name])
        done = word_vectors.PROGRESS_SHARE + (1.0 - word_vectors.PROGRESS_SHARE) * (epoch + 1) / settings.epochs
        progress(done, f"epoch {epoch + 1} of {settings.epochs}")
        curves = np.vstack([curves, [[measured[name] for name in CURVES]]])
        _checkpoint(trainer, checkpoints / CHECKPOINT_FILE, curves)
    return curves


def _epoch(trainer: Trainer, examples: Examples, weights: np.ndarray, epoch: int) -> float:
    """Mean loss of the steps of one epoch. Raises JobFailed when it is no number any more."""
    settings, losses = trainer.hyperparameters, []
    # By epoch, so that a resumed training sees the same order as one that was never stopped.
    order = np.random.default_rng([trainer.seed, epoch]).permutation(len(examples))
    steps = -(-len(order) // settings.batch_size)
    for step in range(steps):
        rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
        left = 1.0 - (epoch * steps + step) / (settings.epochs * steps)
        trainer.optimizer.learning_rate.assign(settings.learning_rate * left)
        labels = examples.labels[rows]
        losses.append(trainer.step(examples.sequences[rows], *examples.bags.padded(rows), labels, weights[labels]))
    loss = float(np.mean([each.numpy() for each in losses]))
    if not np.isfinite(loss):
        raise JobFailed(
            f"Expected a finite loss, found {loss} in epoch {epoch + 1} with learning_rate "
            f"{settings.learning_rate:g}; set a smaller hyperparameters.learning_rate."
        )
    return loss


def _validation(network: Network, validation: Examples) -> dict[str, float]:
    probabilities = network.probabilities(validation.sequences, validation.bags)
    predicted = probabilities.argmax(axis=1)
    return {
        "validation_loss": log_loss(probabilities, validation.labels),
        "validation_accuracy": accuracy(validation.labels, predicted),
        "validation_macro_f1": macro_f1(validation.labels, predicted, probabilities.shape[1]),
    }


def _save(trainer: Trainer, network: Network, curves: np.ndarray, model_dir: Path) -> None:
    trainer.features.save(model_dir)
    network.save(model_dir)
    finished = classifier(trainer.model, deep_share=network.deep_share, temperature=network.temperature)
    finished.save(model_dir / KERAS_FILE)
    rows = "".join(
        ",".join([str(epoch), *(f"{each:.8g}" for each in row)]) + "\n" for epoch, row in enumerate(curves, 1)
    )
    (model_dir / CURVES_FILE).write_text(f"epoch,{','.join(CURVES)}\n{rows}", encoding="utf-8")


def _save_counts(labels: np.ndarray, classes: Sequence[str], model_dir: Path) -> None:
    """Keep how many headlines of each class there were, which bulk scoring shows beside those it finds."""
    counts = dict(zip(classes, np.bincount(labels, minlength=len(classes)).tolist(), strict=True))
    (model_dir / CLASS_COUNTS_FILE).write_text(json.dumps(counts, indent=2), encoding="utf-8")


def _restore(trainer: Trainer, path: Path) -> np.ndarray:
    """Put the trainer where the checkpoint was made; returns the curves up to there, empty without a checkpoint."""
    if not path.exists():
        return np.empty((0, len(CURVES)))
    with np.load(path) as saved:
        trainer.restore({name: saved[name] for name in saved.files if name != "curves"})
        return np.asarray(saved["curves"])


def _checkpoint(trainer: Trainer, path: Path, curves: np.ndarray) -> None:
    """Replace the checkpoint as a whole: a job that is killed meanwhile leaves the one before."""
    unfinished = path.with_suffix(".partial")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, curves=curves, **trainer.state())
    unfinished.replace(path)
