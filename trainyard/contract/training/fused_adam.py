"""Adam with one TensorFlow operation per variable; runs in the training image, on CPU or GPU."""

from __future__ import annotations

from collections.abc import Sequence

from trainyard.contract.lean.tensorflow import keras, tf

FIRST_MOMENT, SECOND_MOMENT, EPSILON = 0.9, 0.999, 1e-7


class FusedAdam:
    """What `keras.optimizers.Adam` does (Kingma and Ba 2015, algorithm 1), whose dozen operations per variable take
    seconds to be traced and compiled, and go through large weights again and again.
    """

    def __init__(self, variables: Sequence[keras.Variable]) -> None:
        self._weights: list[tf.Variable] = [each.value for each in variables]
        self._means, self._squares = ([tf.Variable(tf.zeros_like(each)) for each in self._weights] for _ in range(2))
        self.steps = tf.Variable(0, dtype=tf.int64)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that changes from step to step, beside the weights."""
        return [self.steps, *self._means, *self._squares]

    def restart(self) -> None:
        """Forget all steps."""
        for each in self.variables:
            each.assign(tf.zeros_like(each))

    def apply(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Move the weights by one step, against their gradients, which are tensors or slices of them."""
        step = tf.cast(self.steps + 1, tf.float32)
        powers = tf.pow(FIRST_MOMENT, step), tf.pow(SECOND_MOMENT, step)
        slots = zip(self._weights, gradients, self._means, self._squares, strict=True)
        for weight, gradient, mean, square in slots:
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=learning_rate,
                beta1=FIRST_MOMENT,
                beta2=SECOND_MOMENT,
                epsilon=EPSILON,
                grad=tf.convert_to_tensor(gradient),
            )
        self.steps.assign_add(1)
