"""Removes what old runs left: all but the newest, those of models, and those that still run; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.model import models
from trainyard.client.run import artifacts
from trainyard.run import recipe as recipes
from trainyard.run.naming import execution_mark, run_prefix
from trainyard.stages.empty.buckets import remove_versions


@dataclass(frozen=True, kw_only=True)
class OldRun:
    """A run that nothing needs any more, and how much it left: objects of the bucket and bytes."""

    recipe: str
    run_id: str
    objects: int
    bytes: int


def old_runs(deployment: Deployment, *, keep: int) -> list[OldRun]:
    """The runs beside the newest `keep` of each recipe whose model is not registered or in use, and that do not run."""
    needed = set(_of_models(deployment))
    running = _running(deployment)
    return [
        each
        for recipe in recipes.names()
        for each in _listed(deployment, recipe, beside=set(artifacts.run_ids(deployment, recipe)[:keep]))
        if each.run_id not in needed and each.run_id.rpartition("-")[2] not in running
    ]


def remove(deployment: Deployment, runs: Iterable[OldRun]) -> Iterator[OldRun]:
    """Remove every version of every object of each run; gives each back once it is gone."""
    for each in runs:
        prefix = f"{run_prefix(each.recipe, each.run_id)}/"
        remove_versions(deployment.artifacts_bucket, s3=deployment.target.client("s3"), prefix=prefix)
        yield each


def _listed(deployment: Deployment, recipe: str, *, beside: set[str]) -> Iterator[OldRun]:
    """The runs of a recipe in one listing: keys come in their order, so those of a run are beside each other."""
    for run_id, found in groupby(artifacts.listed(deployment, f"{recipe}/"), key=lambda each: each.key.split("/")[1]):
        sizes = [each.size for each in found]
        if run_id not in beside:
            yield OldRun(recipe=recipe, run_id=run_id, objects=len(sizes), bytes=sum(sizes))


def _of_models(deployment: Deployment) -> Iterator[str]:
    """The runs of models in use, and of all registered versions: rejected ones can be promoted again."""
    yield from (each.run_id for each in models.in_use(deployment))
    start = f"{deployment.name}-"
    pages = deployment.target.client("sagemaker").get_paginator("list_model_package_groups")
    for page in pages.paginate(NameContains=start):
        for group in page["ModelPackageGroupSummaryList"]:
            if group["ModelPackageGroupName"].startswith(start):
                versions = models.versions_of_group(deployment, group["ModelPackageGroupName"])
                yield from (each.run_id for each in versions)


def _running(deployment: Deployment) -> set[str]:
    """How the ids of the runs end that running executions work on: with a hash of the execution."""
    return {
        execution_mark(each["executionArn"])
        for status in (executions.RUNNING, "PENDING_REDRIVE")
        for each in executions.summaries(deployment, status)
    }
