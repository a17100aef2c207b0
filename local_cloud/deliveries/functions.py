"""Asynchronous invocations: attempts, waits, and where an event goes that a function cannot take; in the server."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc

from local_cloud.deliveries import dead_letters
from local_cloud.deliveries.delivery import Delivery

logger = logging.getLogger("local_cloud.deliveries")

RETRIES, MAX_AGE_SECONDS = 2, 21_600
Record = dict[str, Any]

# The request id of the invocation that this thread makes: the same for every attempt, as in AWS.
_request: ContextVar[str | None] = ContextVar("trainyard_request", default=None)


def invoke(delivery: Delivery, *, wait_seconds: float) -> Delivery | None:
    """Run the function once; None when the event has ended, in success or in a dead letter queue."""
    function, config, name = lambda_svc._get_func_record_for_ref(delivery.arn)
    if not function or not config:
        # AWS forgets a function's events with the function.
        logger.warning("The function %s is gone, and with it the event %s", name, delivery.key)
        return None
    result = _run(lambda_svc._execution_record_for_config(function, config), delivery)
    if not result.get("error") and not result.get("throttle"):
        return None
    settings = invoke_settings(function, delivery.arn)
    max_age = float(settings.get("MaximumEventAgeInSeconds") or MAX_AGE_SECONDS)
    if result.get("throttle"):
        # Not the function's fault: Lambda goes on until the event is too old, and counts no attempt.
        left = delivery.again(seconds=wait_seconds, retries=delivery.attempts + 1, max_age=max_age)
        left = left and delivery.later(wait_seconds)
    else:
        retries = settings.get("MaximumRetryAttempts")
        left = delivery.again(seconds=wait_seconds, retries=RETRIES if retries is None else retries, max_age=max_age)
    if left is None:
        dead_letters.from_function(delivery, config, result=result, settings=settings)
    return left


def invoke_settings(function: Record, arn: str) -> Mapping[str, Any]:
    """The EventInvokeConfig of the function, or of the version or alias that the ARN names."""
    qualifier = arn.split(":")[7] if arn.count(":") == 7 else None
    found: Mapping[str, Any] = lambda_svc._event_invoke_config(function, qualifier) or {}
    return found


def dispatch(original: Any) -> Any:
    """MiniStack's dispatch of an invocation, with the delivery's own request id where one is being made."""

    def execute(  # noqa: PLR0917 - MiniStack's signature
        func: Record, config: Record, event: Any, request_id: str, started: float
    ) -> Any:
        return original(func, config, event, _request.get() or request_id, started)

    return execute


def _run(record: Record, delivery: Delivery) -> Record:
    token = _request.set(delivery.key)
    try:
        result: Record = lambda_svc._execute_function_with_config_scope(record, json.loads(delivery.payload))
    finally:
        _request.reset(token)
    return result
