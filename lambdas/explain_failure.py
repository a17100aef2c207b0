"""Lambda: tells people in one readable message why an execution failed, timed out or was stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from lambdas import environment
from trainyard.failure import REPORTED, Failure, root_cause
from trainyard.job_logs import JobLog

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

LOG_LINES = 15
MAX_SUBJECT = 100
logger = Logger(service="explain_failure")


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """An EventBridge "Step Functions Execution Status Change" event -> a message on the topic."""
    arn, status = event["detail"]["executionArn"], event["detail"]["status"]
    events = [each for page in _history(arn) for each in page["events"]]
    failure = root_cause(events, status=status)
    if failure.error in REPORTED:
        logger.info("already reported by the workflow", extra={"execution": arn, "error": failure.error})
        return {"published": "no"}
    plan = _plan(events)
    subject = (
        f"trainyard: {plan.get('recipe', 'a')} run {status.lower().replace('_', ' ')} at {failure.state or 'its start'}"
    )
    _sns().publish(
        TopicArn=environment.read().topic_arn,
        Subject=subject[:MAX_SUBJECT],
        Message=_message(arn, status, plan, failure),
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": "failed"}},
    )
    logger.info("published", extra={"execution": arn, "state": failure.state, "error": failure.error})
    return {"published": "yes"}


def _history(arn: str) -> Any:
    return _step_functions().get_paginator("get_execution_history").paginate(executionArn=arn)


def _plan(events: list[Any]) -> Mapping[str, Any]:
    """What Resolve planned: the output of the first state, if the execution got that far."""
    for event in events:
        if "stateExitedEventDetails" in event:
            output: Mapping[str, Any] = json.loads(event["stateExitedEventDetails"]["output"])
            return output
    return {}


def _message(arn: str, status: str, plan: Mapping[str, Any], failure: Failure) -> str:
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
        lines += [f"Job: {failure.job}", "", "Last log lines:", *(f"  {each}" for each in _log_tail(failure.log))]
    lines += [
        "",
        f"Console: https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}",
        "Once the reason is mended, go on from the failed state (within 14 days):",
        f"  aws stepfunctions redrive-execution --execution-arn {arn}",
    ]
    return "\n".join(lines)


def _log_tail(log: JobLog) -> list[str]:
    """The job's last log lines; a log that cannot be read must not keep the message from being sent."""
    why = []
    for group in log.groups:
        try:
            lines = _last_lines(log, group)
        except (BotoCoreError, ClientError) as error:
            logger.warning("log not readable", extra={"log_group": group, "error": str(error)})
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            why.append(f"(not readable: {code})")
        else:
            if lines:
                return lines
            why.append("(the job wrote no log)")
    return why[:1]


def _last_lines(log: JobLog, group: str) -> list[str]:
    pages = _logs().get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=log.prefix)
    streams = [each["logStreamName"] for page in pages for each in page["logStreams"]]
    if not streams:
        return []
    found = _logs().get_log_events(
        logGroupName=group, logStreamName=log.telling(streams), limit=LOG_LINES, startFromHead=False
    )
    return [each["message"].rstrip() for each in found["events"]]


@cache
def _step_functions() -> SFNClient:
    return boto3.client("stepfunctions")


@cache
def _logs() -> CloudWatchLogsClient:
    return boto3.client("logs")


@cache
def _sns() -> SNSClient:
    return boto3.client("sns")
