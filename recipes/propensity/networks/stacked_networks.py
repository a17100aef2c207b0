"""Trains many small networks on the same visits in one TensorFlow program; runs in the training image.

Networks of this size keep no core busy one by one: most of the time goes into starting operations. Here the networks of
a search, or of an average, share batches and one matrix product per layer. Those of fewer nodes are padded; padded
nodes are switched off. Each network has dropout rates, optimizer and learning rate of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainyard.contract.lean.tensorflow import tf

ADAM_BETAS = (0.9, 0.999)
RMSPROP_BETAS = (0.0, 0.9)
EPSILON = 1e-7
# The hidden layers of ten networks for as many rows take some 150 MB.
BLOCK_ROWS = 20_000


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """What one network is and how it is trained: the arguments of the original's `model_tune`."""

    node1: int
    node2: int
    dropout1: float
    dropout2: float
    optimizer: str
    learning_rate: float
    lr_annealing: float


def initial_weights(inputs: int, network: NetworkSettings, *, seed: int) -> list[np.ndarray]:
    """Weights of one network as Keras starts them: Glorot uniform kernels, zero biases."""
    random = np.random.default_rng(seed)
    weights = []
    for rows, columns in ((inputs, network.node1), (network.node1, network.node2), (network.node2, 1)):
        bound = np.sqrt(6.0 / (rows + columns))
        weights += [random.uniform(-bound, bound, (rows, columns)), np.zeros(columns)]
    return [each.astype(np.float32) for each in weights]


