"""The neural topic model in Keras and its training step; runs in the training image, on CPU or GPU.

A variational autoencoder of bags of words, as SageMaker's NTM (Miao, Yu and Blunsom 2016, "Neural Variational
Inference for Text Processing"), whose decoder mixes topics before the softmax (Srivastava and Sutton 2017,
"Autoencoding Variational Inference for Topic Models"). What keeps topics apart and readable:

* words count by tf-idf and not by frequency, or else every topic lists the words that all reviews share;
* topics start from a matrix factorisation (`topics/refined_nmf.py`): from random ones several find the same theme;
* the encoder reads a random half of each document's words (`batches.py`), for which topics of the whole have to do;
* the divergence from the prior comes in slowly (Bowman et al. 2016), and batch normalisation keeps posteriors apart;
* words that occur in the same documents are drawn into one topic, by NPMI (in the spirit of Ding et al. 2018,
  "Coherence-Aware Neural Topic Modeling", with NPMI in place of word vectors, so that WETC stays independent).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recipes.neural_topic_model.config import Hyperparameters
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.inference import TopicModel
from trainyard.contract.lean.tensorflow import keras, tf
from trainyard.contract.training.fused_adam import FusedAdam

BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-3, "scale": False}
# Shares of training after which divergence and coherence count in full, and from which the learning rate falls.
DIVERGENCE_WARM_UP = 0.3
COHERENCE_WARM_UP = 0.5
LEARNING_RATE_DECAY_START = 2 / 3
# Topics are compared as softmax of log-odds brought to this deviation: about the ten heaviest words then count.
SHARPNESS = 2.0

# Of the words of documents: the last ones are fewer, and one program serves them all.
COUNTS = tf.TensorSpec([None, None], tf.float32)


def build(*, words: int, topics: int, hidden_units: int, seed: int) -> keras.Model:
    """The network: weighted counts [batch, words] -> mean and log variance of topics [batch, topics], word log-odds."""
    keras.utils.set_random_seed(seed)
    counts = keras.Input((words,), name="weighted_counts")
    hidden = keras.layers.Dense(hidden_units, "softplus", name="hidden_1")(counts)
    hidden = keras.layers.Dense(hidden_units, "softplus", name="hidden_2")(hidden)
    mean = keras.layers.Dense(topics, name="mean")(hidden)
    mean = keras.layers.BatchNormalization(**BATCH_NORM, name="mean_norm")(mean)
    log_variance = keras.layers.Dense(topics, name="log_variance")(hidden)
    log_variance = keras.layers.BatchNormalization(**BATCH_NORM, name="log_variance_norm")(log_variance)
    logits = keras.layers.Dense(words, use_bias=False, name="topic_words")(keras.layers.Softmax()(mean))
    return keras.Model(counts, [mean, log_variance, logits])


class Trainer:
    """Trains the network of `build` with Adam; one call of `train_step` per batch.

    `initial_topics` [topics, words] are the first log-odds of words, `npmi` [words, words] is that of every two words.
    All randomness is drawn from the number of the step, so that a training that goes on from a checkpoint ends as if it
    had never stopped.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        initial_topics: np.ndarray,
        npmi: np.ndarray,
        parameters: Hyperparameters,
        total_steps: int,
        seed: int,
    ) -> None:
        network.get_layer("topic_words").set_weights([initial_topics])
        self.network = network
        self._layers = {layer.name: layer for layer in network.layers}
        self._npmi = tf.constant(npmi, tf.float32)
        self._parameters = parameters
        self._total = float(total_steps)
        self._seed = seed
        self._prior_variance = 1.0 - 1.0 / parameters.topics
        self.optimizer = FusedAdam(network.trainable_variables)

    @property
    def topic_words(self) -> tf.Tensor:
        return self._layers["topic_words"].kernel

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def train_step(self, inputs: tf.Tensor, targets: tf.Tensor, *, step: tf.Tensor) -> tf.Tensor:
        """One update on a batch of encoder inputs and target counts [batch, words]; returns its mean loss."""
        done = tf.cast(step, tf.float32) / self._total
        with tf.GradientTape() as tape:
            mean, log_variance = self._encode(inputs, step)
            noise = tf.random.stateless_normal(tf.shape(mean), [self._seed, 2 * step])
            shares = tf.nn.softmax(mean + tf.exp(0.5 * log_variance) * noise)
            reconstruction = self._reconstruction(shares, targets)
            divergence = tf.minimum(1.0, done / DIVERGENCE_WARM_UP) * self._divergence(mean, log_variance)
            coherence_weight = self._parameters.coherence_weight * tf.minimum(1.0, done / COHERENCE_WARM_UP)
            loss = tf.reduce_mean(reconstruction + divergence)
            objective = loss - coherence_weight * self._coherence()
        decay = tf.clip_by_value((1.0 - done) / (1.0 - LEARNING_RATE_DECAY_START), 0.02, 1.0)
        gradients = tape.gradient(objective, self.network.trainable_variables)
        self.optimizer.apply(gradients, self._parameters.learning_rate * decay)
        return loss

    @tf.function(input_signature=[COUNTS, COUNTS], autograph=False)  # type: ignore[untyped-decorator]
    def validation_losses(self, inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Loss of each document [batch] with the topics at their posterior mean: for validation."""
        mean, log_variance, logits = self.network(inputs, training=False)
        reconstruction = -tf.reduce_sum(targets * tf.nn.log_softmax(logits), axis=1)
        return reconstruction + self._divergence(mean, log_variance)

    def _encode(self, inputs: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        hidden = self._layers["hidden_2"](self._layers["hidden_1"](inputs))
        keep = 1.0 - self._parameters.dropout
        drawn = tf.random.stateless_uniform(tf.shape(hidden), [self._seed, 2 * step + 1])
        hidden = tf.where(drawn < keep, hidden / keep, 0.0)
        mean = self._layers["mean_norm"](self._layers["mean"](hidden), training=True)
        log_variance = self._layers["log_variance_norm"](self._layers["log_variance"](hidden), training=True)
        return mean, log_variance

    def _reconstruction(self, shares: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        return -tf.reduce_sum(targets * tf.nn.log_softmax(shares @ self.topic_words), axis=1)

    def _divergence(self, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
        """Kullback-Leibler divergence [batch] from the logistic normal that stands for Dirichlet(1).

        Its mean is 0 and its variance 1 - 1 / topics (Srivastava and Sutton 2017, equation 3).
        """
        prior = self._prior_variance
        return 0.5 * tf.reduce_sum(
            (tf.exp(log_variance) + tf.square(mean)) / prior - 1.0 + tf.math.log(prior) - log_variance, axis=1
        )

    def _coherence(self) -> tf.Tensor:
        """Expected NPMI of two words drawn from a topic, on average over topics."""
        log_odds = self.topic_words
        deviation = tf.math.reduce_std(log_odds, axis=1, keepdims=True)
        weights = tf.nn.softmax(SHARPNESS * log_odds / tf.maximum(deviation, 1e-6), axis=1)
        return tf.reduce_mean(tf.reduce_sum((weights @ self._npmi) * weights, axis=1))

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a checkpoint needs to go on from here."""
        variables = [*self.network.weights, *self.optimizer.variables]
        return {f"variable_{index}": np.asarray(each) for index, each in enumerate(variables)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to what `state` returned."""
        for index, variable in enumerate([*self.network.weights, *self.optimizer.variables]):
            variable.assign(state[f"variable_{index}"])


def to_numpy(network: keras.Model, vocabulary: Vocabulary, *, idf: np.ndarray) -> TopicModel:
    """The trained network as plain arrays, the normalisation of the mean folded into its layer."""
    kernel, bias = network.get_layer("mean").get_weights()
    shift, moving_mean, moving_variance = network.get_layer("mean_norm").get_weights()
    scale = 1.0 / np.sqrt(moving_variance + BATCH_NORM["epsilon"])
    first_kernel, first_bias = network.get_layer("hidden_1").get_weights()
    second_kernel, second_bias = network.get_layer("hidden_2").get_weights()
    (topic_words,) = network.get_layer("topic_words").get_weights()
    return TopicModel(
        vocabulary=vocabulary,
        idf=idf,
        hidden_kernel_1=first_kernel,
        hidden_bias_1=first_bias,
        hidden_kernel_2=second_kernel,
        hidden_bias_2=second_bias,
        mean_kernel=kernel * scale,
        mean_bias=(bias - moving_mean) * scale + shift,
        topic_words=topic_words,
    )
