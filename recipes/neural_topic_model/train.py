"""Trains the topic model with early stopping and checkpoints; runs in the training image, on CPU or GPU."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from recipes.neural_topic_model.coherence import document_npmi, topic_uniqueness
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.features import Bags, Vocabulary
from recipes.neural_topic_model.model import Trainer, build, to_numpy
from recipes.neural_topic_model.start import initial_topics, meeting_words
from recipes.neural_topic_model.topics import TopicModel, encoder_input, importance_of, ranked_words, weighted_counts
from trainyard.errors import JobFailed
from trainyard.progress import metric, progress

KERAS_FILE = "model.keras"
HISTORY_FILE = "history.json"
CHECKPOINT_FILE = "checkpoint.npz"
SMALLEST_BATCH, LARGEST_BATCH = 32, 1024
# A few very long reviews would otherwise outweigh all others.
LONGEST_DOCUMENT = 200.0
VALIDATION_DOCUMENTS = 5000
# Until divergence and coherence count in full, the loss says nothing about when to stop.
EARLIEST_STOP = 0.5


def train(channels: Mapping[str, Path], model_dir: Path, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the metrics of the model that was kept.

    Prints per epoch: `loss` and `validation_loss` (nats per document), `validation_npmi` (of the topics' words over
    validation documents), `topic_uniqueness`, and their product `validation_topic_quality`, the tuner's objective
    (coherence times diversity: Dieng, Ruiz and Blei 2020, "Topic Modeling in Embedding Spaces", section 6).
    """
    vocabulary = Vocabulary.load(channels["features"])
    training = Bags.load(channels["train"])
    if len(training) < config.hyperparameters.topics:
        raise JobFailed(
            f"Expected at least as many training documents as topics ({config.hyperparameters.topics}), found "
            f"{len(training)}; upload more reviews or lower hyperparameters.topics."
        )
    job = _Job(training, _first(Bags.load(channels["validation"])), vocabulary, config)
    history = job.run(checkpoints / CHECKPOINT_FILE)
    job.model().save(model_dir)
    job.trainer.network.save(model_dir / KERAS_FILE)
    (model_dir / HISTORY_FILE).write_text(json.dumps(history.epochs, indent=1), encoding="utf-8")
    return history.epochs[history.best]


