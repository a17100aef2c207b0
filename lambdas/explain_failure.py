"""Lambda: tells people in one readable message why an execution failed, timed out or was stopped."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from lambdas import environment
from trainyard.stages.explain_failure import once
from trainyard.stages.explain_failure.message import explain

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

logger = Logger(service="explain_failure")


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """An EventBridge "Step Functions Execution Status Change" event -> a message on the topic."""
    arn, status = event["detail"]["executionArn"], event["detail"]["status"]
    message = explain(arn, status, step_functions=_step_functions(), logs=_logs(), s3=_s3())
    if message is None:
        logger.info("already reported by the workflow", extra={"execution": arn})
        return {"published": "no"}
    telling = once.Telling(
        key=once.key_of(event["detail"]),
        event_id=event.get("id", ""),
        table=environment.read().ledger_table,
        dynamodb=_dynamodb(),
    )
    if not telling.begin():
        logger.info("already told", extra={"execution": arn})
        return {"published": "no"}
    _sns().publish(
        TopicArn=environment.read().topic_arn,
        Subject=message.subject,
        Message=message.text,
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": "failed"}},
    )
    telling.done()
    logger.info("published", extra={"execution": arn, "subject": message.subject})
    return {"published": "yes"}


@cache
def _step_functions() -> SFNClient:
    return boto3.client("stepfunctions")


@cache
def _logs() -> CloudWatchLogsClient:
    return boto3.client("logs")


@cache
def _s3() -> S3Client:
    return boto3.client("s3")


@cache
def _dynamodb() -> DynamoDBClient:
    return boto3.client("dynamodb")


@cache
def _sns() -> SNSClient:
    return boto3.client("sns")
