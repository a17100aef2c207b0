"""The Keras networks that tell the class of a headline; runs in the training image.

`wide_and_deep` (after Cheng et al. 2016, "Wide & Deep Learning") adds the scores of two parts. The wide one is linear
in n-grams of words and characters, each weight multiplied by the n-gram's naive Bayes log odds (Wang and Manning 2012):
a new story brings new names, and the parts of words that are left tell most of its class. The deep one reads the sum of
the word vectors. `convolution` is the network of the original, on the word vectors alone: Conv1D, max pooling, dropout,
dense.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from recipes.headline_classifier.config import Hyperparameters
from recipes.headline_classifier.features import PADDING, Features
from recipes.headline_classifier.network import KERNEL, POOL

FILTERS = 128
UNITS = 128
# Adam moves every weight by about the learning rate per step, whatever the size of its gradient. Weights of n-grams
# have far to go and occur in few headlines, so that they are kept divided by this.
WIDE_SCALE = 50.0


@keras.saving.register_keras_serializable("headline_classifier")
class GramScores(layers.Layer):  # type: ignore[misc]
    """Scores [batch, classes]: the sum over a headline's n-grams of value x log odds x learnt weight, plus a bias."""

    def __init__(self, grams: int, classes: int, l2: float, **options: Any) -> None:
        super().__init__(**options)
        self.grams, self.classes, self.l2 = grams, classes, l2

    def build(self, input_shape: Any) -> None:  # noqa: ARG002 - the shape of Keras' method
        shape = (self.grams, self.classes)
        penalty = keras.regularizers.L2(self.l2 * WIDE_SCALE**2)
        self.weight = self.add_weight(shape=shape, initializer="zeros", regularizer=penalty, name="weight")
        self.ratios = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="ratios")
        self.bias = self.add_weight(shape=(self.classes,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        indices, values = inputs
        table = self.weight * self.ratios * WIDE_SCALE
        return ops.einsum("bk,bkc->bc", values, ops.take(table, indices, axis=0)) + self.bias

    def table(self) -> np.ndarray:
        """Learnt score [n-grams, classes] of one unit of each n-gram."""
        return np.asarray(self.weight.numpy() * self.ratios.numpy() * WIDE_SCALE)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "grams": self.grams, "classes": self.classes, "l2": self.l2}


def build(features: Features, vectors: np.ndarray, hyperparameters: Hyperparameters, *, seed: int) -> keras.Model:
    """A model from `words` [batch, length], `grams` and `values` [batch, any] to the scores of its parts, by name.

    The embedding starts from `vectors` [words + 2, size] and learns on. Scores are logits [batch, classes].
    """
    keras.utils.set_random_seed(seed)
    words = keras.Input((features.length,), dtype="int32", name="words")
    grams = keras.Input((None,), dtype="int32", name="grams")
    values = keras.Input((None,), dtype="float32", name="values")
    start = keras.initializers.Constant(vectors)
    embedded = layers.Embedding(*vectors.shape, embeddings_initializer=start, name="embedding")(words)
    inputs = {"words": words, "grams": grams, "values": values}
    if hyperparameters.architecture == "convolution":
        deep = _convolution(embedded, hyperparameters.dropout)
        return keras.Model(inputs, {"deep": layers.Dense(len(features.classes), name="deep")(deep)})
    deep = layers.Dense(len(features.classes), name="deep")(_summed(words, embedded, hyperparameters.dropout))
    wide = GramScores(features.grams, len(features.classes), hyperparameters.wide_l2, name="wide")
    model = keras.Model(inputs, {"wide": wide((grams, values)), "deep": deep})
    wide.ratios.assign(features.ratios)
    return model


def _convolution(embedded: Any, dropout: float) -> Any:
    filtered = layers.Conv1D(FILTERS, KERNEL, activation="relu", name="convolution")(embedded)
    flat = layers.Flatten()(layers.MaxPooling1D(POOL)(filtered))
    return layers.Dense(UNITS, activation="relu", name="hidden")(layers.Dropout(dropout)(flat))


def _summed(words: Any, embedded: Any, dropout: float) -> Any:
    """Sum of the vectors of the words over the root of their number, so that long and short headlines are of a size."""
    present = ops.expand_dims(ops.cast(ops.not_equal(words, PADDING), "float32"), -1)
    # Whole words are dropped, so that no headline hangs on the name it is about.
    kept = layers.Dropout(dropout, noise_shape=(None, words.shape[1], 1))(embedded)
    total = ops.sum(kept * present, axis=1) / ops.sqrt(ops.maximum(ops.sum(present, axis=1), 1.0))
    hidden = layers.Dense(UNITS, activation="relu", name="hidden")(layers.Dropout(dropout)(total))
    return layers.Dropout(dropout)(hidden)


def classifier(model: keras.Model, *, deep_share: float, temperature: float) -> keras.Model:
    """The trained model with class probabilities as its output: softmax of the summed scores over `temperature`."""
    parts = model.output
    scores = parts["wide"] + deep_share * parts["deep"] if "wide" in parts else parts["deep"]
    return keras.Model(model.inputs, layers.Softmax(name="probabilities")(scores / temperature))
