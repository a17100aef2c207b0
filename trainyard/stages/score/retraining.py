"""Whether moved data start a retraining, of which data set, and that it is the only one for some days; in a Lambda."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainyard.errors import BadRequest, ConfigError, NothingToDo
from trainyard.run import recipe as recipes
from trainyard.run.ledger import expiry
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.resolve import uploads
from trainyard.stages.resolve.files import choose
from trainyard.stages.resolve.request import Request

# Before the name of a model, in the key of the item that says when moves started its retraining.
RETRAINING = "drift/"
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """What starts the machine, or None where nothing is started; and it in words."""

    text: str
    input: Mapping[str, Any] | None = None


def retraining(
    store: RunStore,
    model: str,
    *,
    learned_by: str,
    ledger_table: str,
    dynamodb: Any,
    now: Callable[[], float] = time.time,
) -> Retraining:
    """A training as that of the run `learned_by`, on what its data set has now: at most one in `drift.retrain_days`.

    What it may ask for is judged by the policy when it starts, and the gate judges its model as any other. Where the
    files are still those that the model was trained on, it could only be the same model.
    """
    earlier = store.of_run(learned_by).read_document(Stage.RESOLVE, Run)
    request = Request(recipe=earlier.recipe, dataset=earlier.dataset, overrides=earlier.overrides)
    try:
        newer = _has_newer_data(earlier, request, client=store.client)
    except (BadRequest, ConfigError, NothingToDo) as error:
        return Retraining(text=f"No retraining was started: {error}")
    if not newer:
        return Retraining(
            text=f"No retraining was started, for data set {earlier.dataset} has no files that the model does not know."
        )
    days = recipes.config(store.run.recipe, store.run.config).drift.retrain_days
    if not _claimed(store.run, model, at=int(now()), days=days, table=ledger_table, dynamodb=dynamodb):
        return Retraining(text=f"No retraining was started, for one began within {days} days.")
    return Retraining(text=f"A retraining on data set {earlier.dataset} was started.", input=request.input)


def _has_newer_data(earlier: Run, request: Request, *, client: Any) -> bool:
    """Whether the data set has changed; a database always has."""
    config = recipes.config(earlier.recipe, earlier.config)
    if config.reads_database:
        return True
    found = uploads.stored(request, earlier.raw_bucket, s3=client).objects
    newest = choose(request, found, config=config, sources=recipes.sources(earlier.recipe, config))
    return {(each.key, each.version_id) for each in newest} != {(each.key, each.version_id) for each in earlier.files}


def _claimed(run: Run, model: str, *, at: int, days: int, table: str, dynamodb: Any) -> bool:
    """Whether the retraining is this execution's to start; asked again, it still is."""
    try:
        dynamodb.put_item(
            TableName=table,
            Item={
                "id": {"S": f"{RETRAINING}{model}"},
                "execution_arn": {"S": run.execution_arn},
                "run_id": {"S": run.run_id},
                "started": {"N": str(at)},
                **expiry(),
            },
            ConditionExpression="attribute_not_exists(id) OR execution_arn = :own OR started < :before",
            ExpressionAttributeValues={
                ":own": {"S": run.execution_arn},
                ":before": {"N": str(at - days * DAY_SECONDS)},
            },
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
