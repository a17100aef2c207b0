"""What a run of delivery_time can be told; read everywhere, so it imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainyard.contract.config import Gate, Range, Tuning, bounded
from trainyard.contract.sources import Column
from trainyard.contract.tabular.config import TabularConfig, sources
from trainyard.contract.tabular.table import Table, score_columns, truth

TABLE = Table(
    name="deliveries",
    key="delivery_id",
    target="minutes",
    task="regression",
    columns=(
        Column(name="delivery_id", type="id"),
        Column(name="distance_km", type="float64"),
        Column(name="items", type="int64"),
        Column(name="minutes", type="float64", nullable=True, required=False),
    ),
)
# What bulk scoring writes.
SCORES = score_columns(TABLE)
# What its predictions are judged by later.
TRUTH = truth(TABLE)


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """How the model is fitted."""

    ridge: float = bounded(1.0, minimum=0.0, maximum=1e6, help="weight of the penalty on large coefficients")


@dataclass(frozen=True, kw_only=True)
class Config(TabularConfig):
    """The configuration of delivery_time."""

    table: ClassVar[Table] = TABLE
    hyperparameters: Hyperparameters


CONFIG = Config(
    title="Delivery times",
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_loss",
        direction="Minimize",
        ranges={"ridge": Range(type="continuous", minimum=0.001, maximum=1000.0, scaling="Logarithmic")},
    ),
    # The gate compares on what is better when higher.
    gate=Gate(primary="negative_rmse", minimum={"negative_rmse": -15.0}),
)
__all__ = ["CONFIG", "SCORES", "TRUTH", "Config", "sources"]
