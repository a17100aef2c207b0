"""What follows a bulk scoring: it is compared, how many columns moved is measured, and a retraining may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trainyard.run import recipe
from trainyard.run.document import encoded
from trainyard.run.drift import DataDrift
from trainyard.run.store import RunStore
from trainyard.stages.score.drift import compare
from trainyard.stages.score.retraining import Retraining, retraining

# Of CloudWatch: in a namespace per recipe, once of the model and once of whichever was scored last.
METRIC, MODEL_DIMENSION = "MovedColumns", "Model"


@dataclass(frozen=True, kw_only=True)
class Services:
    """What it takes to tell others: clients (boto3), the table of the ledger, and the environment's `prefix`."""

    cloudwatch: Any
    dynamodb: Any
    ledger_table: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the state machine is told: the text for people, how many columns moved, and what starts a retraining."""

    text: str
    moved: int = 0
    retrain: Any = None

    def to_mapping(self) -> dict[str, Any]:
        """A field that is None is left out."""
        answer: dict[str, Any] = encoded(self)
        return answer


def watch(store: RunStore, model: str, *, services: Services) -> Watched:
    """Compare a scored run with that which trained its model, by the name of the model."""
    compared = compare(store)
    if compared.found is None:
        return Watched(text=compared.text)
    _measure(compared.found, namespace(services.prefix, store.run.recipe), model=model, cloudwatch=services.cloudwatch)
    asked = _retraining(store, compared.found, model=model, services=services)
    text = compared.text if asked is None else f"{compared.text}\n\n{asked.text}"
    return Watched(text=text, moved=compared.found.moved_columns, retrain=asked.input if asked else None)


def namespace(prefix: str, recipe_name: str) -> str:
    """Where the metrics of a recipe's models are in CloudWatch."""
    return f"{prefix}/{recipe_name}"


def _measure(found: DataDrift, where: str, *, model: str, cloudwatch: Any) -> None:
    value = {"MetricName": METRIC, "Value": found.moved_columns, "Unit": "Count"}
    of_model = {**value, "Dimensions": [{"Name": MODEL_DIMENSION, "Value": model}]}
    cloudwatch.put_metric_data(Namespace=where, MetricData=[value, of_model])


def _retraining(store: RunStore, found: DataDrift, *, model: str, services: Services) -> Retraining | None:
    if not found.moves or recipe.config(store.run.recipe, store.run.config).on_drift != "retrain":
        return None
    return retraining(
        store, model, learned_by=found.reference, ledger_table=services.ledger_table, dynamodb=services.dynamodb
    )
