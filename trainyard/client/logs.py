"""Reads what jobs wrote to CloudWatch Logs, once or as it grows; runs on a laptop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.history import StateVisit
from trainyard.client.jobs import Job, JobKind
from trainyard.client.session import Target

PROGRESS = re.compile(r"^progress=([01](?:\.\d+)?);\s*(.*)$")
# A function's last lines may arrive after the state went on, and clocks differ.
LATE, SKEW = timedelta(seconds=5), timedelta(seconds=1)
# What the functions of the workflow call the execution that they work for, in each of their lines.
OWNERS = ("execution", "run_id")
REQUEST_BEGINS = re.compile(r"^START RequestId: (\S+)")
REQUEST_ENDED = "REPORT RequestId: "


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of a log; `stream` tells a tuning job's training jobs apart."""

    time: datetime
    stream: str
    text: str

    @property
    def progress(self) -> tuple[float, str] | None:
        """Fraction and note, when the line is one of `trainyard.contract.progress`."""
        found = PROGRESS.match(self.text)
        return (float(found[1]), found[2]) if found else None


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


def owners(execution_name: str, visited: Iterable[StateVisit]) -> frozenset[str]:
    """What tells an execution's lines from those of others in the log of a function: its name and the run's id."""
    outputs = [each.output for each in visited if isinstance(each.output, Mapping)]
    return frozenset({execution_name, *(str(each["run_id"]) for each in outputs[:1] if each.get("run_id"))})


def of_visit(target: Target, visit: StateVisit, *, own: frozenset[str]) -> list[LogLine]:
    """Everything that the work of a state wrote, retries and redrives included; empty for a state without a job.

    Where a job's own code wrote nothing, what its service wrote about it may say why. `own` are the `owners` of the
    execution.
    """
    if visit.job is None:
        return []
    if visit.job.kind is JobKind.LAMBDA:
        lines = _in_window(target, visit.job.log.groups[0], start=visit.entered - LATE, end=visit.exited)
        return _in_time(_of_owner(lines, visit, own=own))
    return [line for job in visit.jobs for line in _of_job(target, job)]


def _of_job(target: Target, job: Job) -> list[LogLine]:
    if not job.log.prefix:
        return []
    tail = LogTail(target, job)
    return next((lines for group in job.log.groups if (lines := tail.read(group))), [])


def of_execution(target: Target, group: str, *, arn: str, start: datetime, end: datetime | None) -> list[LogLine]:
    """What the state machine itself logged about an execution."""
    found = _in_window(target, group, start=start, end=end, pattern=f'"{arn}"')
    return [each for each in found if _document(each.text).get("execution_arn") == arn]


def _of_owner(lines: Sequence[LogLine], visit: StateVisit, *, own: frozenset[str]) -> list[LogLine]:
    """The lines of a visit's own requests: those that name the execution in a line, or that the visit's cause names.

    A function's process answers the requests of many executions, one after the other, in one stream.
    """
    streams = dict.fromkeys(each.stream for each in lines)
    requests = [each for stream in streams for each in _requests([line for line in lines if line.stream == stream])]
    return [line for each in requests if _is_of(each, visit, own=own) for line in each]


def _is_of(request: Sequence[LogLine], visit: StateVisit, *, own: frozenset[str]) -> bool:
    identifiers = [found[1] for each in request if (found := REQUEST_BEGINS.match(each.text))]
    # The execution may have come by here before, a few states ago.
    now = request[-1].time >= visit.entered - SKEW and (not visit.exited or request[0].time <= visit.exited + SKEW)
    return now and (any(_names(each, own) for each in request) or any(each in visit.cause for each in identifiers))


def _requests(lines: Sequence[LogLine]) -> list[list[LogLine]]:
    """A stream's lines by request; what a process wrote while it started belongs to its first one."""
    requests: list[list[LogLine]] = []
    over = began = True
    for line in lines:
        begins = REQUEST_BEGINS.match(line.text) is not None
        if not requests or over or (begins and began):
            requests.append([])
            began = False
        requests[-1].append(line)
        over, began = line.text.startswith(REQUEST_ENDED), began or begins
    return requests


def _names(line: LogLine, own: frozenset[str]) -> bool:
    document = _document(line.text)
    return any(document.get(key) in own for key in OWNERS)


def _document(text: str) -> Mapping[str, Any]:
    """A line that is a JSON object; empty for other lines."""
    try:
        found = json.loads(text) if text.startswith("{") else {}
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


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
