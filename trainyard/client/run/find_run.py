"""Finds the run that a person means by a recipe, a run id, its start, or what an execution is found by; on a laptop."""

from __future__ import annotations

import re

from trainyard.client.deployment import Deployment
from trainyard.client.execution.find_execution import find_execution
from trainyard.client.execution.watch import plan_of
from trainyard.client.run.artifacts import RunArtifacts, of_run, run_ids
from trainyard.errors import NotFound
from trainyard.run import recipe as recipes

# A run id or the start of one that has its time.
RUN_ID = re.compile(r"\d{8}-\d{6}(-[0-9a-f]{0,8})?")


def find_run(deployment: Deployment, text: str) -> RunArtifacts:
    """The run that `text` means: a recipe for its newest one, a run id or its start, or an execution. Raises NotFound.

    A run is found by its id also when nobody remembers its execution any more.
    """
    if text in recipes.names():
        runs = run_ids(deployment, text)
        if not runs:
            raise NotFound(f"Expected a run of {text}, found none; start one with `trainyard run {text}`.")
        return of_run(deployment, text, run_id=runs[0])
    return _by_id(deployment, text) or _of_execution(deployment, text)


def _by_id(deployment: Deployment, text: str) -> RunArtifacts | None:
    if not RUN_ID.fullmatch(text):
        return None
    s3, bucket = deployment.target.client("s3"), deployment.artifacts_bucket
    found = [
        each["Prefix"].rstrip("/")
        for recipe in recipes.names()
        for each in s3.list_objects_v2(Bucket=bucket, Prefix=f"{recipe}/{text}", Delimiter="/").get(
            "CommonPrefixes", []
        )
    ]
    if len(found) > 1:
        raise NotFound(f"Expected one run whose id starts with {text!r}, found {', '.join(found)}. Give more of it.")
    return RunArtifacts(deployment=deployment, prefix=found[0]) if found else None


def _of_execution(deployment: Deployment, text: str) -> RunArtifacts:
    execution = find_execution(deployment, text)
    plan = plan_of(deployment, execution)
    if plan is not None and plan.prefix is not None:
        return RunArtifacts(deployment=deployment, prefix=plan.prefix)
    no_plan = "it has not decided yet what to do" if execution.running else execution.failure
    reason = no_plan if plan is None else plan.reason
    raise NotFound(f"Expected an execution that trains; {execution.name} has no artifacts: {reason}.")
