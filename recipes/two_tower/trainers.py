"""A training step for each objective, and the optimizer of both; runs in the training image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from recipes.two_tower.averaged_adamw import AveragedAdamW
from recipes.two_tower.learning_rate import WarmUpAndCosine
from trainyard.contract.lean.tensorflow import keras, tf

# Weights are averaged over about this many of the last steps, or a tenth of all steps where there are fewer: an average
# that looks back further remembers the start.
AVERAGED_STEPS = 100
MASKED_LOGIT = -1e4


class Trainer:
    """What both objectives share: the trained variables, their optimizer, and the state of both.

    Adam with decoupled weight decay of kernels (Loshchilov and Hutter 2019) for `steps` steps, with the learning rate
    of `WarmUpAndCosine`. The weights of the last steps are averaged: a cheap ensemble (Polyak and Juditsky 1992).
    Subclasses give `_step`, which is compiled for batches of any number of rows.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        learning_rate: float,
        weight_decay: float,
        steps: int,
        signature: tuple[Any, ...],
        scalars: Sequence[keras.Variable] = (),
    ) -> None:
        self.model, self.user, self.movie = model, model.get_layer("user_tower"), model.get_layer("movie_tower")
        self.variables: list[keras.Variable] = [*model.trainable_variables, *scalars]
        self._initial = [each.numpy() for each in self.variables]
        self._schedule = WarmUpAndCosine(highest=learning_rate, steps=steps)
        self._optimizer = AveragedAdamW(self.variables, weight_decay=weight_decay, momentum=_momentum(steps))
        self._compiled = tf.function(self._step, input_signature=[signature, _spec()], autograph=False)

    def step(self, batch: tuple[Any, ...]) -> float:
        """One step; returns the loss."""
        rate = self._schedule.at(self._optimizer.steps)
        return float(self._compiled(batch, tf.constant(rate, tf.float32)))

    def restart(self, *, steps: int) -> None:
        """Back to where training starts, for another number of steps; what was compiled stays."""
        for variable, value in zip(self.variables, self._initial, strict=True):
            variable.assign(value)
        self._schedule = replace(self._schedule, steps=steps)
        self._optimizer.restart(momentum=_momentum(steps))

    def _step(self, batch: Any, learning_rate: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

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

    def _minimize(self, loss: tf.Tensor, tape: tf.GradientTape, *, learning_rate: tf.Tensor) -> None:
        gradients = tape.gradient(loss, [each.value for each in self.variables])
        self._optimizer.apply(gradients, learning_rate)


class RatingTensors(NamedTuple):
    """Features `user` [n, a] and `movie` [n, b] of rated movies, and the rating minus its base [n]."""

    user: tf.Tensor
    movie: tf.Tensor
    residual: tf.Tensor


class RatingTrainer(Trainer):
    """Squared error of `base + user . movie`, where `base` is what the averages of both say."""

    popularity = 0.0

    def __init__(self, model: keras.Model, *, learning_rate: float, weight_decay: float, steps: int) -> None:
        (user,), (movie,) = _inputs(model, "user"), _inputs(model, "movie")
        super().__init__(
            model,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            steps=steps,
            signature=RatingTensors(user, movie, _spec(None)),
        )

    def _step(self, batch: RatingTensors, learning_rate: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            vectors = self.user([batch.user], training=True) * self.movie([batch.movie], training=True)
            loss = tf.reduce_mean(tf.square(tf.reduce_sum(vectors, axis=1) - batch.residual))
        self._minimize(loss, tape, learning_rate=learning_rate)
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
        self._distillation = distillation
        user, movie = _inputs(model, "user"), _inputs(model, "movie")
        vector, matrix = _spec(None), _spec(None, None)
        super().__init__(
            model,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            steps=steps,
            # The number of candidates differs from step to step; one program serves them all.
            signature=RetrievalTensors(user, movie, vector, vector, matrix, matrix, matrix),
            scalars=[self.popularity],
        )

    def _step(self, batch: RetrievalTensors, learning_rate: tf.Tensor) -> tf.Tensor:
        # What is part of the input is no candidate.
        correction = MASKED_LOGIT * batch.input_mask + batch.sampling_probability_correction
        taught = tf.nn.softmax(batch.teacher_logits + correction)
        watched = batch.targets / tf.maximum(tf.reduce_sum(batch.targets, axis=1, keepdims=True), 1e-6)
        target = self._distillation * taught + (1.0 - self._distillation) * watched
        with tf.GradientTape() as tape:
            users, movies = self.user(batch.user, training=True), self.movie(batch.movie, training=True)
            score = tf.matmul(users, movies, transpose_b=True)
            logits = score + self.popularity.value * batch.log_popularity + correction
            # A user of whom nothing is held back has a target that sums to less than one, whose gradient TensorFlow's
            # own cross entropy gets wrong: it would push all of their logits down at every step, without an end.
            loss = -tf.reduce_mean(tf.reduce_sum(target * tf.nn.log_softmax(logits), axis=1))
        self._minimize(loss, tape, learning_rate=learning_rate)
        return loss


def _momentum(steps: int) -> float:
    """Of the averages of weights."""
    return 1.0 - 1.0 / min(1.0 + steps / 10.0, AVERAGED_STEPS)


def _inputs(model: keras.Model, name: str) -> list[tf.TensorSpec]:
    """What the tower of that name takes, for any number of rows."""
    return [_spec(None, each.shape[1]) for each in model.get_layer(f"{name}_tower").inputs]


def _spec(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)
