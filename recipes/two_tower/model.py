"""The two towers in Keras and a training step for each objective; runs in the training image.

Both towers are 256-128-32 networks; the dot product of their outputs is the score of a user and a movie (Zhang et al.
2020, arXiv 2006.02282). A tower's inputs arrive scaled.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

HIDDEN = (256, 128)
# Weights are averaged over about this many of the last steps: a cheap ensemble (Polyak and Juditsky 1992).
AVERAGED_STEPS = 100
FAR_BELOW = -1e4


def build(*, user_inputs: int, movie_inputs: int, embedding_size: int, seed: int, starts: bool) -> keras.Model:
    """Model of scaled inputs `user` [batch, n] and `movie` [batch, m] to the dot product of their vectors [batch, 1].

    With `starts` there are two more inputs, `user_start` and `movie_start` [batch, embedding_size]: vectors to start
    from, to which the towers, silent at first, add their corrections.
    """
    towers = [
        _tower(name, inputs, embedding_size, seed + place, starts=starts)
        for place, (name, inputs) in enumerate((("user", user_inputs), ("movie", movie_inputs)))
    ]
    inputs = [[keras.Input(each.shape[1:], name=each.name) for each in tower.inputs] for tower in towers]
    vectors = [tower(given) for tower, given in zip(towers, inputs, strict=True)]
    return keras.Model(inputs[0] + inputs[1], keras.layers.Dot(axes=1, name="score")(vectors), name="two_tower")


def _tower(name: str, inputs: int, size: int, seed: int, *, starts: bool) -> keras.Model:
    given = keras.Input((inputs,), name=name)
    value = given
    for place, units in enumerate(HIDDEN):
        start = keras.initializers.GlorotUniform(seed=10 * seed + place)
        layer = keras.layers.Dense(units, activation="relu", kernel_initializer=start, name=f"{name}_{units}")
        value = layer(value)
    last = "zeros" if starts else keras.initializers.GlorotUniform(seed=10 * seed + len(HIDDEN))
    vector = keras.layers.Dense(size, kernel_initializer=last, name=f"{name}_correction")(value)
    if not starts:
        return keras.Model([given], vector, name=f"{name}_tower")
    first = keras.Input((size,), name=f"{name}_start")
    return keras.Model([given, first], keras.layers.Add(name=f"{name}_vector")([vector, first]), name=f"{name}_tower")


class Trainer:
    """What both objectives share: Adam with decoupled weight decay, and the average of the last weights."""

    def __init__(self, model: keras.Model, *, weight_decay: float) -> None:
        self.user, self.movie = model.get_layer("user_tower"), model.get_layer("movie_tower")
        self.popularity = tf.Variable(0.0, name="popularity")
        self.weights: list[tf.Variable] = [each.value for each in model.trainable_variables] + [self.popularity]
        self.average = [tf.Variable(each) for each in self.weights]
        self._moments = [(tf.Variable(tf.zeros_like(each)), tf.Variable(tf.zeros_like(each))) for each in self.weights]
        self._step = tf.Variable(0.0)
        self._decay = weight_decay

    def state(self) -> list[np.ndarray]:
        """Everything that changes in training, to be given back to `restore`."""
        return [each.numpy() for each in self._variables()]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def averaged(self, name: str) -> list[np.ndarray]:
        """The averaged kernels and biases of the tower `user` or `movie`, in the order of its layers."""
        tower = {"user": self.user, "movie": self.movie}[name]
        average = dict(zip((id(each) for each in self.weights), self.average, strict=True))
        return [average[id(each.value)].numpy() for each in tower.trainable_variables]

    def use_average(self) -> None:
        """Put the averaged weights into the model; for the end of a training."""
        for weight, average in zip(self.weights, self.average, strict=True):
            weight.assign(average)

    def _variables(self) -> list[tf.Variable]:
        return [*self.weights, *self.average, *(each for pair in self._moments for each in pair), self._step]

    def _apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """Adam (Kingma and Ba 2015) with decoupled decay of kernels (Loshchilov and Hutter 2019)."""
        self._step.assign_add(1.0)
        first, second = 1.0 - 0.9**self._step, 1.0 - 0.999**self._step
        # Early averages would remember the start; they look back over a tenth of the way at most.
        forget = 1.0 / tf.minimum(1.0 + self._step / 10.0, float(AVERAGED_STEPS))
        rows = zip(self.weights, gradients, self._moments, self.average, strict=True)
        for weight, gradient, (mean, square), average in rows:
            mean.assign_add(0.1 * (gradient - mean))
            square.assign_add(0.001 * (gradient * gradient - square))
            decay = self._decay if len(weight.shape) == 2 else 0.0
            weight.assign_sub(rate * ((mean / first) / (tf.sqrt(square / second) + 1e-8) + decay * weight))
            average.assign_add(forget * (weight - average))


class RatingTrainer(Trainer):
    """Squared error of `base + user . movie`, where `base` is what the averages of both say."""

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(self, user: tf.Tensor, movie: tf.Tensor, residual: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """One step on rows `user` [n, a] and `movie` [n, b] with the rating minus its base [n]; returns the loss."""
        with tf.GradientTape() as tape:
            vectors = self.user([user], training=True) * self.movie([movie], training=True)
            loss = tf.reduce_mean(tf.square(tf.reduce_sum(vectors, axis=1) - residual))
        gradients = tape.gradient(loss, self.weights, unconnected_gradients="zero")
        self._apply(gradients, rate)
        return loss


class RetrievalTrainer(Trainer):
    """Sampled softmax over candidate movies, with the popularity bias of the sample taken out.

    The logits are corrected by the log of each candidate's chance to be in the sample (Yi et al. 2019,
    "Sampling-bias-corrected neural modeling for large corpus item recommendations"). The target is a mixture of
    what the user did watch next and of a teacher's scores (Hinton et al. 2015, "Distilling the knowledge").
    """

    def __init__(self, model: keras.Model, *, weight_decay: float, distillation: float) -> None:
        super().__init__(model, weight_decay=weight_decay)
        self._distillation = distillation
        user, movie = ([_spec(None, each.shape[1]) for each in tower.inputs] for tower in (self.user, self.movie))
        line, table = _spec(None), _spec(None, None)
        # The number of candidates differs from step to step; one program serves them all.
        self.step = tf.function(self._learn, input_signature=[user, movie, line, line, table, table, table, _spec()])

    def _learn(
        self,
        user: Sequence[tf.Tensor],
        movie: Sequence[tf.Tensor],
        log_popularity: tf.Tensor,
        log_chance: tf.Tensor,
        watched: tf.Tensor,
        teacher: tf.Tensor,
        seen: tf.Tensor,
        rate: tf.Tensor,
    ) -> tf.Tensor:
        """One step on the inputs of users and of candidates (see `build`); returns the loss.

        `watched` [n, m] holds the weights of what users did watch, `teacher` [n, m] logits, and `seen` [n, m] is 1.0
        where a movie is part of the input and therefore no candidate.
        """
        hide = FAR_BELOW * seen - log_chance
        aim = tf.nn.softmax(teacher + hide)
        watched = watched / tf.maximum(tf.reduce_sum(watched, axis=1, keepdims=True), 1e-6)
        target = self._distillation * aim + (1.0 - self._distillation) * watched
        with tf.GradientTape() as tape:
            score = tf.matmul(self.user(user, training=True), self.movie(movie, training=True), transpose_b=True)
            logits = score + self.popularity * log_popularity + hide
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
        self._apply(tape.gradient(loss, self.weights), rate)
        return loss


def _spec(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)
