"""A training step for each objective, and the optimizer of both; runs in the training image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from recipes.two_tower.averaged_adamw import AveragedAdamW

WARM_UP_STEPS = 50
# Weights are averaged over about this many of the last steps, or a tenth of all steps where there are fewer: an average
# that looks back further remembers the start.
AVERAGED_STEPS = 100
MASKED_LOGIT = -1e4


class Trainer:
    """What both objectives share: the trained variables, their optimizer, and the state of both.

    Adam with decoupled weight decay of kernels (Loshchilov and Hutter 2019) for `steps` steps; the learning rate rises
    in `WARM_UP_STEPS` or a tenth of all steps, then falls to zero along a cosine. The weights of the last steps are
    averaged: a cheap ensemble (Polyak and Juditsky 1992).
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        learning_rate: float,
        weight_decay: float,
        steps: int,
        scalars: Sequence[keras.Variable] = (),
    ) -> None:
        self.user, self.movie = model.get_layer("user_tower"), model.get_layer("movie_tower")
        self.variables: list[keras.Variable] = [*model.trainable_variables, *scalars]
        warm_up = max(1, min(WARM_UP_STEPS, steps // 10))
        self._schedule = keras.optimizers.schedules.CosineDecay(
            learning_rate / warm_up, max(1, steps - warm_up), warmup_target=learning_rate, warmup_steps=warm_up
        )
        momentum = 1.0 - 1.0 / min(1.0 + steps / 10.0, AVERAGED_STEPS)
        self._optimizer = AveragedAdamW(self.variables, weight_decay=weight_decay, momentum=momentum)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes in training, to be given back to `restore`."""
        return {f"state_{number}": each.numpy() for number, each in enumerate(self._state())}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on where `state` was taken."""
        for number, variable in enumerate(self._state()):
            variable.assign(state[f"state_{number}"])

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Puts the averaged weights into the model for as long as the context lasts."""
        weights = [each.numpy() for each in self.variables]
        for variable, average in zip(self.variables, self._optimizer.averages, strict=True):
            variable.assign(average)
        try:
            yield
        finally:
            for variable, value in zip(self.variables, weights, strict=True):
                variable.assign(value)

    def _state(self) -> list[keras.Variable | tf.Variable]:
        return [*self.variables, *self._optimizer.variables]

    def _minimize(self, loss: tf.Tensor, tape: tf.GradientTape) -> None:
        gradients = tape.gradient(loss, [each.value for each in self.variables])
        self._optimizer.apply(gradients, self._schedule(self._optimizer.steps))


class RatingTensors(NamedTuple):
    """Features `user` [n, a] and `movie` [n, b] of rated movies, and the rating minus its base [n]."""

    user: tf.Tensor
    movie: tf.Tensor
    residual: tf.Tensor


class RatingTrainer(Trainer):
    """Squared error of `base + user . movie`, where `base` is what the averages of both say."""

    popularity = 0.0

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(self, batch: RatingTensors) -> tf.Tensor:
        """One step; returns the loss."""
        with tf.GradientTape() as tape:
            vectors = self.user([batch.user], training=True) * self.movie([batch.movie], training=True)
            loss = tf.reduce_mean(tf.square(tf.reduce_sum(vectors, axis=1) - batch.residual))
        self._minimize(loss, tape)
        return loss


class RetrievalTensors(NamedTuple):
    """Inputs of `n` users and `m` candidates: features and base vectors; the others as in `batches.RetrievalBatch`."""

    user: list[tf.Tensor]
    movie: list[tf.Tensor]
    log_popularity: tf.Tensor
    sampling_probability_correction: tf.Tensor
    targets: tf.Tensor
    teacher_logits: tf.Tensor
    input_mask: tf.Tensor


class RetrievalTrainer(Trainer):
    """Sampled softmax over candidate movies, with the popularity bias of the sample taken out.

    The logits are corrected by the log of each candidate's probability to be in the sample (Yi et al. 2019,
    "Sampling-bias-corrected neural modeling for large corpus item recommendations"). The target is a mixture of
    what the user did watch next and of a teacher's scores (Hinton et al. 2015, "Distilling the knowledge").
    """

    def __init__(
        self, model: keras.Model, *, learning_rate: float, weight_decay: float, steps: int, distillation: float
    ) -> None:
        self.popularity = keras.Variable(0.0, name="popularity")
        super().__init__(
            model, learning_rate=learning_rate, weight_decay=weight_decay, steps=steps, scalars=[self.popularity]
        )
        self._distillation = distillation
        user, movie = ([_spec(None, each.shape[1]) for each in tower.inputs] for tower in (self.user, self.movie))
        vector, matrix = _spec(None), _spec(None, None)
        # The number of candidates differs from step to step; one program serves them all.
        signature = RetrievalTensors(user, movie, vector, vector, matrix, matrix, matrix)
        self.step = tf.function(self._step, input_signature=[signature])

    def _step(self, batch: RetrievalTensors) -> tf.Tensor:
        """One step; returns the loss."""
        # What is part of the input is no candidate.
        correction = MASKED_LOGIT * batch.input_mask + batch.sampling_probability_correction
        taught = tf.nn.softmax(batch.teacher_logits + correction)
        watched = batch.targets / tf.maximum(tf.reduce_sum(batch.targets, axis=1, keepdims=True), 1e-6)
        target = self._distillation * taught + (1.0 - self._distillation) * watched
        with tf.GradientTape() as tape:
            users, movies = self.user(batch.user, training=True), self.movie(batch.movie, training=True)
            score = tf.matmul(users, movies, transpose_b=True)
            logits = score + self.popularity.value * batch.log_popularity + correction
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
        self._minimize(loss, tape)
        return loss


def _spec(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)
