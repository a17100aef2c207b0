"""What a run of delivery_time can be told; read everywhere, so it imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from trainyard.contract.config import Gate, Range, RecipeConfig, ScoreColumn, TableData, Tuning, bounded
from trainyard.contract.sources import Column, Source


@dataclass(frozen=True, kw_only=True)
class Data(TableData):
    """Which deliveries are used."""

    max_minutes: float = bounded(240.0, minimum=1.0, maximum=10_000.0, help="longer deliveries are left out")
    holdout_fraction: float = bounded(0.2, minimum=0.01, maximum=0.5, help="deliveries kept for evaluation only")
    validation_fraction: float = bounded(0.1, minimum=0.01, maximum=0.4, help="deliveries kept for choosing settings")


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """How the model is fitted."""

    ridge: float = bounded(1.0, minimum=0.0, maximum=1e6, help="weight of the penalty on large coefficients")


@dataclass(frozen=True, kw_only=True)
class Config(RecipeConfig):
    """The configuration of delivery_time."""

    data: Data
    hyperparameters: Hyperparameters


CONFIG = Config(
    title="Delivery times",
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_mae",
        direction="Minimize",
        ranges={"ridge": Range(type="continuous", minimum=0.001, maximum=1000.0, scaling="Logarithmic")},
    ),
    # The gate compares on what is better when higher.
    gate=Gate(primary="negative_mae", minimum={"negative_mae": -15.0}),
)

DELIVERIES = Source(
    name="deliveries",
    files=("deliveries.csv",),
    columns=(
        Column(name="delivery_id", type="int64"),
        Column(name="distance_km", type="float64"),
        Column(name="items", type="int64"),
        Column(name="minutes", type="float64"),
    ),
    unique=("delivery_id",),
)

# What bulk scoring writes.
SCORES = (
    ScoreColumn(name="delivery_id", type="bigint", comment="of the file"),
    ScoreColumn(name="minutes", type="double", comment="expected"),
)


def sources(config: Config) -> tuple[Source, ...]:
    """The one table it reads."""
    return (DELIVERIES,)
