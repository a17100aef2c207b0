"""Starts, lists, describes, redrives and stops executions of the workflow; runs on a laptop."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.client.execution.history import Event, parsed
from trainyard.client.session import Target
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.documents import Decision
from trainyard.run.outcome import Outcome
from trainyard.stages.explain_failure.asked import asked_for
from trainyard.stages.explain_failure.cause import TASK_FAILED, is_raised_again, reason_of
from trainyard.stages.resolve.request import Request

RUNNING = "RUNNING"
STATUSES = (RUNNING, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
DESCRIBED_AT_ONCE = 8
# The most that ListExecutions gives at once.
PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution, as DescribeExecution describes it."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None = None
    input: Any = None
    output: Any = None
    error: str = ""
    cause: str = ""
    redrives: int = 0
    version_arn: str = ""

    @property
    def running(self) -> bool:
        return self.status in (RUNNING, "PENDING_REDRIVE")

    @property
    def seconds(self) -> float:
        """Wall time so far, or in all."""
        return ((self.stopped or datetime.now(UTC)) - self.started).total_seconds()

    @property
    def uploaded(self) -> Mapping[str, str]:
        """The object that started it: `key` and `version-id`; empty for a manual start."""
        detail = self.input.get("detail", {}) if isinstance(self.input, Mapping) else {}
        found: Mapping[str, str] = detail.get("object", {}) if isinstance(detail, Mapping) else {}
        return found

    @property
    def recipe(self) -> str:
        return self._request[0]

    @property
    def dataset(self) -> str:
        return self._request[1]

    @property
    def outcome(self) -> str:
        """What it ended with (`registered`, `refused`, `nothing`), or its error's name; empty while it runs."""
        if isinstance(self.output, Mapping):
            return str(self.output.get("outcome", ""))
        # A job's own failure, raised again so that nothing catches it, is told by its first name.
        return TASK_FAILED if is_raised_again(self.cause) else self.error

    @property
    def end(self) -> Outcome | None:
        """The end of the state machine that it came to; None while it runs, and for a failure on the way."""
        return next((each for each in Outcome if each == self.outcome), None)

    @property
    def decision(self) -> Decision | None:
        """What the gate decided, None where no gate was reached. Raises JobFailed when that cannot be read."""
        found = self.output.get("decision") if isinstance(self.output, Mapping) else None
        return None if found is None else Decision.from_mapping(found)

    @property
    def waited_seconds(self) -> int:
        """For how long it waited for the set of uploaded files to settle; 0 while it runs."""
        waited = self.output.get("waited_seconds", 0) if isinstance(self.output, Mapping) else 0
        return waited if isinstance(waited, int) else 0

    @property
    def failure(self) -> str:
        """Why it failed, in what the failed job or function says itself where its cause describes one."""
        return reason_of(self.cause) if self.cause else self.error or self.status

    @property
    def _request(self) -> tuple[str, str]:
        return asked_for(self.input)


def summaries(deployment: Deployment, status: str | None = None, *, page: int = PAGE) -> Iterator[Mapping[str, Any]]:
    """ListExecutions' entries, the ones that began last first, listed `page` at a time as they are asked for.

    Ended executions are listed by their end; one is passed on once no execution that is yet to be listed can have
    begun after it.
    """
    wanted = {"statusFilter": status} if status else {}
    pages = (
        deployment.target.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=deployment.state_machine_arn, **wanted, PaginationConfig={"PageSize": page})
    )
    waiting: list[Mapping[str, Any]] = []
    for found in (each["executions"] for each in pages):
        waiting = sorted([*waiting, *found], key=_began, reverse=True)
        reached = min((each.get("stopDate") or each["startDate"] for each in found), default=None)
        certain = [each for each in waiting if reached is not None and each["startDate"] >= reached]
        yield from certain
        waiting = waiting[len(certain) :]
    yield from waiting


def _began(summary: Mapping[str, Any]) -> datetime:
    moment: datetime = summary["startDate"]
    return moment


def matching(deployment: Deployment, recipe: str | None, *, status: str | None, limit: int) -> Iterator[Execution]:
    """At most `limit` executions with their inputs: each is described, for the list does not name the recipe."""
    listed = summaries(deployment, status, page=min(PAGE, max(limit, DESCRIBED_AT_ONCE)))
    found = _described(deployment.target, listed)
    return islice((each for each in found if recipe in (None, each.recipe)), limit)


def _described(target: Target, listed: Iterator[Mapping[str, Any]]) -> Iterator[Execution]:
    with ThreadPoolExecutor(DESCRIBED_AT_ONCE) as pool:
        while batch := [each["executionArn"] for each in islice(listed, DESCRIBED_AT_ONCE)]:
            yield from pool.map(lambda arn: describe(target, arn), batch)


def start(deployment: Deployment, request: Request) -> tuple[str, str]:
    """Start the machine with a request instead of an upload; returns the execution's ARN and name."""
    name = f"{request.task}-{uuid.uuid4()}"
    answer = deployment.target.client("stepfunctions").start_execution(
        stateMachineArn=deployment.live_machine_arn, name=name, input=json.dumps(request.input)
    )
    return str(answer["executionArn"]), name


def describe(target: Target, arn: str) -> Execution:
    """One execution; raises NotFound."""
    try:
        found = target.client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ExecutionDoesNotExist", "InvalidArn"):
            raise NotFound(
                f"Expected an execution, found none with the ARN {arn}; see `trainyard executions`."
            ) from error
        raise
    return Execution(
        arn=arn,
        name=found["name"],
        status=found["status"],
        started=found["startDate"],
        stopped=found.get("stopDate"),
        input=parsed(found.get("input")),
        output=parsed(found.get("output")),
        error=found.get("error", ""),
        cause=found.get("cause", ""),
        redrives=found.get("redriveCount", 0),
        version_arn=found.get("stateMachineVersionArn", ""),
    )


def history(target: Target, arn: str) -> list[Event]:
    """Every event of an execution, oldest first."""
    pages = (
        target.client("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=arn, PaginationConfig={"PageSize": 1000})
    )
    return [event for page in pages for event in page["events"]]


def definition(target: Target, arn: str) -> Mapping[str, Any]:
    """The definition that an execution runs."""
    found = target.client("stepfunctions").describe_state_machine_for_execution(executionArn=arn)
    document: Mapping[str, Any] = json.loads(found["definition"])
    return document


def redrive(target: Target, execution: Execution) -> None:
    """Let a failed execution go on from the state that failed. Raises TrainyardError when AWS refuses."""
    try:
        target.client("stepfunctions").redrive_execution(executionArn=execution.arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionNotRedrivable":
            raise
        raise TrainyardError(
            f"Expected a failed, stopped or timed out execution of the last 14 days; {execution.name} is "
            f"{execution.status}: {error.response['Error']['Message']}. Start a new run with `trainyard run`."
        ) from error


def stop(target: Target, execution: Execution, *, cause: str) -> None:
    """Abort a running execution and its job. Raises TrainyardError when it has ended."""
    if not execution.running:
        raise TrainyardError(f"Expected a running execution; {execution.name} has ended: {execution.status}.")
    target.client("stepfunctions").stop_execution(executionArn=execution.arn, error="Stopped", cause=cause)
