"""What follows a scoring or a check: it is compared, how many columns moved is measured, a retraining may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trainyard.run import recipe
from trainyard.run.document import encoded
from trainyard.run.run import Run
from trainyard.run.store import RunStore
from trainyard.run.watch import metrics as model_metrics
from trainyard.run.watch.drift import DataDrift
from trainyard.stages.score.drift import compare
from trainyard.stages.score.retraining import Retraining, retraining

# Of CloudWatch: in a namespace per recipe, once of the model and once of whichever was scored last.
METRIC, REQUESTS_METRIC = "MovedColumns", "MovedColumnsOfRequests"


@dataclass(frozen=True, kw_only=True)
class Services:
    """What it takes to tell others: clients (boto3), the table of the ledger, and the environment's `prefix`."""

    cloudwatch: Any
    dynamodb: Any
    ledger_table: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the state machine is told: the text for people, how many columns moved, and what starts a retraining.

    It is `news` where something moved, or nothing could be compared.
    """

    text: str
    moved: int = 0
    news: bool = True
    retrain: Any = None

    def to_mapping(self) -> dict[str, Any]:
        """A field that is None is left out."""
        answer: dict[str, Any] = encoded(self)
        return answer


def watch(store: RunStore, model: str, *, services: Services) -> Watched:
    """Compare a run with that which trained its model, by the name of the model.

    It is one that scored data, or that checked requests to an endpoint.
    """
    compared = compare(store)
    if compared.found is None:
        return Watched(text=compared.text)
    _measure(compared.found, store.run, model=model, services=services)
    asked = _retraining(store, compared.found, model=model, services=services)
    text = compared.text if asked is None else f"{compared.text}\n\n{asked.text}"
    moved = compared.found.moved_columns
    return Watched(text=text, moved=moved, news=moved > 0, retrain=asked.input if asked else None)


def _measure(found: DataDrift, run: Run, *, model: str, services: Services) -> None:
    """Scored data and requests apart: else one that has not moved would end the alarm of the other."""
    where = model_metrics.namespace(services.prefix, run.recipe)
    metric = REQUESTS_METRIC if run.task == "check_drift" else METRIC
    model_metrics.put(services.cloudwatch, where, model=model, metric=metric, value=found.moved_columns)


def _retraining(store: RunStore, found: DataDrift, *, model: str, services: Services) -> Retraining | None:
    if not found.moves or recipe.config(store.run.recipe, store.run.config).on_drift != "retrain":
        return None
    return retraining(
        store, model, learned_by=found.reference, ledger_table=services.ledger_table, dynamodb=services.dynamodb
    )
