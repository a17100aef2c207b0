"""Reads what jobs wrote to CloudWatch Logs, once or as it grows; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.execution.function_log import of_owner
from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.jobs import Job, JobKind
from trainyard.client.execution.log_line import LogLine, document
from trainyard.client.session import Target

# A function's last lines may arrive after the state went on.
LATE = timedelta(seconds=5)


@dataclass
class LogTail:
    """Reads a job's streams from where the last call ended."""

    target: Target
    job: Job
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, group: str = "") -> list[LogLine]:
        """The lines since the last call, in time's order; none while the job has not begun to write.

        They are those of the job's first log group, where its own code writes, unless another one is named.
        """
        group = group or self.job.log.groups[0]
        streams = _streams(self.target, group, prefix=self.job.log.prefix)
        return _in_time([line for stream in streams for line in self._new(group, stream)])

    def _new(self, group: str, stream: str) -> list[LogLine]:
        lines: list[LogLine] = []
        while True:
            token = self.tokens.get((group, stream))
            found = self.target.client("logs").get_log_events(
                logGroupName=group,
                logStreamName=stream,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
            lines += [_line(each, stream) for each in found["events"]]
            self.tokens[group, stream] = found["nextForwardToken"]
            if found["nextForwardToken"] == token or not found["events"]:
                return lines


def of_visit(target: Target, visit: StateVisit, *, own: frozenset[str]) -> list[LogLine]:
    """Everything that the work of a state wrote, retries and redrives included; empty for a state without a job.

    Where a job's own code wrote nothing, what its service wrote about it may say why. `own` are the `owners` of the
    execution.
    """
    if visit.job is None:
        return []
    if visit.job.kind is JobKind.LAMBDA:
        lines = _in_window(target, visit.job.log.groups[0], start=visit.entered - LATE, end=visit.exited)
        return _in_time(of_owner(lines, visit, own=own))
    return [line for job in visit.jobs for line in _of_job(target, job)]


def _of_job(target: Target, job: Job) -> list[LogLine]:
    if not job.log.prefix:
        return []
    tail = LogTail(target, job)
    return next((lines for group in job.log.groups if (lines := tail.read(group))), [])


def of_execution(target: Target, group: str, *, arn: str, start: datetime, end: datetime | None) -> list[LogLine]:
    """What the state machine itself logged about an execution."""
    found = _in_window(target, group, start=start, end=end, pattern=f'"{arn}"')
    return [each for each in found if document(each.text).get("execution_arn") == arn]


def _in_window(
    target: Target, group: str, *, start: datetime, end: datetime | None, pattern: str = ""
) -> list[LogLine]:
    window = {"startTime": _milliseconds(start), "endTime": _milliseconds((end or datetime.now(UTC)) + LATE)}
    try:
        pages = (
            target.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=group, **window, **({"filterPattern": pattern} if pattern else {}))
        )
        return _in_time([_line(each, each["logStreamName"]) for page in pages for each in page["events"]])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise


def _streams(target: Target, group: str, *, prefix: str) -> list[str]:
    try:
        pages = (
            target.client("logs")
            .get_paginator("describe_log_streams")
            .paginate(logGroupName=group, logStreamNamePrefix=prefix)
        )
        return [each["logStreamName"] for page in pages for each in page["logStreams"]]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise


def _in_time(lines: list[LogLine]) -> list[LogLine]:
    """Lines of one millisecond stay in the order they were written in."""
    return sorted(lines, key=lambda line: line.time)


def _line(event: Mapping[str, Any], stream: str) -> LogLine:
    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return LogLine(time=time, stream=stream, text=event["message"].rstrip())


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
