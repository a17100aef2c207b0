"""Lambda: posts a message of the topic, signed, to the address that the environment's settings name."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from trainyard.stages.notify import webhook
from trainyard.stages.notify.notification import notification

logger = Logger(service="webhook")


def handler(event: dict[str, Any], _context: object) -> None:
    """One message out of the queue -> a POST request; raises JobFailed while the receiver does not take it."""
    for record in event["Records"]:
        told = notification(json.loads(record["body"]), environment=os.environ["ENVIRONMENT"])
        content = webhook.body(told)
        # Read anew each time: a secret that was replaced holds from the next message on.
        secret = _secrets().get_secret_value(SecretId=os.environ["WEBHOOK_SECRET"])["SecretString"]
        headers = webhook.headers(told.id, content, secret=secret, now=int(time.time()))
        status = webhook.post(os.environ["WEBHOOK_URL"], content, headers=headers)
        logger.info("delivered", extra={"message_id": told.id, "outcome": told.outcome, "status": status})


@cache
def _secrets() -> Any:
    return boto3.client("secretsmanager")
