"""Puts the journal between an event and its target, in place of MiniStack's threads; called when the server starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ministack.services import eventbridge, lambda_svc, s3, sns

from local_cloud import journal
from local_cloud.deliveries import accepting, firings, functions, making
from local_cloud.deliveries.making import pending
from local_cloud.step_functions import interruptions


def install() -> None:
    """Replace every way on which MiniStack hands an event to a target; raises ConfigError for a wrong setting."""
    making.wait_seconds()
    to_target, start_scheduler = accepting.to_target, eventbridge.start_scheduler
    eventbridge._put_events = accepting.strict(eventbridge._put_events)
    eventbridge._invoke_target = accepting.remembering(eventbridge._invoke_target)
    eventbridge._dispatch_to_lambda = to_target
    eventbridge._dispatch_to_stepfunctions = to_target
    eventbridge._dispatch_to_sns = to_target
    eventbridge._dispatch_to_sqs = lambda spec, payload, parameters=None: to_target(str(spec), payload, parameters)
    # Nobody reads MiniStack's list of all events there ever were: it would only grow.
    eventbridge._events_log_list = list
    firings.install()
    eventbridge.start_scheduler = lambda: _begin(start_scheduler)
    lambda_svc.invoke_async_with_retry = accepting.invoke_later
    lambda_svc._execute_function_dispatch = functions.dispatch(lambda_svc._execute_function_dispatch)
    sns._deliver_to_lambda = accepting.subscribed
    sns._threading = SimpleNamespace(Thread=accepting.TopicThread)
    s3._fire_s3_event_async = accepting.before_the_answer(s3._fire_s3_event)


def shutdown() -> None:
    """Leave what is being delivered to the next server."""
    pending.close()


def _begin(start_scheduler: Any) -> None:
    """Everything has been restored: make what is due, tell what the end of the last server left untold, and go on."""
    firings.restore(journal.current())
    pending.begin()
    start_scheduler()
    interruptions.tell()
