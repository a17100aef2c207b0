"""Trains the topic model with early stopping and checkpoints; runs in the training image, on CPU or GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recipes.neural_topic_model.batches import TrainingBatches, batch_size, validation_batches
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.early_stopping import EarlyStopping
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.inference import TopicModel, inverse_document_frequency, ranked_words
from recipes.neural_topic_model.metrics import NPMI_WINDOW, Halves
from recipes.neural_topic_model.model import Trainer, build, to_numpy
from recipes.neural_topic_model.topics.initial import initial_topics
from recipes.neural_topic_model.topics.refined_nmf import refined_nmf_for, word_shares
from recipes.neural_topic_model.topics.selection import Judge
from recipes.neural_topic_model.words.cooccurrence import document_npmi, expected_npmi
from trainyard.contract.lean.tensorflow import tf
from trainyard.contract.lean.threads import threads_for
from trainyard.contract.training import checkpoint, curves
from trainyard.contract.training.progress import metric, progress
from trainyard.errors import JobFailed

KERAS_FILE = "model.keras"
CHECKPOINT_FILE = "checkpoint.npz"
# A fair sample is enough for what training starts from, and keeps its cost from growing with the collection.
SAMPLED_DOCUMENTS = 10_000
MAX_VALIDATION_DOCUMENTS = 5000
# Documents whose other half is asked about: they are sorted by a hash, so that the first are a fair sample.
MAX_JUDGED_DOCUMENTS = 2000
# Words need not meet in fewer documents, or more, to be coherent.
PAIR_DOCUMENTS = (200, 2000)


def train(channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the metrics of the model that was kept.

    Prints per epoch: `loss` and `validation_loss` (nats per document), `validation_npmi` (of the topics' words over
    validation documents), `topic_uniqueness`, and their product `validation_topic_quality`, the tuner's objective
    (coherence times diversity: Dieng, Ruiz and Blei 2020, "Topic Modeling in Embedding Spaces", section 6). Last come
    the figures of what is kept, the network, the topics it started from, or both: see `selection.py`.
    """
    vocabulary = Vocabulary.load(channels["features"])
    bags = BagsOfWords.load(channels["train"])
    if len(bags) < config.hyperparameters.topics:
        raise JobFailed(
            f"Expected at least as many training documents as topics ({config.hyperparameters.topics}), found "
            f"{len(bags)}; upload more reviews or lower hyperparameters.topics."
        )
    validation = BagsOfWords.load(channels["validation"]).head(MAX_VALIDATION_DOCUMENTS)
    with threads_for(len(bags)):
        training = _Training(bags, validation, vocabulary=vocabulary, config=config)
        stopping = training.run(checkpoints / CHECKPOINT_FILE)
        model, figures = training.chosen()
    for name, value in figures.items():
        metric(name, value)
    model.save(model_dir)
    training.trainer.network.save(model_dir / KERAS_FILE)
    curves.write(stopping.curves, model_dir)
    return {**stopping.best(), **figures}


