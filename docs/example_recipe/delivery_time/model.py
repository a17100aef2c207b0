"""Fits ridge regression; runs in the training image. A real recipe may have a Keras model here."""

from __future__ import annotations

from recipes.delivery_time.config import Config
from trainyard.contract.tabular.examples import Examples
from trainyard.contract.tabular.linear_model import LinearModel


def fit(train: Examples, validation: Examples, *, config: Config) -> LinearModel:
    """A linear model of the scaled inputs (Hoerl and Kennard 1970)."""
    return LinearModel.fit(train, l2=config.hyperparameters.ridge)
