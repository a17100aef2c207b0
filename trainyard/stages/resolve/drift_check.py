"""Finds what a check for drift looks at: the model behind an endpoint, and what that endpoint kept; in a Lambda.

The endpoint itself is asked, and not the champion pointer: what is in service may be older than what is in use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from trainyard.errors import BadRequest, NotFound, NothingToDo
from trainyard.run import recipe as recipes
from trainyard.run.environment import Environment
from trainyard.run.naming import endpoint_name
from trainyard.run.plan import NextStep, Plan
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch.capture import CapturePlan, partition
from trainyard.run.watch.drift_check import MANIFEST_FILE, DriftCheck
from trainyard.run.watch.profile import AnswerProfile, DataProfile
from trainyard.stages.resolve.endpoint import configuration_of

# Of a busy endpoint some files are looked at, spread over the hours: they have two million rows at most.
MOST_FILES = 1_000
# So long the job may wait for an instance before it gets the files: one that is listed and gone by then fails it.
LONGEST_WAIT = timedelta(hours=6)
KEEPS_NONE = (
    "Expected an environment whose endpoints keep requests, which a check for drift reads; found that this one keeps "
    "none. Set capture=CaptureRules(...) in infra/settings.py, deploy it, and release the model again."
)


@dataclass(frozen=True, kw_only=True)
class Served:
    """The model behind an endpoint: its archive, the run that made it, and what its container was told to keep."""

    endpoint: str
    data: str
    run_id: str
    capture: CapturePlan


def planned(plan: Plan, *, environment: Environment, s3: Any, sagemaker: Any, now: datetime) -> Plan:
    """The plan of a run of task `check_drift`, with the model in service; leaves what the job looks at with the run.

    Where it kept none in these hours, the plan is to say so. Raises BadRequest without an endpoint that keeps requests,
    NothingToDo where its model has no profiles to compare with.
    """
    if environment.capture is None:
        raise BadRequest(KEEPS_NONE)
    store = RunStore.open(s3, str(plan.uri))
    run, hours = store.run, recipes.config(plan.recipe, store.run.config).drift.hours
    served = _served(endpoint_name(environment.prefix, str(plan.model)), run, sagemaker=sagemaker)
    tables, answers = _profiles(replace(run, run_id=served.run_id), s3=s3)
    where = urlsplit(served.capture.uri)
    since = _since(now.astimezone(UTC), hours=hours, retention_days=environment.capture.retention_days)
    chosen, found = _spread(_keys(where.netloc, where.path.strip("/"), since=since, s3=s3))
    version = {"data": served.data, "run_id": served.run_id}
    if not chosen:
        reason = f"Nothing was compared: endpoint {served.endpoint} has kept no requests of the last {hours} hours."
        return replace(plan, outcome=NextStep.NONE_KEPT, reason=reason, version=version)
    check = DriftCheck(
        model_run=served.run_id,
        hours=hours,
        files=len(chosen),
        found=found,
        tables=tables.tables,
        answers=answers.answers if answers else None,
        never_kept=served.capture.never_kept,
    )
    store.write_document(Stage.RESOLVE, check)
    store.write_text(Stage.RESOLVE, MANIFEST_FILE, text=json.dumps([{"prefix": f"s3://{where.netloc}/"}, *chosen]))
    reason = f"Requests to endpoint {served.endpoint} are set beside what its model was trained on."
    return replace(plan, reason=reason, version=version)


def _served(endpoint: str, run: Run, *, sagemaker: Any) -> Served:
    configuration = configuration_of(endpoint, sagemaker=sagemaker)
    if configuration is None:
        raise BadRequest(
            f"Expected the endpoint {endpoint}, whose requests are to be checked for drift; there is none. Put the "
            f"model into service with `trainyard release {run.recipe}`."
        )
    variant = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"][0]
    container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
    plan = CapturePlan.of_environment(container.get("Environment", {}))
    address = urlsplit(container.get("ModelDataUrl", ""))
    parts = address.path.strip("/").split("/")
    if plan is None:
        raise BadRequest(
            f"Expected endpoint {endpoint} to keep requests, found that it keeps none. Release the model with a share "
            f"of them: `trainyard release {run.recipe} --set deploy.capture.share=1`."
        )
    if address.netloc != run.artifacts_bucket or parts[0] != run.recipe:
        raise BadRequest(f"Expected endpoint {endpoint} to serve a model of this workflow, found {address.geturl()}.")
    return Served(endpoint=endpoint, data=address.geturl(), run_id=parts[1], capture=plan)


def _profiles(trained: Run, *, s3: Any) -> tuple[DataProfile, AnswerProfile | None]:
    """What the run that trained the model left of its data and of its answers."""
    store = RunStore(s3, trained)
    try:
        tables = store.read_document(Stage.INGEST, DataProfile)
    except NotFound as error:
        raise NothingToDo(
            f"the model in service, of run {trained.run_id}, is from before data were profiled: there is nothing to "
            "compare requests with",
            **_where(trained),
        ) from error
    try:
        return tables, store.read_document(Stage.EVALUATE, AnswerProfile)
    except NotFound:
        return tables, None


def _spread(keys: Iterable[str]) -> tuple[list[str], int]:
    """At most `MOST_FILES` at equal distances, and how many there are; at most twice as many are in memory."""
    kept: list[str] = []
    step, found = 1, 0
    for place, key in enumerate(keys):
        found = place + 1
        if place % step == 0:
            kept.append(key)
        if len(kept) == 2 * MOST_FILES:
            kept, step = kept[::2], 2 * step
    return kept[:: 1 if len(kept) <= MOST_FILES else 2], found


def _since(now: datetime, *, hours: int, retention_days: int) -> datetime:
    """From when on kept requests are looked at: what ends before the job has it is passed over.

    S3 ends files at the first midnight (UTC) after they are `retention_days` old, so all of one day at once.
    """
    asked, ending = now - timedelta(hours=hours), now + LONGEST_WAIT - timedelta(days=retention_days)
    return max(asked, ending.replace(hour=0, minute=0, second=0, microsecond=0))


def _keys(bucket: str, folder: str, *, since: datetime, s3: Any) -> Iterator[str]:
    """The keys of the files of a model from the hour `since` on; days are folders, so that earlier ones are skipped."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{folder}/", StartAfter=f"{folder}/{partition(since)}"
    )
    yield from (each["Key"] for page in pages for each in page.get("Contents", ()))


def _where(run: Run) -> dict[str, str]:
    return {"recipe": run.recipe, "dataset": run.dataset}
