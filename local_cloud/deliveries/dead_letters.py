"""Where events end that reached nobody: queues of rules, and queues and destinations of functions; in the server."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.arn import parse_arn
from ministack.services import sqs

from local_cloud import roles
from local_cloud.deliveries.delivery import Delivery
from local_cloud.jobs.settings import from_environment
from local_cloud.jobs.transfer import RoleClients
from trainyard.errors import TrainyardError

logger = logging.getLogger("local_cloud.deliveries")

Record = Mapping[str, Any]


def from_rule(delivery: Delivery, code: str, *, reason: str) -> None:
    """Put an event into the queue of its rule's target, with EventBridge's attributes; without one it is dropped."""
    logger.warning("The event %s did not reach %s: %s (%s)", delivery.key, delivery.arn, reason, code)
    if not delivery.dead_letters:
        return
    scheduled = delivery.rule_arn.startswith("arn:aws:scheduler:")
    service = "scheduler.amazonaws.com" if scheduled else "events.amazonaws.com"
    if not sqs.queue_policy_allows(delivery.dead_letters, service, delivery.rule_arn, delivery.account):
        logger.error("The policy of the queue %s does not let %s send to it", delivery.dead_letters, service)
        return
    attributes = {
        "SCHEDULE_ARN" if scheduled else "RULE_ARN": delivery.rule_arn,
        "TARGET_ARN": delivery.arn,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": reason,
        "RETRY_ATTEMPTS": str(delivery.attempts),
    }
    request = {"MessageBody": delivery.payload, "MessageAttributes": _texts(attributes)}
    sqs._act_send_message(request, _queue_url(delivery.dead_letters))


def from_function(delivery: Delivery, config: Record, *, result: Record, settings: Record) -> None:
    """Tell a function's OnFailure destination and its dead letter queue, with the rights of the function's role.

    As in AWS a role that may not send loses the event; the server's log says so.
    """
    body: Record = result["body"] if isinstance(result.get("body"), dict) else {}
    destination = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    queue = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    logger.warning("The function %s failed on the event %s: %s", delivery.arn, delivery.key, body)
    try:
        if destination:
            _send(destination, json.dumps(_envelope(delivery, body)), config=config)
        if queue:
            _send(queue, delivery.payload, config=config, attributes=_lambda_attributes(delivery, body))
    except (ClientError, TrainyardError) as error:
        logger.error("The event %s of the function %s is lost: %s", delivery.key, delivery.arn, error)


def _send(arn: str, text: str, *, config: Record, attributes: Record | None = None) -> None:
    target = parse_arn(arn)
    role, name = str(config["Role"]), str(config["FunctionName"])
    credentials = roles.session_credentials(role, name, service="lambda.amazonaws.com")
    client = RoleClients(from_environment(), role_arn=role, credentials=credentials).client(target.service)
    if target.service == "sqs":
        client.send_message(QueueUrl=_queue_url(arn), MessageBody=text, MessageAttributes=attributes or {})
    elif target.service == "sns":
        client.publish(TopicArn=arn, Message=text, MessageAttributes=attributes or {})
    elif target.service == "lambda":
        client.invoke(FunctionName=arn, InvocationType="Event", Payload=text)
    elif target.service == "events":
        entry = {"Source": "lambda", "DetailType": "Lambda Function Invocation Result - Failure", "Detail": text}
        client.put_events(Entries=[{**entry, "EventBusName": arn}])


def _envelope(delivery: Delivery, body: Record) -> Record:
    """What a destination gets ("Lambda: capturing records of asynchronous invocations")."""
    return {
        "version": "1.0",
        "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        "requestContext": {
            "requestId": delivery.key,
            "functionArn": delivery.arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": delivery.attempts + 1,
        },
        "requestPayload": json.loads(delivery.payload),
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": body,
    }


def _lambda_attributes(delivery: Delivery, body: Record) -> Record:
    message = str(body.get("errorMessage") or "the function failed")[:1024]
    return {
        **_texts({"RequestID": delivery.key, "ErrorMessage": message}),
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
    }


def _texts(values: Mapping[str, str]) -> Record:
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items() if value}


def _queue_url(arn: str) -> str:
    target = parse_arn(arn)
    return str(sqs._queue_url_for_account(target.account_id, target.resource))
