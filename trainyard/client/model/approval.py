"""Approves and rejects registered versions, and finds those that wait for it; runs on a laptop.

What follows from it is the workflow's part: SageMaker's event of the decision starts it (trainyard/stages/resolve).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.executions import Execution
from trainyard.client.model import models
from trainyard.client.run.find_run import find_run
from trainyard.client.run.runs import read_from
from trainyard.errors import NotFound, TrainyardError
from trainyard.run import registry
from trainyard.run.registry import APPROVED, REJECTED, WAITING, Version

# Several times what EventBridge needs, and a cold start of the first function.
PATIENCE_SECONDS = 180.0
# The execution of a decision is among so many of the newest.
LOOKED_AT = 25


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A version that was approved or rejected just now, and the executions that there were before."""

    version: Version
    before: frozenset[str]


def waiting(deployment: Deployment) -> list[Version]:
    """Every version of the environment that waits for approval, the newest first."""
    client = deployment.target.client("sagemaker")
    prefix = f"{deployment.name}-"
    pages = client.get_paginator("list_model_package_groups").paginate(NameContains=prefix)
    groups = [each["ModelPackageGroupName"] for page in pages for each in page["ModelPackageGroupSummaryList"]]
    found = [
        version
        for group in groups
        if group.startswith(prefix)
        for version in registry.versions(client, group, approval=WAITING)
        if version.waiting
    ]
    return sorted(found, key=lambda each: each.created, reverse=True)


def version_of(deployment: Deployment, text: str) -> Version:
    """The version that a run registered; `text` is a run id, or what its execution is found by. Raises NotFound."""
    run = read_from(find_run(deployment, text)).request
    named = run.config.get("model", "")
    return models.registered_version(deployment, run.recipe, version=run.run_id, model=str(named))


def approve(deployment: Deployment, text: str, *, note: str = "") -> Decision:
    """Approve the version of a run that waits: the workflow then puts it into use.

    Raises NotFound for a run that registered none, TrainyardError for a version that does not wait.
    """
    version = version_of(deployment, text)
    if not version.waiting:
        raise TrainyardError(
            f"Expected a version that waits for approval; version {version.number} of run {version.run_id} is "
            f"{version.approval.lower()}. `trainyard promote {version.recipe} {version.number}` puts it into use."
        )
    return _decide(deployment, version, approval=APPROVED, note=note or "Approved by hand")


def reject(deployment: Deployment, text: str, *, note: str = "") -> Decision:
    """Reject the version of a run: one that waits is not used, and in place of one in use an earlier one is.

    Raises NotFound for a run that registered none, TrainyardError for a version that is rejected already.
    """
    version = version_of(deployment, text)
    if version.approval == REJECTED:
        raise TrainyardError(
            f"Expected a version that waits or is in use; version {version.number} of run {version.run_id} is rejected "
            "already. See `trainyard models`."
        )
    return _decide(deployment, version, approval=REJECTED, note=note or "Rejected by hand")


def _decide(deployment: Deployment, version: Version, *, approval: str, note: str) -> Decision:
    before = frozenset(each["executionArn"] for each in _newest(deployment))
    deployment.target.client("sagemaker").update_model_package(
        ModelPackageArn=version.arn, ModelApprovalStatus=approval, ApprovalDescription=note
    )
    return Decision(version=version, before=before)


def _newest(deployment: Deployment) -> list[Mapping[str, Any]]:
    return list(islice(executions.summaries(deployment, page=LOOKED_AT), LOOKED_AT))


def started(
    deployment: Deployment,
    decision: Decision,
    *,
    patience: float = PATIENCE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Execution:
    """The execution that a decision started. Raises NotFound where none began within `patience` seconds."""
    deadline, passed_over = time.monotonic() + patience, set(decision.before)
    while True:
        for arn in (each["executionArn"] for each in _newest(deployment)):
            if arn in passed_over:
                continue
            execution = executions.describe(deployment.target, arn)
            if _decided_on(execution) == decision.version.arn:
                return execution
            passed_over.add(arn)
        if time.monotonic() > deadline:
            raise NotFound(
                f"Expected the decision on version {decision.version.number} to start an execution within "
                f"{patience:.0f} s, found none. It is in the registry; where the environment asks for no approval, "
                "`trainyard promote` puts a version into use."
            )
        sleep(deployment.target.poll_seconds)


def _decided_on(execution: Execution) -> str:
    """The version whose approval or rejection started an execution; empty for any other."""
    detail = execution.input.get("detail") if isinstance(execution.input, Mapping) else None
    return str(detail.get("ModelPackageArn", "")) if isinstance(detail, Mapping) else ""
