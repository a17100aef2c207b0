"""The Keras models: one propensity network, and the mean of several; runs in the training image.

They are the reference of `stacked_networks` (which trains many networks at once) and of `inference` (which serves them
without TensorFlow): tests hold all three equal. The saved `model.keras` is for whoever wants to go on in Keras.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.propensity.networks.stacked_networks import NetworkSettings
from trainyard.contract.lean.tensorflow import keras


def build(settings: NetworkSettings, inputs: int, *, weights: Sequence[np.ndarray] | None = None) -> keras.Model:
    """Sequential network float32 [batch, inputs] -> logit [batch, 1]."""
    model = keras.Sequential(
        [
            keras.layers.Input((inputs,)),
            keras.layers.Dense(settings.node1, activation="relu"),
            keras.layers.Dropout(settings.dropout1),
            keras.layers.Dense(settings.node2, activation="relu"),
            keras.layers.Dropout(settings.dropout2),
            keras.layers.Dense(1),
        ]
    )
    if weights is not None:
        model.set_weights(list(weights))
    return model


def ensemble(networks: Sequence[keras.Model], inputs: int) -> keras.Model:
    """Probability of a sale in the sample [batch, 1]: the mean over the networks."""
    visits = keras.Input((inputs,), name="visits")
    probabilities = [keras.layers.Activation("sigmoid")(network(visits)) for network in networks]
    averaged = keras.layers.Average()(probabilities) if len(probabilities) > 1 else probabilities[0]
    return keras.Model(visits, averaged, name="propensity")
