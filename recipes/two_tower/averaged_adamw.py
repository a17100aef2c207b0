"""Adam with decoupled weight decay and averaged weights, in few TensorFlow operations; runs in the training image."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

FIRST_MOMENT, SECOND_MOMENT, EPSILON = 0.9, 0.999, 1e-7


class AveragedAdamW:
    """What `keras.optimizers.AdamW` does, with the averages of `use_ema`; Keras' own takes seconds to be compiled.

    AdamW is of Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2; matrices decay only.
    The average of a weight is `momentum * average + (1 - momentum) * weight` after each step.
    """

    def __init__(self, variables: Sequence[keras.Variable], *, weight_decay: float, momentum: float) -> None:
        self._weights: list[tf.Variable] = [each.value for each in variables]
        self._means, self._squares, self.averages = (
            [tf.Variable(tf.zeros_like(each)) for each in self._weights] for _ in range(3)
        )
        self.steps = tf.Variable(0, dtype=tf.int64)
        self._weight_decay, self._momentum = weight_decay, momentum

    @property
    def variables(self) -> list[tf.Variable]:
        """All that changes from step to step, beside the weights."""
        return [self.steps, *self._means, *self._squares, *self.averages]

    def apply(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Move the weights by one step, against their gradients."""
        step = tf.cast(self.steps + 1, tf.float32)
        rate = learning_rate * tf.sqrt(1.0 - tf.pow(SECOND_MOMENT, step)) / (1.0 - tf.pow(FIRST_MOMENT, step))
        momentum = tf.where(self.steps > 0, self._momentum, 0.0)
        slots = zip(self._weights, gradients, self._means, self._squares, self.averages, strict=True)
        for weight, gradient, mean, square, average in slots:
            if weight.shape.rank == 2:
                weight.assign_sub(weight * self._weight_decay * learning_rate)
            mean.assign_add((gradient - mean) * (1.0 - FIRST_MOMENT))
            square.assign_add((tf.square(gradient) - square) * (1.0 - SECOND_MOMENT))
            weight.assign_sub(mean * rate / (tf.sqrt(square) + EPSILON))
            average.assign(momentum * average + (1.0 - momentum) * weight)
        self.steps.assign_add(1)
