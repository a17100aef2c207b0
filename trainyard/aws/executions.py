"""Lists, finds, starts again and stops executions of the workflow; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from trainyard.aws.deployment import Deployment
from trainyard.aws.history import Event, parsed
from trainyard.aws.session import Target
from trainyard.errors import NotFound, TrainyardError
from trainyard.resolve import RAW_PREFIX

LATEST = "latest"
RUNNING = "RUNNING"
STATUSES = (RUNNING, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
# Names and run ids are found among this many executions, the newest first.
SEARCHED = 1000


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution, as DescribeExecution tells it."""

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
        return self.error

    @property
    def _request(self) -> tuple[str, str]:
        parts = self.uploaded.get("key", "").split("/")
        if len(parts) == 4 and parts[0] == RAW_PREFIX:
            return parts[1], parts[2]
        given = self.input if isinstance(self.input, Mapping) else {}
        return str(given.get("recipe", "")), str(given.get("dataset", ""))


def summaries(deployment: Deployment, status: str | None = None) -> Iterator[Mapping[str, Any]]:
    """ListExecutions' entries, the newest first."""
    wanted = {"statusFilter": status} if status else {}
    pages = (
        deployment.target.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=deployment.state_machine_arn, **wanted)
    )
    found = [each for page in pages for each in page["executions"]] if deployment.target.local else None
    if found is not None:
        # AWS lists by the start; a local cloud may list finished ones by their end.
        yield from sorted(found, key=lambda each: each["startDate"], reverse=True)
        return
    for page in pages:
        yield from page["executions"]


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
    )


def find(deployment: Deployment, text: str) -> Execution:
    """The execution that `text` means: an ARN, a name, its unique start, a run id or `latest`. Raises NotFound."""
    if text.startswith("arn:"):
        return describe(deployment.target, text)
    listed = [each for each, _ in zip(summaries(deployment), range(SEARCHED), strict=False)]
    if text == LATEST:
        return _latest(deployment, [each["executionArn"] for each in listed])
    exact = [each for each in listed if each["name"] == text]
    matching = exact or [each for each in listed if each["name"].startswith(text)]
    if len(matching) > 1:
        names = ", ".join(each["name"] for each in matching[:5])
        raise NotFound(
            f"Expected one execution whose name starts with {text!r}, found {len(matching)}: {names}. Give more of it."
        )
    arn = matching[0]["executionArn"] if matching else _of_run(deployment, text)
    if arn is None:
        raise NotFound(
            f"Expected an execution's ARN, name, start of a name, run id or `latest`; found {text!r}, "
            f"which is none of {len(listed)} executions. See `trainyard executions`."
        )
    return describe(deployment.target, arn)


def _latest(deployment: Deployment, arns: list[str]) -> Execution:
    """The newest execution that does something: those that found nothing to do are passed over while others exist."""
    if not arns:
        raise NotFound("Expected an execution, found none yet; start one with `trainyard run RECIPE`.")
    for arn in arns[:25]:
        execution = describe(deployment.target, arn)
        if execution.outcome != "nothing":
            return execution
    return describe(deployment.target, arns[0])


def _of_run(deployment: Deployment, run_id: str) -> str | None:
    """The execution that made a run, from the request kept with the run."""
    s3 = deployment.target.client("s3")
    bucket = deployment.artifacts_bucket
    for recipe in s3.list_objects_v2(Bucket=bucket, Delimiter="/").get("CommonPrefixes", []):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{recipe['Prefix']}{run_id}", MaxKeys=1).get("Contents", [])
        if found:
            folder = "/".join(found[0]["Key"].split("/")[:2])
            body = s3.get_object(Bucket=bucket, Key=f"{folder}/resolve/request.json")["Body"].read()
            return str(json.loads(body)["execution_arn"])
    return None


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


def stop(target: Target, execution: Execution, cause: str) -> None:
    """Abort a running execution and its job. Raises TrainyardError when it has ended."""
    if not execution.running:
        raise TrainyardError(f"Expected a running execution; {execution.name} has ended: {execution.status}.")
    target.client("stepfunctions").stop_execution(executionArn=execution.arn, error="Stopped", cause=cause)