class StackedNetworks:
    """Networks trained side by side. Kernels lie as [networks, rows, columns], biases as [networks, 1, columns]."""

    def __init__(self, networks: Sequence[NetworkSettings], inputs: int, *, seed: int) -> None:
        self.settings = tuple(networks)
        self._seed = seed
        self._width = (max(each.node1 for each in networks), max(each.node2 for each in networks))
        weights = [initial_weights(inputs, each, seed=seed + index) for index, each in enumerate(networks)]
        self.weights = [tf.Variable(each) for each in self._stacked(weights)]
        self.first_moments = [tf.Variable(tf.zeros_like(each)) for each in self.weights]
        self.second_moments = [tf.Variable(tf.zeros_like(each)) for each in self.weights]
        self.step = tf.Variable(0, dtype=tf.int64)
        betas = [ADAM_BETAS if each.optimizer == "adam" else RMSPROP_BETAS for each in networks]
        self._beta1, self._beta2 = (self._per_network([each[moment] for each in betas]) for moment in (0, 1))
        self._adam = self._per_network([float(each.optimizer == "adam") for each in networks])
        self._keep_rates = [
            self._per_network([1.0 - getattr(each, name) for each in networks]) for name in ("dropout1", "dropout2")
        ]

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that changes in training."""
        return [*self.weights, *self.first_moments, *self.second_moments, self.step]

    def _per_network(self, values: Sequence[float]) -> tf.Tensor:
        return tf.constant(np.asarray(values, dtype=np.float32)[:, None, None])

    def _stacked(self, weights: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
        """Padded with zeros: a node without weights in and out gets no gradient and stays zero."""
        inputs = weights[0][0].shape[0]
        first, second = self._width
        shapes = ((inputs, first), (1, first), (first, second), (1, second), (second, 1), (1, 1))
        stacked = [np.zeros((len(weights), *shape), np.float32) for shape in shapes]
        for index, each in enumerate(weights):
            for target, values in zip(stacked, each, strict=True):
                matrix = np.atleast_2d(values)
                target[index, : matrix.shape[0], : matrix.shape[1]] = matrix
        return stacked

    def weights_of(self, index: int) -> list[np.ndarray]:
        """Kernels and biases of one network without padding, in Keras's order and shapes."""
        own, inputs = self.settings[index], self.weights[0].shape[1]
        shapes = ((inputs, own.node1), (own.node1, own.node2), (own.node2, 1))
        values = [each.numpy()[index] for each in self.weights]
        found = []
        for layer, (rows, columns) in enumerate(shapes):
            found += [values[2 * layer][:rows, :columns], values[2 * layer + 1][0, :columns]]
        return found

    # Without XLA, which would generate the random numbers of dropout for every network again: four times the time.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def train_epoch(
        self, inputs: tf.Tensor, labels: tf.Tensor, *, train_mask: tf.Tensor, batches: tf.Tensor, rates: tf.Tensor
    ) -> tf.Tensor:
        """One step per row of `batches` [steps, batch]: rows of `inputs` [rows, inputs] and of `labels` [rows].

        `train_mask` [networks, rows] is 1.0 where a network learns from a row; `rates` [networks] are learning rates.
        Returns the mean loss of each network over what it learned from [networks].
        """
        trained = (self.weights, self.first_moments, self.second_moments)
        steps, first = tf.shape(batches)[0], self.step.read_value()

        def one_step(batch: tf.Tensor, so_far: Any) -> tuple[Any, ...]:
            total, *state = so_far
            rows, step = batches[batch], first + tf.cast(batch, tf.int64) + 1
            x, y, mask = tf.gather(inputs, rows), tf.gather(labels, rows), tf.gather(train_mask, rows, axis=1)
            dropout = self._dropout_masks(tf.shape(x)[0], step)
            loss, gradients = self.gradients(state[0], x, y=y, train_mask=mask, dropout=dropout)
            state = self._optimizer_step(state, gradients, step=step, rates=rates[:, None, None])
            return batch + 1, (total + loss, *state)

        state = ([each.read_value() for each in variables] for variables in trained)
        start = (tf.constant(0), (tf.zeros((len(self.settings),)), *state))
        _, (total, *state) = tf.while_loop(lambda batch, _: batch < steps, one_step, start)
        for variables, values in zip(trained, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self.step.assign(first + tf.cast(steps, tf.int64))
        return total / tf.cast(steps, tf.float32)

    def gradients(
        self, weights: list[tf.Tensor], x: tf.Tensor, *, y: tf.Tensor, train_mask: tf.Tensor, dropout: list[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Mean binary cross-entropy of each network [networks] on a batch, and its gradients by the weights."""
        hidden, logits = forward(weights, x, dropout=dropout)
        count = tf.maximum(tf.reduce_sum(train_mask, axis=1), 1.0)
        share = (train_mask / count[:, None])[:, :, None]
        loss = tf.reduce_sum(share * (tf.nn.softplus(logits) - y[None, :, None] * logits), axis=(1, 2))
        found: list[tf.Tensor] = []
        delta = share * (tf.sigmoid(logits) - y[None, :, None])
        for layer in (2, 1, 0):
            below = hidden[layer]
            kernel_gradient = tf.matmul(below, delta, transpose_a=True)
            found = [kernel_gradient, tf.reduce_sum(delta, axis=1, keepdims=True), *found]
            if layer:
                delta = tf.matmul(delta, weights[2 * layer], transpose_b=True) * dropout[layer - 1]
                delta = tf.where(below > 0, delta, tf.zeros_like(delta))
        return loss, found

    def _dropout_masks(self, batch: tf.Tensor, step: tf.Tensor) -> list[tf.Tensor]:
        """What dropout leaves of the hidden layers, scaled up to keep sums: [networks, batch, nodes].

        All networks look at the same random numbers, each with its own rate: drawing numbers for each of them would
        take longer than the matrix products.
        """
        masks = []
        for layer, (keep, width) in enumerate(zip(self._keep_rates, self._width, strict=True)):
            seeds = tf.stack([tf.constant(self._seed, tf.int64), step * 2 + layer])
            chance = tf.random.stateless_uniform((batch, width), seeds)
            masks.append(tf.cast(chance[None] < keep, tf.float32) / keep)
        return masks

    def _optimizer_step(
        self, state: Sequence[list[tf.Tensor]], gradients: list[tf.Tensor], *, step: tf.Tensor, rates: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
        """Adam (Kingma and Ba 2015) or RMSprop (Tieleman and Hinton 2012), which is Adam without first moment."""
        steps = tf.cast(step, tf.float32)
        # RMSprop knows no correction for the zero start of its average.
        correct1 = 1.0 - self._adam * self._beta1**steps
        correct2 = 1.0 - self._adam * self._beta2**steps
        weights, first, second = [], [], []
        for weight, old_mean, old_square, gradient in zip(*state, gradients, strict=True):
            mean = self._beta1 * old_mean + (1.0 - self._beta1) * gradient
            square = self._beta2 * old_square + (1.0 - self._beta2) * gradient * gradient
            rate = rates * tf.sqrt(correct2) / correct1
            # Keras adds its small number below the root in RMSprop, and beside it in Adam.
            root = tf.sqrt(square + EPSILON * (1.0 - self._adam)) + EPSILON * self._adam
            weights.append(weight - rate * mean / root)
            first.append(mean)
            second.append(square)
        return weights, first, second

    def logits(
        self, inputs: np.ndarray, *, rows: np.ndarray | None = None, networks: np.ndarray | None = None
    ) -> np.ndarray:
        """Logits without dropout [networks, rows]: of all networks and rows, or of those with these numbers.

        `BLOCK_ROWS` are worked on at a time.
        """
        asked = np.arange(len(inputs)) if rows is None else rows
        own = tf.constant(np.arange(len(self.settings)) if networks is None else networks)
        blocks = [
            self._logits(tf.constant(inputs[asked[start : start + BLOCK_ROWS]]), networks=own).numpy()
            for start in range(0, max(len(asked), 1), BLOCK_ROWS)
        ]
        return np.concatenate(blocks, axis=1)

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def _logits(self, inputs: tf.Tensor, *, networks: tf.Tensor) -> tf.Tensor:
        ones = [tf.ones((1, 1, 1))] * 2
        weights = [tf.gather(each.read_value(), networks) for each in self.weights]
        return forward(weights, inputs, dropout=ones)[1][:, :, 0]


def forward(weights: list[tf.Tensor], x: tf.Tensor, *, dropout: list[tf.Tensor]) -> tuple[list[tf.Tensor], tf.Tensor]:
    """What goes into each layer, [networks, batch, nodes] each, and the logits [networks, batch, 1]."""
    hidden = [tf.broadcast_to(x[None], (tf.shape(weights[0])[0], tf.shape(x)[0], x.shape[1]))]
    for layer in (0, 1):
        active = tf.nn.relu(tf.matmul(hidden[-1], weights[2 * layer]) + weights[2 * layer + 1])
        hidden.append(active * dropout[layer])
    return hidden, tf.matmul(hidden[-1], weights[4]) + weights[5]
