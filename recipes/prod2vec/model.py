"""The Keras model of skip-gram with negative sampling, and its training step; runs in the training image.

Target and context embedding, dot product, sigmoid: the probability that the context product is found in the company
of the target product (Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
Compositionality").

Feeding single pairs to that model is slow, so the step takes whole baskets and makes all pairs of some of their
products at once: for each basket, one matrix product of target vectors with context vectors and negatives gives every
score, and two more give every gradient. The gradient is written out, because the loss of a pair has the closed
derivative `sigmoid(score) - label`. `test_train` compares it with automatic differentiation of the Keras model.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

# Damps the first steps, which are large for rare products; of 1e-6 to 10, this did best on validation items.
ACCUMULATOR_START = 1e-2
# The loss is for the reader only, and the logarithms of all pairs would take a tenth of the time of a step.
LOSS_UNITS = 16


def build(*, products: int, embedding_size: int, seed: int) -> keras.Model:
    """Model of int inputs `target` and `context` [batch] to the probability of a genuine pair [batch, 1].

    Context vectors start at zero and target vectors small and uniform, as in word2vec.
    """
    bound = 0.5 / embedding_size
    uniform = keras.initializers.RandomUniform(-bound, bound, seed=seed)
    target = keras.Input((), dtype="int32", name="target")
    context = keras.Input((), dtype="int32", name="context")
    vectors = (
        keras.layers.Embedding(products, embedding_size, embeddings_initializer=uniform, name="target_vectors")(target),
        keras.layers.Embedding(products, embedding_size, embeddings_initializer="zeros", name="context_vectors")(
            context
        ),
    )
    score = keras.layers.Dot(axes=-1, name="score")(vectors)
    return keras.Model(
        [target, context], keras.layers.Activation("sigmoid", name="probability")(score), name="prod2vec"
    )


class SkipGramTrainer:
    """Trains the two embeddings of a model in place with row-wise Adagrad on the rows that a step touches.

    `negative_weight` is the number of negatives that each genuine pair stands against; the negatives of a unit are
    shared by its products, and each weighs as much as that number demands. `per_basket` is the number of consecutive
    places of a unit that belong to one basket.
    """

    def __init__(self, model: keras.Model, *, negative_weight: float, per_basket: int) -> None:
        self.target: tf.Variable = model.get_layer("target_vectors").embeddings.value
        self.context: tf.Variable = model.get_layer("context_vectors").embeddings.value
        products = self.target.shape[0]
        self.target_accumulator = tf.Variable(tf.fill((products,), ACCUMULATOR_START), name="target_accumulator")
        self.context_accumulator = tf.Variable(tf.fill((products,), ACCUMULATOR_START), name="context_accumulator")
        self._negative_weight = negative_weight
        self._per_basket = per_basket

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes in training, to be given back to `restore`."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        for name, variable in self._variables().items():
            variable.assign(state[name])

    def _variables(self) -> dict[str, tf.Variable]:
        names = ("target", "context", "target_accumulator", "context_accumulator")
        return {name: getattr(self, name) for name in names}

    # One compiled program for many steps: between them, vectors are updated in place instead of copied. XLA's scatter
    # is also what makes a step cheap; TensorFlow's own takes longer than all matrix products together.
    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def steps(self, drawn: tf.Tensor, used: tf.Tensor, negatives: tf.Tensor, rates: tf.Tensor) -> tf.Tensor:
        """Run one step per entry of `rates` [steps]; returns the mean loss of a pair, with its negatives [steps].

        `drawn` and `used` [steps, units, places] and `negatives` [steps, units, negatives] are what
        `BasketSampler.draw` gives.
        """
        target, context = self.target.read_value(), self.context.read_value()
        target_sums, context_sums = self.target_accumulator.read_value(), self.context_accumulator.read_value()
        losses = tf.zeros_like(rates)
        for step in tf.range(rates.shape[0]):
            rows = tf.reshape(drawn[step], (-1,))
            columns = tf.reshape(tf.concat([drawn[step], negatives[step]], axis=1), (-1,))
            shape = (used.shape[1], -1, target.shape[1])
            loss, target_gradient, context_gradient = pair_gradients(
                tf.reshape(tf.gather(target, rows), shape),
                tf.reshape(tf.gather(context, columns), shape),
                pair_labels(drawn[step], used[step], self._per_basket),
                self._negative_weight,
            )
            target, target_sums = adagrad(target, target_sums, rows, target_gradient, rates[step])
            context, context_sums = adagrad(context, context_sums, columns, context_gradient, rates[step])
            losses = tf.tensor_scatter_nd_update(losses, [[step]], [loss])
        self.target.assign(target)
        self.context.assign(context)
        self.target_accumulator.assign(target_sums)
        self.context_accumulator.assign(context_sums)
        return losses


def pair_labels(drawn: tf.Tensor, used: tf.Tensor, per_basket: int) -> tf.Tensor:
    """1.0 for every two used places [units, places, places] of the same basket, except a product with itself."""
    basket = tf.range(drawn.shape[1]) // per_basket
    pairs = (drawn[:, :, None] != drawn[:, None, :]) & (basket[:, None] == basket[None, :])[None]
    return used[:, :, None] * used[:, None, :] * tf.cast(pairs, tf.float32)


def pair_gradients(
    targets: tf.Tensor, contexts: tf.Tensor, label: tf.Tensor, negative_weight: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mean loss of a pair (on a sample), and the gradients of the SUM of losses by the vectors of each unit.

    `targets` [units, places, size] are the vectors of the products drawn, `contexts` [units, places + negatives, size]
    those of the same products and then of the negatives, `label` [units, places, places]. The loss of a pair is
    `-log sigmoid(positive score)`, and `-log sigmoid(-negative score)` in the mean over the unit's negatives times
    `negative_weight`. Gradients come flat: [units * places, size] and [units * (places + negatives), size].
    """
    drawn, size = targets.shape[1], targets.shape[2]
    negatives = contexts.shape[1] - drawn
    pairs = tf.reduce_sum(label, axis=2, keepdims=True)
    negative_share = tf.broadcast_to(pairs * (negative_weight / negatives), (label.shape[0], drawn, negatives))
    label_all = tf.concat([label, tf.zeros_like(negative_share)], axis=2)
    weight = tf.concat([label, negative_share], axis=2)
    scores = tf.matmul(targets, contexts, transpose_b=True)
    by_score = weight * tf.sigmoid(scores) - label_all
    some = slice(LOSS_UNITS)
    loss = tf.reduce_sum(weight[some] * tf.nn.softplus(scores[some]) - label_all[some] * scores[some])
    loss /= tf.maximum(tf.reduce_sum(pairs[some]), 1.0)
    by_target = tf.reshape(tf.matmul(by_score, contexts), (-1, size))
    by_context = tf.reshape(tf.matmul(by_score, targets, transpose_a=True), (-1, size))
    return loss, by_target, by_context


def adagrad(
    vectors: tf.Tensor, sums: tf.Tensor, rows: tf.Tensor, gradient: tf.Tensor, rate: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Vectors and sums of squares after a step on `rows`; a row that occurs several times is moved several times.

    Adagrad (Duchi et al. 2011) with one sum per row: the mean square of its gradients so far.
    """
    index = rows[:, None]
    size = gradient.shape[1]
    # A mean over rows; as a matrix product it takes a third of the time of XLA's reduction on a CPU.
    mean_square = tf.linalg.matvec(gradient * gradient, tf.fill((size,), 1.0 / size))
    sums = tf.tensor_scatter_nd_add(sums, index, mean_square)
    scale = rate * tf.math.rsqrt(tf.gather(sums, rows))
    return tf.tensor_scatter_nd_sub(vectors, index, gradient * scale[:, None]), sums
