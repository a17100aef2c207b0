"""Lambda: tells people in one readable message why an execution failed, timed out or was stopped."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import boto3
from aws_lambda_powertools import Logger

from lambdas import environment
from trainyard.stages.explain_failure import once
from trainyard.stages.explain_failure.message import explain

logger = Logger(service="explain_failure")


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """An EventBridge "Step Functions Execution Status Change" event -> a message on the topic."""
    arn, status = event["detail"]["executionArn"], event["detail"]["status"]
    message = explain(arn, status, step_functions=_client("stepfunctions"), logs=_client("logs"), s3=_client("s3"))
    if message is None:
        logger.info("already reported by the workflow", extra={"execution": arn})
        return {"published": "no"}
    telling = once.Telling(
        key=once.key_of(event["detail"]),
        event_id=event.get("id", ""),
        table=environment.read().ledger_table,
        dynamodb=_client("dynamodb"),
    )
    if not telling.begin():
        logger.info("already told", extra={"execution": arn})
        return {"published": "no"}
    _client("sns").publish(
        TopicArn=environment.read().topic_arn,
        Subject=message.subject,
        Message=message.text,
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": "failed"}},
    )
    telling.done()
    logger.info("published", extra={"execution": arn, "subject": message.subject})
    return {"published": "yes"}


@cache
def _client(service: Literal["dynamodb", "logs", "s3", "sns", "stepfunctions"]) -> Any:
    return boto3.client(service)
