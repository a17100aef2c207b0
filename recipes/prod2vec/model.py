"""The Keras model of skip-gram with negative sampling, and its training step; runs in the training image.

Target and context embedding, dot product, sigmoid: the probability that the context product is bought together
with the target product (Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
Compositionality").

Feeding single pairs to that model is slow, so the step takes whole baskets and makes all pairs of some of their
products at once: for each basket, one matrix product of target vectors with context vectors and negatives gives every
score, and two more give every gradient. The gradient is written out, because the loss of a pair has the closed
derivative `sigmoid(score) - label`. A test compares it with automatic differentiation of the Keras model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trainyard.contract.lean.tensorflow import keras, tf

# Damps the first steps, which are large for rare products; of 1e-6 to 10, this did best on validation items.
INITIAL_ACCUMULATOR = 1e-2
# The loss is for the reader only, and the logarithms of all pairs would take a tenth of the time of a step.
LOSS_PACKS = 16


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

    `negative_weight` is the number of negatives that each genuine pair stands against; the negatives of a pack are
    shared by its products, and each weighs as much as that number demands. `slots_per_basket` is the number of
    consecutive slots of a pack that belong to one basket.
    """

    def __init__(self, model: keras.Model, *, negative_weight: float, slots_per_basket: int) -> None:
        self.target: tf.Variable = model.get_layer("target_vectors").embeddings.value
        self.context: tf.Variable = model.get_layer("context_vectors").embeddings.value
        products = self.target.shape[0]
        self.target_accumulator = tf.Variable(tf.fill((products,), INITIAL_ACCUMULATOR), name="target_accumulator")
        self.context_accumulator = tf.Variable(tf.fill((products,), INITIAL_ACCUMULATOR), name="context_accumulator")
        self._negative_weight = negative_weight
        self._slots_per_basket = slots_per_basket

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes in training, to be given back to `restore`."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to what `state` returned."""
        for name, variable in self._variables().items():
            variable.assign(state[name])

    def _variables(self) -> dict[str, tf.Variable]:
        names = ("target", "context", "target_accumulator", "context_accumulator")
        return {name: getattr(self, name) for name in names}

    # One compiled program for many steps: between them, vectors are updated in place instead of copied. XLA's scatter
    # is also what makes a step cheap; TensorFlow's own takes longer than all matrix products together.
    # The loop is written out, because TensorFlow needs longer to rewrite Python's (AutoGraph) than to compile it.
    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def train_steps(
        self, products: tf.Tensor, mask: tf.Tensor, *, negatives: tf.Tensor, learning_rates: tf.Tensor
    ) -> tf.Tensor:
        """Run a step per entry of `learning_rates` [steps]; returns the mean loss [steps] of a pair with its negatives.

        `products` and `mask` [steps, packs, slots] and `negatives` [steps, packs, negatives] are what
        `BasketSampler.draw` gives.
        """

        def one_step(step: tf.Tensor, state: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            losses, *values = state
            loss, values = self._step(
                values,
                products=products[step],
                mask=mask[step],
                negatives=negatives[step],
                learning_rate=learning_rates[step],
            )
            return step + 1, [tf.tensor_scatter_nd_update(losses, [[step]], [loss]), *values]

        variables = self._variables().values()
        start = (tf.constant(0), [tf.zeros_like(learning_rates), *(each.read_value() for each in variables)])
        _, (losses, *values) = tf.while_loop(lambda step, _: step < learning_rates.shape[0], one_step, start)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return losses

    def _step(
        self,
        values: Sequence[tf.Tensor],
        *,
        products: tf.Tensor,
        mask: tf.Tensor,
        negatives: tf.Tensor,
        learning_rate: tf.Tensor,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The loss of one step from `values` of the variables, and their values after it."""
        target, context, target_accumulator, context_accumulator = values
        rows = tf.reshape(products, (-1,))
        columns = tf.reshape(tf.concat([products, negatives], axis=1), (-1,))
        shape = (mask.shape[0], -1, target.shape[1])
        loss, target_gradient, context_gradient = pair_gradients(
            tf.reshape(tf.gather(target, rows), shape),
            tf.reshape(tf.gather(context, columns), shape),
            labels=pair_labels(products, mask, slots_per_basket=self._slots_per_basket),
            negative_weight=self._negative_weight,
        )
        target, target_accumulator = row_wise_adagrad(
            target, target_accumulator, rows=rows, gradients=target_gradient, learning_rate=learning_rate
        )
        context, context_accumulator = row_wise_adagrad(
            context, context_accumulator, rows=columns, gradients=context_gradient, learning_rate=learning_rate
        )
        return loss, [target, context, target_accumulator, context_accumulator]


def pair_labels(products: tf.Tensor, mask: tf.Tensor, *, slots_per_basket: int) -> tf.Tensor:
    """1.0 for every two used slots [packs, slots, slots] of the same basket, except a product with itself."""
    basket = tf.range(products.shape[1]) // slots_per_basket
    pairs = (products[:, :, None] != products[:, None, :]) & (basket[:, None] == basket[None, :])[None]
    return mask[:, :, None] * mask[:, None, :] * tf.cast(pairs, tf.float32)


def pair_gradients(
    targets: tf.Tensor, contexts: tf.Tensor, *, labels: tf.Tensor, negative_weight: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mean loss of a pair (on a sample), and the gradients of the SUM of losses by the vectors of each pack.

    `targets` [packs, slots, size] are the vectors of the products drawn, `contexts` [packs, slots + negatives, size]
    those of the same products and then of the negatives, `labels` [packs, slots, slots]. The loss of a pair is
    `-log sigmoid(positive score)`, and `-log sigmoid(-negative score)` in the mean over the pack's negatives times
    `negative_weight`. Gradients come flat: [packs * slots, size] and [packs * (slots + negatives), size].
    """
    slots, size = targets.shape[1], targets.shape[2]
    negatives = contexts.shape[1] - slots
    pairs = tf.reduce_sum(labels, axis=2, keepdims=True)
    negative_weights = tf.broadcast_to(pairs * (negative_weight / negatives), (labels.shape[0], slots, negatives))
    all_labels = tf.concat([labels, tf.zeros_like(negative_weights)], axis=2)
    weights = tf.concat([labels, negative_weights], axis=2)
    scores = tf.matmul(targets, contexts, transpose_b=True)
    by_score = weights * tf.sigmoid(scores) - all_labels
    sample = slice(LOSS_PACKS)
    loss = tf.reduce_sum(weights[sample] * tf.nn.softplus(scores[sample]) - all_labels[sample] * scores[sample])
    loss /= tf.maximum(tf.reduce_sum(pairs[sample]), 1.0)
    by_target = tf.reshape(tf.matmul(by_score, contexts), (-1, size))
    # In two parts, since XLA takes twice as long, on one core, for a product with one turned matrix.
    turned = [tf.transpose(part, (0, 2, 1)) for part in tf.split(by_score, [slots, negatives], axis=2)]
    by_context = tf.reshape(tf.matmul(tf.concat(turned, axis=1), targets), (-1, size))
    return loss, by_target, by_context


def row_wise_adagrad(
    vectors: tf.Tensor, accumulator: tf.Tensor, *, rows: tf.Tensor, gradients: tf.Tensor, learning_rate: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Vectors and accumulator after a step on `rows`; a row that occurs several times is moved several times.

    Adagrad (Duchi et al. 2011) with one accumulator per row: the sum of the mean squares of its gradients so far.
    """
    index = rows[:, None]
    size = gradients.shape[1]
    # A mean over rows; as a matrix product it takes a third of the time of XLA's reduction on a CPU.
    mean_square = tf.linalg.matvec(gradients * gradients, tf.fill((size,), 1.0 / size))
    accumulator = tf.tensor_scatter_nd_add(accumulator, index, mean_square)
    scale = learning_rate * tf.math.rsqrt(tf.gather(accumulator, rows))
    return tf.tensor_scatter_nd_sub(vectors, index, gradients * scale[:, None]), accumulator
