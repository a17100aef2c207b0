"""One readable message about an execution that failed, timed out or was stopped; runs in a Lambda."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.run.outcome import FAILURES
from trainyard.stages.explain_failure.job_logs import JobLog
from trainyard.stages.explain_failure.root_cause import Failure, root_cause

LOG_LINES = 15
# What SNS allows.
MAX_SUBJECT = 100
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What people are sent."""

    subject: str
    text: str


def explain(arn: str, status: str, *, step_functions: Any, logs: Any) -> Message | None:
    """Why an execution ended with `status`; None where a state of the workflow has told people already."""
    pages = step_functions.get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [each for page in pages for each in page["events"]]
    failure = root_cause(events, status=status)
    if failure.error in FAILURES:
        return None
    plan = _plan(events)
    ended = status.lower().replace("_", " ")
    subject = f"trainyard: {plan.get('recipe', 'a')} run {ended} at {failure.state or 'its start'}"
    tail = log_tail(failure.log, logs=logs) if failure.log else []
    return Message(subject=subject[:MAX_SUBJECT], text=_text(arn, status, plan=plan, failure=failure, tail=tail))


def _plan(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What Resolve planned: the output of the first state, if the execution got that far."""
    for event in events:
        if "stateExitedEventDetails" in event:
            output: Mapping[str, Any] = json.loads(event["stateExitedEventDetails"]["output"])
            return output
    return {}


def _text(arn: str, status: str, *, plan: Mapping[str, Any], failure: Failure, tail: Sequence[str]) -> str:
    region = arn.split(":")[3]
    what = f"recipe {plan.get('recipe', 'unknown')} on data set {plan.get('dataset', 'unknown')}"
    lines = [
        f"The run of {what} ended: {status}.",
        "",
        f"Failed state: {failure.state or 'none was entered'}",
        f"Error: {failure.error}",
        f"Reason: {failure.reason}",
        f"Run: {plan.get('run_id', 'none')}",
    ]
    if failure.log:
        lines += [f"Job: {failure.job}", "", "Last log lines:", *(f"  {each}" for each in tail)]
    lines += [
        "",
        f"Console: https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}",
        "Once the reason is fixed, go on from the failed state (within 14 days):",
        f"  aws stepfunctions redrive-execution --execution-arn {arn}",
    ]
    return "\n".join(lines)


def log_tail(log: JobLog, *, logs: Any) -> list[str]:
    """The job's last log lines; a log that cannot be read must not keep the message from being sent."""
    why = []
    for group in log.groups:
        try:
            lines = _last_lines(log, group, logs=logs)
        except (BotoCoreError, ClientError) as error:
            logger.warning("log group %s is not readable: %s", group, error)
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            why.append(f"(not readable: {code})")
        else:
            if lines:
                return lines
            why.append("(the job wrote no log)")
    return why[:1]


def _last_lines(log: JobLog, group: str, *, logs: Any) -> list[str]:
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=log.prefix)
    streams = [each["logStreamName"] for page in pages for each in page["logStreams"]]
    if not streams:
        return []
    found = logs.get_log_events(
        logGroupName=group, logStreamName=log.telling(streams), limit=LOG_LINES, startFromHead=False
    )
    return [each["message"].rstrip() for each in found["events"]]