class _Training:
    def __init__(self, bags: BagsOfWords, validation: BagsOfWords, *, vocabulary: Vocabulary, config: Config) -> None:
        self.validation, self.vocabulary, self.config = validation, vocabulary, config
        parameters = config.hyperparameters
        self.idf = inverse_document_frequency(bags)
        size = batch_size(len(bags), parameters.steps_per_epoch)
        self.batches = TrainingBatches(bags=bags, idf=self.idf, size=size, seed=config.seed)
        network = build(
            words=len(vocabulary), topics=parameters.topics, hidden_units=parameters.hidden_units, seed=config.seed
        )
        counts = bags.dense_sample(SAMPLED_DOCUMENTS)
        seen = validation.dense(np.arange(len(validation)))
        coherence = expected_npmi(counts, documents=_documents_of_pairs(counts, len(validation)))
        self.judge = Judge(
            halves=Halves.of(seen[:MAX_JUDGED_DOCUMENTS], seed=config.seed),
            npmi=document_npmi(seen),
            coherence=coherence,
            frequency=word_shares(bags),
            listed=config.data.top_words,
        )
        self.mixture = refined_nmf_for(
            self.judge.halves, counts, frequency=self.judge.frequency, topics=parameters.topics, seed=config.seed
        )
        self.trainer = Trainer(
            network,
            initial_topics=initial_topics(self.mixture.word_shares),
            npmi=coherence,
            parameters=parameters,
            total_steps=parameters.epochs * parameters.steps_per_epoch,
            seed=config.seed,
        )

    def model(self) -> TopicModel:
        return to_numpy(self.trainer.network, self.vocabulary, idf=self.idf)

    def chosen(self) -> tuple[TopicModel, dict[str, float]]:
        """The model to keep and its figures."""
        return self.judge.better(self.model(), self.mixture)

    def run(self, path: Path) -> EarlyStopping:
        """Run the epochs that no checkpoint holds yet; the trainer ends with the best epoch's weights."""
        epochs = self.config.hyperparameters.epochs
        stopping, best = self._restore(path)
        for epoch in range(stopping.epochs_done, epochs):
            if stopping.should_stop:
                break
            metrics = {"loss": self._epoch(epoch), **self._validate()}
            for name, value in metrics.items():
                metric(name, value)
            progress((epoch + 1) / epochs, f"epoch {epoch + 1} of {epochs}")
            if stopping.add(metrics):
                best = self.trainer.state()
            self._save(path, stopping, best=best)
        self.trainer.restore(best)
        return stopping

    def _epoch(self, epoch: int) -> float:
        """Train for one epoch; returns its mean loss."""
        steps = self.config.hyperparameters.steps_per_epoch
        losses = []
        for step in range(epoch * steps, (epoch + 1) * steps):
            inputs, targets = self.batches.batch(step)
            losses.append(self.trainer.train_step(tf.constant(inputs), tf.constant(targets), step=tf.constant(step)))
        loss = float(tf.reduce_mean(losses))
        return curves.finite_loss(loss, epoch=epoch, setting="hyperparameters.learning_rate")

    def _validate(self) -> dict[str, float]:
        losses = [
            self.trainer.validation_losses(tf.constant(inputs), tf.constant(targets))
            for inputs, targets in validation_batches(self.validation, self.idf)
        ]
        top = ranked_words(self.trainer.topic_words.numpy(), self.idf)[:, : self.config.data.top_words]
        return {"validation_loss": float(tf.reduce_mean(tf.concat(losses, axis=0))), **self.judge.quality(top)}

    def _restore(self, path: Path) -> tuple[EarlyStopping, dict[str, np.ndarray]]:
        """Go back to the last checkpoint, if there is one; returns its metrics and the best weights so far."""
        parameters, saved = self.config.hyperparameters, checkpoint.load(path)
        stopping = EarlyStopping(epochs=parameters.epochs, patience=parameters.patience)
        if not saved:
            return stopping, self.trainer.state()
        self.trainer.restore(_part(saved, "latest"))
        stopping.curves = {name: values.tolist() for name, values in _part(saved, "curves").items()}
        stopping.best_epoch = int(saved["best_epoch"])
        return stopping, _part(saved, "best")

    def _save(self, path: Path, stopping: EarlyStopping, *, best: Mapping[str, np.ndarray]) -> None:
        figures = {name: np.asarray(values) for name, values in stopping.curves.items()}
        parts = {"latest": self.trainer.state(), "best": best, "curves": figures}
        arrays = {f"{part}/{name}": each for part, named in parts.items() for name, each in named.items()}
        checkpoint.save(path, {"best_epoch": np.asarray(stopping.best_epoch), **arrays})


def _documents_of_pairs(counts: np.ndarray, validation: int) -> float:
    """In how many validation documents words may meet within the window in which evaluation looks for them.

    `counts` are those of words [documents, words].
    """
    length = max(float(counts.sum(axis=1).mean()), 1.0)
    near = 1.0 - max(0.0, 1.0 - NPMI_WINDOW / length) ** 2
    return near * float(np.clip(validation, *PAIR_DOCUMENTS))


def _part(saved: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays that were saved under `part/`, by their own names."""
    return {name.removeprefix(f"{part}/"): each for name, each in saved.items() if name.startswith(f"{part}/")}
