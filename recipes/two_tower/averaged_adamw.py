"""Adam with decoupled weight decay and averaged weights, in few TensorFlow operations; runs in the training image."""

from __future__ import annotations

from collections.abc import Sequence

from trainyard.contract.lean.tensorflow import keras, tf
from trainyard.contract.training.fused_adam import FusedAdam


class AveragedAdamW:
    """What `keras.optimizers.AdamW` does, with the averages of `use_ema`; Keras' own takes seconds to be compiled.

    AdamW is of Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2; matrices decay only.
    The average of a weight is `momentum * average + (1 - momentum) * weight` after each step.
    """

    def __init__(self, variables: Sequence[keras.Variable], *, weight_decay: float, momentum: float) -> None:
        self._weights: list[tf.Variable] = [each.value for each in variables]
        self._adam = FusedAdam(variables)
        self.averages = [tf.Variable(tf.zeros_like(each)) for each in self._weights]
        self._weight_decay, self._momentum = weight_decay, tf.Variable(momentum)

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return int(self._adam.steps)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that changes from step to step, beside the weights."""
        return [*self._adam.variables, *self.averages]

    def restart(self, *, momentum: float) -> None:
        """Forget all steps and averages, and go on with averages of another momentum."""
        self._adam.restart()
        for each in self.averages:
            each.assign(tf.zeros_like(each))
        self._momentum.assign(momentum)

    def apply(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Move the weights by one step, against their gradients."""
        kept = tf.where(self._adam.steps > 0, self._momentum, 0.0)
        for weight in self._weights:
            if weight.shape.rank == 2:
                weight.assign_sub(weight * (self._weight_decay * learning_rate))
        self._adam.apply(gradients, learning_rate)
        for weight, average in zip(self._weights, self.averages, strict=True):
            average.assign_sub((average - weight) * (1.0 - kept))
