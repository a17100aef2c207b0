"""The two towers in Keras; runs in the training image.

Both towers are 256-128-32 networks; the dot product of their outputs is the score of a user and a movie (Zhang et al.
2020, arXiv 2006.02282). A tower's features arrive standardized.
"""

from __future__ import annotations

from trainyard.contract.lean.tensorflow import keras

HIDDEN = (256, 128)


def build(
    *, user_features: int, movie_features: int, embedding_size: int, seed: int, with_base_vectors: bool
) -> keras.Model:
    """Model of features `user` [batch, n] and `movie` [batch, m] to the dot product of their vectors [batch, 1].

    With base vectors there are two more inputs, `user_base` and `movie_base` [batch, embedding_size], to which the
    towers add their corrections, zeros before the first step.
    """
    towers = [
        _tower(name, features, size=embedding_size, seed=seed + number, with_base_vectors=with_base_vectors)
        for number, (name, features) in enumerate((("user", user_features), ("movie", movie_features)))
    ]
    inputs = [[keras.Input(each.shape[1:], name=each.name) for each in tower.inputs] for tower in towers]
    vectors = [tower(given) for tower, given in zip(towers, inputs, strict=True)]
    return keras.Model(inputs[0] + inputs[1], keras.layers.Dot(axes=1, name="score")(vectors), name="two_tower")


def _tower(name: str, features: int, *, size: int, seed: int, with_base_vectors: bool) -> keras.Model:
    given = keras.Input((features,), name=name)
    value = given
    for number, units in enumerate(HIDDEN):
        initializer = keras.initializers.GlorotUniform(seed=10 * seed + number)
        layer = keras.layers.Dense(units, activation="relu", kernel_initializer=initializer, name=f"{name}_{units}")
        value = layer(value)
    last = "zeros" if with_base_vectors else keras.initializers.GlorotUniform(seed=10 * seed + len(HIDDEN))
    vector = keras.layers.Dense(size, kernel_initializer=last, name=f"{name}_correction")(value)
    if not with_base_vectors:
        return keras.Model([given], vector, name=f"{name}_tower")
    base = keras.Input((size,), name=f"{name}_base")
    return keras.Model([given, base], keras.layers.Add(name=f"{name}_vector")([vector, base]), name=f"{name}_tower")
