"""The Keras model with its optimizer, one step at a time; runs in the training image, on CPU or GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from recipes.headline_classifier.batches import Batch
from recipes.headline_classifier.config import Hyperparameters
from recipes.headline_classifier.features import PADDING, Encoder
from recipes.headline_classifier.inference import Network, combined_logits
from recipes.headline_classifier.model import build
from recipes.headline_classifier.network.calibration import fit_temperature
from recipes.headline_classifier.ngrams.seen import only
from recipes.headline_classifier.texts.encoded import EncodedHeadlines
from trainyard.contract.lean.tensorflow import tf
from trainyard.contract.training.fused_adam import FusedAdam

BATCHES_SIGNATURE = Batch(
    words=tf.TensorSpec([None, None, None], tf.int32),
    ngrams=tf.TensorSpec([None, None, None], tf.int32),
    values=tf.TensorSpec([None, None, None], tf.float32),
    labels=tf.TensorSpec([None, None], tf.int32),
    weights=tf.TensorSpec([None, None], tf.float32),
)
STEPS_SIGNATURE = (BATCHES_SIGNATURE, tf.TensorSpec([None], tf.float32))


class Trainer:
    """A model in training; `train_steps` is one compiled program, whatever the longest bag of a batch."""

    def __init__(
        self, encoder: Encoder, word_vectors: np.ndarray, *, hyperparameters: Hyperparameters, seed: int
    ) -> None:
        self.encoder, self.hyperparameters, self.seed = encoder, hyperparameters, seed
        self.model = build(encoder, word_vectors, hyperparameters=hyperparameters, seed=seed)
        self.optimizer = FusedAdam(self.model.trainable_variables)
        # What is neither zero at the start nor the log odds.
        parts = [layer for layer in self.model.layers if layer.name != "wide"]
        self._initial = [(each, each.numpy()) for layer in parts for each in layer.variables]

    @tf.function(input_signature=STEPS_SIGNATURE, autograph=False)  # type: ignore[untyped-decorator]
    def train_steps(self, batches: Batch, learning_rates: Any) -> Any:
        """A step for each of `learning_rates` [steps], on batches with that dimension; returns the losses [steps]."""
        steps = tf.shape(learning_rates)[0]
        if "wide" in self.model.output:
            batches = batches._replace(words=_without_padding(batches.words))

        def one_step(step: Any, losses: Any) -> tuple[Any, Any]:
            loss = self._step(Batch(*(each[step] for each in batches)), learning_rates[step])
            return step + 1, losses.write(step, loss)

        start = (tf.constant(0), tf.TensorArray(tf.float32, size=steps, element_shape=()))
        _, losses = tf.while_loop(lambda step, _: step < steps, one_step, start, parallel_iterations=1)
        return losses.stack()

    def _step(self, batch: Batch, learning_rate: Any) -> Any:
        """One step of Adam on the categorical cross-entropy; returns the loss.

        The parts are trained side by side, each to be right by itself: trained on their sum, the deep part would learn
        only what the wide one leaves, which on training headlines is nothing.
        """
        inputs = {"words": batch.words, "grams": batch.ngrams, "values": batch.values}
        with tf.GradientTape() as tape:
            parts = self.model(inputs, training=True)
            losses = [_cross_entropy(batch.labels, logits) * batch.weights for logits in parts.values()]
            loss = tf.add_n([tf.reduce_mean(each) for each in losses] + list(self.model.losses))
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self.optimizer.apply(gradients, learning_rate)
        return loss

    def network(self, validation: EncodedHeadlines | None = None) -> Network:
        """The weights so far; with `validation`, its temperature is fitted on those headlines."""
        network = Network(
            architecture=self.hyperparameters.architecture,
            deep_weight=self.hyperparameters.deep_weight,
            temperature=1.0,
            weights=self._weights(),
        )
        if validation is None:
            return network
        parts = network.part_logits(validation.sequences, validation.ngrams)
        logits = combined_logits(parts, network.deep_weight)
        return replace(network, temperature=fit_temperature(logits, validation.labels))

    def _weights(self) -> dict[str, np.ndarray]:
        weights = {"embedding": self.model.get_layer("embedding").embeddings.numpy()}
        for layer in self.model.layers:
            if layer.name == "wide":
                weights |= {"wide_table": layer.table(), "wide_bias": layer.bias.numpy()}
            elif layer.name in ("convolution", "hidden", "deep"):
                weights |= {f"{layer.name}_kernel": layer.kernel.numpy(), f"{layer.name}_bias": layer.bias.numpy()}
        return weights

    def restart(self, encoder: Encoder) -> None:
        """Back to where training starts, with the log odds of `encoder`; what was compiled for a step stays."""
        self.encoder = encoder
        for variable in self.model.variables:
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
        self.optimizer.restart()
        for variable, value in self._initial:
            variable.assign(value)
        if "wide" in self.model.output:
            self.model.get_layer("wide").log_odds.assign(encoder.log_odds)

    def add_to_wide(self, table: np.ndarray, *, bias: np.ndarray) -> None:
        """Add `table` [n-grams, classes] and `bias` [classes] to the logits; no step of training can follow."""
        self.model.get_layer("wide").add(table, bias=bias)

    def forget(self, kept: np.ndarray) -> None:
        """Cut all n-grams but those `kept` [n-grams] from encoder and model; no step of training can follow."""
        self.encoder, old = only(self.encoder, kept), self.model
        vectors = old.get_layer("embedding").embeddings.numpy()
        self.model = build(self.encoder, vectors, hyperparameters=self.hyperparameters, seed=self.seed)
        for layer, same in zip(self.model.layers, old.layers, strict=True):
            weights = same.get_weights()
            # Of the wide part all but the bias have a row for each n-gram.
            layer.set_weights([each[kept] if layer.name == "wide" and each.ndim == 2 else each for each in weights])

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes in training: weights, random states of dropout, moments of Adam."""
        return {f"variable/{index}": variable.numpy() for index, variable in enumerate(self._variables())}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to where `state` was taken."""
        for index, variable in enumerate(self._variables()):
            variable.assign(state[f"variable/{index}"])

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self.optimizer.variables]


def _without_padding(words: Any) -> Any:
    """Word numbers [..., length] up to the end of the longest headline: most are far shorter than they may be."""
    lengths = tf.math.count_nonzero(tf.not_equal(words, PADDING), axis=-1, dtype=tf.int32)
    return words[..., : tf.maximum(tf.reduce_max(lengths), 1)]


def _cross_entropy(labels: Any, logits: Any) -> Any:
    """Categorical cross-entropy [batch] of logits [batch, classes] and class numbers [batch]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
