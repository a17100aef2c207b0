"""Where MiniStack's services hand an event over: each function stands in for one of theirs; in the server.

What they hand over is in the journal before whatever caused the event goes on.
"""

from __future__ import annotations

import json
import threading
import time
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import s3

from local_cloud.deliveries import firings
from local_cloud.deliveries.delivery import TARGET_RETRIES, TARGET_SECONDS, Delivery
from local_cloud.deliveries.making import pending

Record = dict[str, Any]

# Target and rule of the event that MiniStack is dispatching on this thread: its functions get only the ARN.
_target: ContextVar[tuple[Record, Record]] = ContextVar("trainyard_target", default=({}, {}))
# Why events of the request on this thread could not be kept: MiniStack only logs it and would answer that all is well.
_unkept: ContextVar[list[Exception] | None] = ContextVar("trainyard_unkept", default=None)


def remembering(invoke_target: Any) -> Any:
    """EventBridge's call of a target, which lets `to_target` know the target's settings."""

    def invoke(target: Record, event: Record, rule: Record, view: Any = None) -> None:  # noqa: PLR0917 - MiniStack's
        token = _target.set((target, rule))
        try:
            invoke_target(target, event, rule, view)
        finally:
            _target.reset(token)

    return invoke


def to_target(  # noqa: PLR0917 - MiniStack's signature
    arn: str, payload: str, parameters: Record | None = None
) -> None:
    """EventBridge's delivery to a function, a machine, a topic or a queue."""
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
        delivery = Delivery(key=new_uuid(), arn=arn, payload=payload, accepted=now, due=now, **scope, **options)
        pending.accept(delivery, firings.take())
    except Exception as error:
        unkept = _unkept.get()
        if unkept is not None:
            unkept.append(error)
        raise


def strict(dispatch: Any) -> Any:
    """A function that dispatches events, and fails when one of them could not be kept."""

    def run(*arguments: Any, **options: Any) -> Any:
        unkept: list[Exception] = []
        token = _unkept.set(unkept)
        try:
            result = dispatch(*arguments, **options)
        finally:
            _unkept.reset(token)
        if unkept:
            raise unkept[0]
        return result

    return run


def before_the_answer(fire_event: Any) -> Any:
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
        if bucket_name in s3._bucket_notifications:
            options["sequencer"] = s3._next_event_sequencer(event_name)
            fire_event(bucket_name, key, event_name, size, etag, deletion_type, **options)

    return strict(fire)


class TopicThread(threading.Thread):
    """What a topic starts for a subscriber; a function's event is accepted at once, before Publish answers."""

    def __init__(self, *, target: Any, args: tuple[Any, ...], daemon: bool) -> None:
        self._accepts = subscribed in args
        super().__init__(target=target, args=args, daemon=daemon)

    def start(self) -> None:
        if self._accepts:
            self.run()
        else:
            super().start()


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
