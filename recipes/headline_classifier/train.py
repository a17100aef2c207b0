"""Trains word vectors, then the classifier that starts from them; runs in the training image, on CPU or GPU."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from recipes.headline_classifier.batches import class_weights, epoch_batches, steps_per_epoch
from recipes.headline_classifier.config import Config, Hyperparameters, batch_size, wide_l2
from recipes.headline_classifier.features import Encoder
from recipes.headline_classifier.inference import CLASS_COUNTS_FILE, Network
from recipes.headline_classifier.metrics import accuracy, log_loss, macro_f1
from recipes.headline_classifier.model import with_probabilities
from recipes.headline_classifier.network import linear_parts, word_vectors
from recipes.headline_classifier.network.trainer import Trainer
from recipes.headline_classifier.ngrams.seen import as_new, counted
from recipes.headline_classifier.texts.encoded import EncodedHeadlines
from trainyard.contract.training import checkpoint, curves
from trainyard.contract.training.progress import metric, progress

KERAS_FILE = "model.keras"
EPOCH_METRICS = ("loss", "validation_loss", "validation_accuracy", "validation_macro_f1")
CHECKPOINT_FILE, AGAIN_CHECKPOINT_FILE = "checkpoint.npz", "checkpoint_again.npz"
VECTORS_CHECKPOINT_FILE = "vectors.npz"
# Training headlines up to which the validation headlines are worth a second training: a tenth more of many adds little.
MAX_TRAINED_AGAIN = 40_000


def train(channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the validation metrics of the finished model.

    Prints `EPOCH_METRICS` per epoch. The temperature of the probabilities is fitted on validation headlines; then the
    network is trained once more, in the same way, on them too. A checkpoint after the word vectors and after each epoch
    lets a killed training go on as if nothing had happened.
    """
    encoder = Encoder.load(channels["features"])
    vectors = _vectors(channels["train"] / word_vectors.CORPUS_FILE, encoder, checkpoints=checkpoints, config=config)
    similarity = word_vectors.evaluate_similarity(
        channels["features"], encoder.words, vectors=vectors, model_dir=model_dir
    )
    word_vectors.save(encoder.words, vectors, directory=model_dir)
    train, validation = (EncodedHeadlines.load(channels[name]) for name in ("train", "validation"))
    smoothing = config.data.naive_bayes_smoothing
    known, unseen = as_new(validation, train, encoder=encoder, smoothing=smoothing)
    settings = _settings(config.hyperparameters, len(train))
    trainer = Trainer(known, vectors, hyperparameters=settings, seed=config.seed)
    figures = _fit(trainer, train, validation=unseen, checkpoint_file=checkpoints / CHECKPOINT_FILE)
    network, factors = trainer.network(unseen), None
    if network.has_wide_part:
        factors = linear_parts.add_chosen(trainer, train, validation=unseen)
        network = trainer.network(unseen)
    chosen = _validation_metrics(network, unseen)
    for name, value in chosen.items():
        metric(name, value)
    metrics = similarity | {"loss": figures["loss"][-1], **chosen}
    if len(train) <= MAX_TRAINED_AGAIN:
        train = train.followed_by(validation)
        trainer.restart(encoder)
        _fit(trainer, train, validation=None, checkpoint_file=checkpoints / AGAIN_CHECKPOINT_FILE)
        if factors:
            linear_parts.add(trainer, train, factors=factors)
    else:
        trainer.forget(np.asarray(counted(train, encoder).any(axis=1)))
    network = replace(trainer.network(), temperature=network.temperature)
    _save(trainer, network, model_dir=model_dir)
    curves.write(figures, model_dir)
    _save_class_counts(train.labels, encoder.classes, model_dir=model_dir)
    return metrics


def _settings(given: Hyperparameters, headlines: int) -> Hyperparameters:
    """The settings with those filled in that depend on the number of training headlines."""
    penalty = wide_l2(headlines) if given.wide_l2 is None else given.wide_l2
    return replace(given, wide_l2=penalty, batch_size=given.batch_size or batch_size(headlines))


def _vectors(corpus: Path, encoder: Encoder, *, checkpoints: Path, config: Config) -> np.ndarray:
    path = checkpoints / VECTORS_CHECKPOINT_FILE
    if saved := checkpoint.load(path):
        return saved["vectors"]
    vectors = word_vectors.train_vectors(
        corpus, encoder.words, hyperparameters=config.hyperparameters, seed=config.seed
    )
    checkpoint.save(path, {"vectors": vectors})
    return vectors