@dataclass
class _History:
    """Metrics of every epoch so far, and which one had the lowest validation loss since `EARLIEST_STOP`."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    best: int = 0


class _Job:
    def __init__(self, training: Bags, validation: Bags, vocabulary: Vocabulary, config: Config) -> None:
        self.training, self.validation, self.vocabulary, self.config = training, validation, vocabulary, config
        parameters = config.hyperparameters
        self.importance = importance_of(training)
        self.batch = int(np.clip(len(training) // parameters.steps_per_epoch, SMALLEST_BATCH, LARGEST_BATCH))
        self.trainer = Trainer(
            build(
                words=len(vocabulary),
                topics=parameters.topics,
                hidden_units=parameters.hidden_units,
                seed=config.seed,
            ),
            initial_topics=initial_topics(training, self.importance, topics=parameters.topics, seed=config.seed),
            npmi=meeting_words(training),
            parameters=parameters,
            total_steps=parameters.epochs * parameters.steps_per_epoch,
            seed=config.seed,
        )
        self.meeting = document_npmi((validation.dense(np.arange(len(validation))) > 0).astype(np.float32))

    def model(self) -> TopicModel:
        return to_numpy(self.trainer.network, self.vocabulary, self.importance)

    def run(self, checkpoint: Path) -> _History:
        """Run the epochs that no checkpoint holds yet; the trainer ends with the best epoch's weights."""
        parameters = self.config.hyperparameters
        history, best = self._restore(checkpoint)
        for epoch in range(len(history.epochs), parameters.epochs):
            if _stops(history, parameters.epochs, parameters.patience):
                break
            history.epochs.append(self._epoch(epoch))
            for name, value in history.epochs[-1].items():
                metric(name, value)
            progress((epoch + 1) / parameters.epochs, f"epoch {epoch + 1} of {parameters.epochs}")
            if _is_best(history, parameters.epochs):
                history.best, best = epoch, self.trainer.state()
            self._save(checkpoint, history, best)
        self.trainer.restore(best)
        return history

    def _epoch(self, epoch: int) -> dict[str, float]:
        steps = self.config.hyperparameters.steps_per_epoch
        losses = []
        for number in range(epoch * steps, (epoch + 1) * steps):
            counts = self.training.dense(self._rows(number))
            losses.append(self.trainer.step(*self._tensors(counts), tf.constant(number)))
        loss = float(tf.reduce_mean(losses))
        if not np.isfinite(loss):
            raise JobFailed(
                f"Expected a finite loss, found {loss} in epoch {epoch + 1}; set a smaller "
                "hyperparameters.learning_rate."
            )
        return {"loss": loss, **self._validate()}

    def _rows(self, number: int) -> np.ndarray:
        """Documents of one step: the collection in a new order on each pass, batch after batch."""
        batches = max(1, len(self.training) // self.batch)
        turn, place = divmod(number, batches)
        order = np.random.default_rng([self.config.seed, turn]).permutation(len(self.training))
        return np.asarray(order[place * self.batch : (place + 1) * self.batch])

    def _tensors(self, counts: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        weighted = weighted_counts(counts, self.importance)
        mass = np.minimum(counts.sum(axis=1, keepdims=True), LONGEST_DOCUMENT)
        targets = mass * weighted / np.maximum(weighted.sum(axis=1, keepdims=True), 1e-9)
        return tf.constant(encoder_input(counts, self.importance)), tf.constant(targets, tf.float32)

    def _validate(self) -> dict[str, float]:
        losses = [self.trainer.losses(*self._tensors(counts)) for counts in self.validation.batches(LARGEST_BATCH)]
        top = ranked_words(self.trainer.topic_words.numpy(), self.importance)[:, : self.config.data.top_words]
        pairs = np.triu_indices(top.shape[1], 1)
        npmi = float(np.mean([self.meeting[np.ix_(words, words)][pairs].mean() for words in top]))
        unique = topic_uniqueness([[str(word) for word in words] for words in top])
        return {
            "validation_loss": float(tf.reduce_mean(tf.concat(losses, axis=0))),
            "validation_npmi": npmi,
            "topic_uniqueness": unique,
            "validation_topic_quality": npmi * unique,
        }

    def _restore(self, path: Path) -> tuple[_History, dict[str, np.ndarray]]:
        if not path.exists():
            return _History(), self.trainer.state()
        with np.load(path, allow_pickle=False) as saved:
            history = _History(**json.loads(str(saved["history"])))
            latest = {name.removeprefix("now_"): saved[name] for name in saved.files if name.startswith("now_")}
            best = {name.removeprefix("best_"): saved[name] for name in saved.files if name.startswith("best_")}
        self.trainer.restore(latest)
        return history, best

    def _save(self, path: Path, history: _History, best: Mapping[str, np.ndarray]) -> None:
        """Replace the checkpoint as a whole: a job that is killed meanwhile leaves the one before."""
        arrays = {f"now_{name}": each for name, each in self.trainer.state().items()}
        arrays |= {f"best_{name}": each for name, each in best.items()}
        text = json.dumps({"epochs": history.epochs, "best": history.best})
        unfinished = path.with_suffix(".partial")
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, history=np.asarray(text), **arrays)
        unfinished.replace(path)


def _first(bags: Bags) -> Bags:
    """At most `VALIDATION_DOCUMENTS` documents: they are sorted by a hash, so the first are a fair sample."""
    count = min(len(bags), VALIDATION_DOCUMENTS)
    end = bags.offsets[count]
    return Bags(
        keys=bags.keys[:count],
        offsets=bags.offsets[: count + 1],
        words=bags.words[:end],
        counts=bags.counts[:end],
        size=bags.size,
    )


def _is_best(history: _History, epochs: int) -> bool:
    """Whether the last epoch is the best so far; every epoch before `EARLIEST_STOP` gives way to the next."""
    last = len(history.epochs) - 1
    if last <= EARLIEST_STOP * epochs:
        return True
    return history.epochs[last]["validation_loss"] < history.epochs[history.best]["validation_loss"]


def _stops(history: _History, epochs: int, patience: int) -> bool:
    last = len(history.epochs) - 1
    return last > EARLIEST_STOP * epochs and last - history.best >= patience
