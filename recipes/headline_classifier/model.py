"""The Keras networks that predict the class of a headline; runs in the training image.

`wide_and_deep` (after Cheng et al. 2016, "Wide & Deep Learning") adds the logits of two parts. The wide one is linear
in n-grams of words and characters, each weight multiplied by the n-gram's naive Bayes log odds (Wang and Manning 2012):
a new story brings new names, and the parts of words that are left show most of its class. The deep one reads the sum of
the word vectors. `convolution` is the network of the original, on the word vectors alone: Conv1D, max pooling, dropout,
dense.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recipes.headline_classifier.config import Hyperparameters
from recipes.headline_classifier.features import PADDING, Encoder
from recipes.headline_classifier.inference import KERNEL_SIZE, POOL_SIZE
from trainyard.contract.lean.tensorflow import keras, tf

layers, ops = keras.layers, keras.ops

FILTERS = 128
UNITS = 128
# Adam moves every weight by about the learning rate per step, whatever the size of its gradient. Weights of n-grams
# have far to go and occur in few headlines, so that they are kept divided by this.
WIDE_SCALE = 50.0


# Keras files hold the name of this class and those of its arguments: a model saved with others could not be opened.
@keras.saving.register_keras_serializable("headline_classifier")
class GramScores(keras.layers.Layer):  # type: ignore[misc]
    """Logits [batch, classes]: the sum over a headline's n-grams of value x log odds x learnt weight, plus a bias."""

    def __init__(self, grams: int, classes: int, *, l2: float, **options: Any) -> None:
        super().__init__(**options)
        self.ngrams, self.classes, self.l2 = grams, classes, l2

    def build(self, input_shape: Any) -> None:  # noqa: ARG002 - the shape of Keras' method
        shape = (self.ngrams, self.classes)
        self.weight = self.add_weight(shape=shape, initializer="zeros", regularizer=self._penalty, name="weight")
        self.log_odds = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="ratios")
        self.bias = self.add_weight(shape=(self.classes,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        indices, values = inputs
        weight, log_odds = (ops.take(each, indices, axis=0) for each in (self.weight, self.log_odds))
        return _weighted_sum(values * WIDE_SCALE, weight * log_odds) + self.bias

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        # Without it Keras calls the layer on placeholders, for which it loads the whole of TensorFlow 1.
        (batch, _), _ = input_shape
        return batch, self.classes

    def _penalty(self, weight: Any) -> Any:
        # One operation each way; `keras.regularizers.L2` makes squares of all weights first, a quarter of a step.
        return 2.0 * self.l2 * WIDE_SCALE**2 * tf.nn.l2_loss(tf.convert_to_tensor(weight))

    def table(self) -> np.ndarray:
        """What one unit of each n-gram adds to the logits [n-grams, classes]."""
        return np.asarray(self.weight.numpy() * self.log_odds.numpy() * WIDE_SCALE)

    def add(self, table: np.ndarray, *, bias: np.ndarray) -> None:
        """Add to what each n-gram adds to the logits, after training: from here on the log odds are in the weights."""
        self.bias.assign_add(bias)
        self.weight.assign(self.table() + table)
        self.log_odds.assign(np.full(self.log_odds.shape, 1.0 / WIDE_SCALE, dtype=np.float32))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "grams": self.ngrams, "classes": self.classes, "l2": self.l2}


def build(encoder: Encoder, word_vectors: np.ndarray, *, hyperparameters: Hyperparameters, seed: int) -> keras.Model:
    """A model from `words` [batch, length], `grams` and `values` [batch, any] to the logits of its parts, by name.

    The embedding starts from `word_vectors` [words + 2, size] and learns on. Logits are [batch, classes].
    """
    keras.utils.set_random_seed(seed)
    convolution = hyperparameters.architecture == "convolution"
    # A sum of vectors is the same without padding.
    words = keras.Input((encoder.length if convolution else None,), dtype="int32", name="words")
    ngrams = keras.Input((None,), dtype="int32", name="grams")
    values = keras.Input((None,), dtype="float32", name="values")
    embedding = layers.Embedding(*word_vectors.shape, embeddings_initializer="zeros", name="embedding")
    embedded = embedding(words)
    # Given as an initializer they would be part of the model's configuration, which Keras copies and writes as text.
    embedding.embeddings.assign(word_vectors)
    inputs = {"words": words, "grams": ngrams, "values": values}
    if convolution:
        deep = _convolution(embedded, hyperparameters.dropout)
        return keras.Model(inputs, {"deep": layers.Dense(len(encoder.classes), name="deep")(deep)})
    deep = layers.Dense(len(encoder.classes), name="deep")(
        _sum_of_vectors(words, embedded, dropout=hyperparameters.dropout)
    )
    wide = GramScores(encoder.ngram_count, len(encoder.classes), l2=hyperparameters.wide_l2 or 0.0, name="wide")
    model = keras.Model(inputs, {"wide": wide((ngrams, values)), "deep": deep})
    wide.log_odds.assign(encoder.log_odds)
    return model


def _convolution(embedded: Any, dropout: float) -> Any:
    filtered = layers.Conv1D(FILTERS, KERNEL_SIZE, activation="relu", name="convolution")(embedded)
    flat = layers.Flatten()(layers.MaxPooling1D(POOL_SIZE)(filtered))
    return layers.Dense(UNITS, activation="relu", name="hidden")(layers.Dropout(dropout)(flat))


def _sum_of_vectors(words: Any, embedded: Any, *, dropout: float) -> Any:
    """Sum of the vectors of the words over the root of their number, so that long and short headlines are of a size."""
    present = ops.cast(ops.not_equal(words, PADDING), "float32")
    # Whole words are dropped, so that no headline hangs on the name it is about.
    kept = layers.Dropout(dropout)(present)
    total = _weighted_sum(kept, embedded) / ops.sqrt(ops.maximum(ops.sum(present, axis=1, keepdims=True), 1.0))
    hidden = layers.Dense(UNITS, activation="relu", name="hidden")(layers.Dropout(dropout)(total))
    return layers.Dropout(dropout)(hidden)


def _weighted_sum(weights: Any, vectors: Any) -> Any:
    """Sum [batch, size] of `vectors` [batch, some, size] by `weights` [batch, some], as one product of matrices."""
    return ops.squeeze(ops.matmul(ops.expand_dims(weights, 1), vectors), 1)


def with_probabilities(model: keras.Model, *, deep_weight: float, temperature: float) -> keras.Model:
    """The trained model with class probabilities as its output: softmax of the summed logits over `temperature`."""
    parts = model.output
    logits = parts["wide"] + deep_weight * parts["deep"] if "wide" in parts else parts["deep"]
    return keras.Model(model.inputs, layers.Softmax(name="probabilities")(logits / temperature))
