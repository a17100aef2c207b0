"""Lambda: says on the topic of the chat channels what the topic of the workflow said, in the form that chat shows."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from trainyard.stages.notify.chat import custom_notification
from trainyard.stages.notify.notification import notification

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

logger = Logger(service="chat")


def handler(event: dict[str, Any], _context: object) -> None:
    """Messages as SNS hands them to a function -> custom notifications of Amazon Q Developer."""
    for record in event["Records"]:
        told = notification(record["Sns"], environment=os.environ["ENVIRONMENT"])
        _sns().publish(TopicArn=os.environ["CHAT_TOPIC_ARN"], Message=json.dumps(custom_notification(told)))
        logger.info("told", extra={"message_id": told.id, "outcome": told.outcome})


@cache
def _sns() -> SNSClient:
    return boto3.client("sns")
