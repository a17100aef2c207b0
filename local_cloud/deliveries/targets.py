"""Targets of rules and schedules: how each kind gets an event, and which refuse one for good; in the server."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping

from ministack.core.arn import parse_arn
from ministack.services import eventbridge, lambda_svc, sns, sqs, stepfunctions

from local_cloud.deliveries import dead_letters
from local_cloud.deliveries.delivery import Delivery
from local_cloud.deliveries.refused import Refused


def deliver(delivery: Delivery, *, wait_seconds: float) -> Delivery | None:
    """Give an event to its target; None when it has ended there or in the rule's dead letter queue.

    For a function the same delivery is left, waiting in the function's own queue. A target that does not exist or
    refuses the event is not tried again, as in AWS; whatever else goes wrong is.
    """
    try:
        return TARGETS[parse_arn(delivery.arn).service](delivery)
    except Refused as error:
        dead_letters.from_rule(delivery, error.code, reason=str(error))
        return None
    except Exception as error:
        left = delivery.again(seconds=wait_seconds, retries=delivery.retries, max_age=delivery.max_age)
        if left is None:
            dead_letters.from_rule(delivery, "SDK_CLIENT_ERROR", reason=f"{type(error).__name__}: {error}")
        return left


def _to_function(delivery: Delivery) -> Delivery:
    function, config, name = lambda_svc._get_func_record_for_ref(delivery.arn)
    if not function or not config:
        raise Refused("RESOURCE_NOT_FOUND", f"Expected a function {name}, found none: deploy it.")
    return dataclasses.replace(delivery, to_function=True, attempts=0)


def _to_machine(delivery: Delivery) -> None:
    request = {"stateMachineArn": delivery.arn, "input": delivery.payload, "name": delivery.key}
    code, _, body = stepfunctions._start_execution(request)
    if code == 200:
        return
    answer = json.loads(body)
    kind = str(answer.get("__type", "")).rpartition("#")[2]
    if kind == "ExecutionAlreadyExists":
        return  # begun before a crash, which kept only the end of the delivery from being written down
    raise Refused(
        "RESOURCE_NOT_FOUND" if kind == "StateMachineDoesNotExist" else "INVALID_PARAMETER", answer.get("message", kind)
    )


def _to_queue(delivery: Delivery) -> None:
    queue = sqs._queue_by_arn(delivery.arn)
    if queue is None:
        raise Refused("RESOURCE_NOT_FOUND", f"Expected a queue {delivery.arn}, found none.")
    eventbridge_to_queue(parse_arn(delivery.arn), delivery.payload, dict(delivery.parameters))


def _to_topic(delivery: Delivery) -> None:
    try:
        published = sns.publish_internal(delivery.arn, delivery.payload, "EventBridge Notification")
    except sns.SnsPublishError as error:
        raise Refused("INVALID_PARAMETER", str(error)) from error
    if published is None:
        raise Refused("RESOURCE_NOT_FOUND", f"Expected a topic {delivery.arn}, found none.")


# MiniStack's own, kept before it is replaced.
eventbridge_to_queue = eventbridge._dispatch_to_sqs

TARGETS: Mapping[str, Callable[[Delivery], Delivery | None]] = {
    "lambda": _to_function,
    "states": _to_machine,
    "sqs": _to_queue,
    "sns": _to_topic,
}