def _fit(
    trainer: Trainer, headlines: EncodedHeadlines, *, validation: EncodedHeadlines | None, checkpoint_file: Path
) -> dict[str, list[float]]:
    """Run the epochs that no checkpoint holds yet; returns `EPOCH_METRICS` of every epoch, or the loss alone."""
    settings = trainer.hyperparameters
    weights = class_weights(headlines, len(trainer.encoder.classes), exponent=settings.class_weight_exponent)
    figures = _restore(trainer, checkpoint_file)
    for epoch in range(len(figures["loss"]), settings.epochs):
        measured = {"loss": _epoch(trainer, headlines, weights=weights, epoch=epoch)}
        if validation:
            measured |= _validation_metrics(trainer.network(), validation)
        for name, value in measured.items():
            if validation:
                metric(name, value)
            figures[name].append(value)
        _progress(epoch + 1, settings.epochs, again=validation is None)
        arrays = {name: np.asarray(values) for name, values in figures.items()}
        checkpoint.save(checkpoint_file, {**trainer.state(), **arrays})
    return figures


def _progress(epoch: int, epochs: int, *, again: bool) -> None:
    """Say which epoch is done; training once more takes as long as the first time."""
    share = (1.0 - word_vectors.PROGRESS_SHARE) / 2.0
    done = word_vectors.PROGRESS_SHARE + share * (epoch / epochs + again)
    progress(done, f"epoch {epoch} of {epochs}{', with validation headlines' if again else ''}")


def _restore(trainer: Trainer, path: Path) -> dict[str, list[float]]:
    """Put the trainer where the checkpoint was made; returns the metrics up to there, empty without a checkpoint."""
    saved = checkpoint.load(path)
    if not saved:
        return {name: [] for name in EPOCH_METRICS}
    trainer.restore(saved)
    return {name: saved[name].tolist() for name in EPOCH_METRICS}


def _epoch(trainer: Trainer, headlines: EncodedHeadlines, *, weights: np.ndarray, epoch: int) -> float:
    """Mean loss of the steps of one epoch, over which the learning rate falls; raises JobFailed for no number."""
    settings, losses = trainer.hyperparameters, list[float]()
    size = settings.batch_size or batch_size(len(headlines))
    steps = steps_per_epoch(len(headlines), size)
    batches = epoch_batches(headlines, weights, batch_size=size, seed=trainer.seed, epoch=epoch)
    for batch in batches:
        taken = epoch * steps + len(losses) + np.arange(len(batch.labels))
        left = 1.0 - taken / (settings.epochs * steps)
        losses += np.asarray(trainer.train_steps(batch, np.float32(settings.learning_rate * left))).tolist()
    loss = float(np.mean(losses))
    setting = f"hyperparameters.learning_rate than {settings.learning_rate:g}"
    return curves.finite_loss(loss, epoch=epoch, setting=setting)


def _validation_metrics(network: Network, validation: EncodedHeadlines) -> dict[str, float]:
    probabilities = network.probabilities(validation.sequences, validation.ngrams)
    predicted = probabilities.argmax(axis=1)
    of_truth = probabilities[np.arange(len(predicted)), validation.labels]
    return {
        "validation_loss": log_loss(of_truth),
        "validation_accuracy": accuracy(validation.labels, predicted),
        "validation_macro_f1": macro_f1(validation.labels, predicted, classes=probabilities.shape[1]),
    }


def _save(trainer: Trainer, network: Network, *, model_dir: Path) -> None:
    trainer.encoder.save(model_dir)
    network.save(model_dir)
    finished = with_probabilities(trainer.model, deep_weight=network.deep_weight, temperature=network.temperature)
    finished.save(model_dir / KERAS_FILE)


def _save_class_counts(labels: np.ndarray, classes: Sequence[str], *, model_dir: Path) -> None:
    """Keep how many headlines of each class there were, which bulk scoring shows beside those it finds."""
    counts = dict(zip(classes, np.bincount(labels, minlength=len(classes)).tolist(), strict=True))
    (model_dir / CLASS_COUNTS_FILE).write_text(json.dumps(counts, indent=2), encoding="utf-8")
