"""Puts the journal between an event and its target, in place of MiniStack's threads; called when the server starts."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import eventbridge, lambda_svc, s3, sns

from local_cloud import journal
from local_cloud.deliveries import functions, targets
from local_cloud.deliveries.delivery import TARGET_RETRIES, TARGET_SECONDS, Delivery
from local_cloud.deliveries.pending import Pending
from local_cloud.step_functions import interruptions

logger = logging.getLogger("local_cloud.deliveries")

# AWS waits a minute before it tries again; nobody wants that on a laptop.
WAIT_VARIABLE = "TRAINYARD_RETRY_WAIT_SECONDS"
WAIT_SECONDS = 1.0

Record = dict[str, Any]

# Target and rule of the event that MiniStack is dispatching on this thread: its functions get only the ARN.
_target: ContextVar[tuple[Record, Record]] = ContextVar("trainyard_target", default=({}, {}))
# Why events of the request on this thread could not be kept: MiniStack only logs it and would answer that all is well.
_unkept: ContextVar[list[Exception] | None] = ContextVar("trainyard_unkept", default=None)


def attempt(delivery: Delivery) -> Delivery | None:
    """Make one delivery, on behalf of the account and in the region that it belongs to."""
    wait = float(os.environ.get(WAIT_VARIABLE, WAIT_SECONDS))
    with request_scope(delivery.account, delivery.region):
        make = functions.invoke if delivery.to_function else targets.deliver
        return make(delivery, wait_seconds=wait)


pending = Pending(journal.current, attempt)


def install() -> None:
    """Replace every way on which MiniStack hands an event to a target."""
    start_scheduler = eventbridge.start_scheduler
    eventbridge._invoke_target = _remembering(eventbridge._invoke_target)
    eventbridge._dispatch_to_lambda = _to_target
    eventbridge._dispatch_to_stepfunctions = _to_target
    eventbridge._dispatch_to_sns = _to_target
    eventbridge._dispatch_to_sqs = lambda spec, payload, parameters=None: _to_target(str(spec), payload, parameters)
    # Nobody reads MiniStack's list of all events there ever were: it would only grow.
    eventbridge._events_log_list = list
    eventbridge.start_scheduler = lambda: _begin(start_scheduler)
    lambda_svc.invoke_async_with_retry = invoke_later
    lambda_svc._execute_function_dispatch = functions.dispatch(lambda_svc._execute_function_dispatch)
    sns._deliver_to_lambda = subscribed
    sns._threading = SimpleNamespace(Thread=_TopicThread)
    s3._fire_s3_event_async = _before_the_answer(s3._fire_s3_event)


def shutdown() -> None:
    """Leave what is being delivered to the next server."""
    pending.close()


def invoke_later(func: Record, event: Any) -> None:
    """Lambda's asynchronous invocation; stands in for MiniStack's function."""
    config = func.get("config") or func
    _accept(config["FunctionArn"], json.dumps(event), to_function=True)


def subscribed(  # noqa: PLR0917 - MiniStack's signature
    endpoint: str,
    envelope: str,
    topic_arn: str,
    sub_arn: str,
    msg_id: str,
    raw_message: str,
    message_attributes: Record,
) -> None:
    """A topic's message for a function that subscribes to it; stands in for MiniStack's function."""
    del topic_arn, msg_id, raw_message, message_attributes
    record = {"EventVersion": "1.0", "EventSubscriptionArn": sub_arn, "EventSource": "aws:sns"}
    _accept(endpoint, json.dumps({"Records": [{**record, "Sns": json.loads(envelope)}]}), to_function=True)


def _begin(start_scheduler: Any) -> None:
    """Everything has been restored: make what is due, tell what the end of the last server left untold, and go on."""
    pending.begin()
    interruptions.tell()
    start_scheduler()


def _remembering(invoke_target: Any) -> Any:
    def invoke(target: Record, event: Record, rule: Record, view: Any = None) -> None:  # noqa: PLR0917 - MiniStack's
        token = _target.set((target, rule))
        try:
            invoke_target(target, event, rule, view)
        finally:
            _target.reset(token)

    return invoke


def _to_target(  # noqa: PLR0917 - MiniStack's signature
    arn: str, payload: str, parameters: Record | None = None
) -> None:
    target, rule = _target.get()
    policy = target.get("RetryPolicy") or {}
    retries = policy.get("MaximumRetryAttempts")
    _accept(
        arn,
        payload,
        retries=TARGET_RETRIES if retries is None else int(retries),
        max_age=float(policy.get("MaximumEventAgeInSeconds") or TARGET_SECONDS),
        dead_letters=(target.get("DeadLetterConfig") or {}).get("Arn") or "",
        rule_arn=rule.get("Arn") or "",
        parameters=parameters or {},
    )


def _accept(arn: str, payload: str, **options: Any) -> None:
    now = time.time()
    scope = {"account": get_account_id(), "region": get_region()}
    try:
        pending.accept(Delivery(key=new_uuid(), arn=arn, payload=payload, accepted=now, due=now, **scope, **options))
    except Exception as error:
        unkept = _unkept.get()
        if unkept is not None:
            unkept.append(error)
        raise


def _before_the_answer(fire_event: Any) -> Any:
    """An object's events are accepted before the request that made it is answered: one that is not, fails it."""

    def fire(  # noqa: PLR0917 - MiniStack's signature
        bucket_name: str,
        key: str,
        event_name: str,
        size: int = 0,
        etag: str = "",
        deletion_type: str | None = None,
        **options: Any,
    ) -> None:
        if bucket_name not in s3._bucket_notifications:
            return
        unkept: list[Exception] = []
        token = _unkept.set(unkept)
        try:
            sequencer = s3._next_event_sequencer(event_name)
            fire_event(bucket_name, key, event_name, size, etag, deletion_type, sequencer=sequencer, **options)
        finally:
            _unkept.reset(token)
        if unkept:
            raise unkept[0]

    return fire


class _TopicThread(threading.Thread):
    """What a topic starts for a subscriber; a function's event is accepted at once, before Publish answers."""

    def __init__(self, *, target: Any, args: tuple[Any, ...], daemon: bool) -> None:
        self._accepts = subscribed in args
        super().__init__(target=target, args=args, daemon=daemon)

    def start(self) -> None:
        if self._accepts:
            self.run()
        else:
            super().start()
