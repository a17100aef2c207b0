"""Retry and Catch of Task, Parallel and Map states, in the local cloud's Step Functions."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from local_cloud.step_functions.frame import Frame, State

# States.ALL and States.TaskFailed do not cover these: they can only be named.
UNCATCHABLE = frozenset({"States.Runtime", "States.DataLimitExceeded"})

Outcome = tuple[Any, str | None]


def with_retry_and_catch(state: State, data: Any, *, frame: Frame, attempt: Callable[[], Outcome]) -> Outcome:
    """Run `attempt` under the state's Retry and Catch; returns the output and the name of the next state.

    An error that neither handles is raised. A stopped or timed out execution is not an error to be handled.
    """
    retries: dict[int, int] = {}
    entered = dict(frame.context["State"])
    while True:
        # Branches leave their own State behind; each attempt starts from this state's, counted.
        frame.context["State"] = {**entered, "RetryCount": sum(retries.values())}
        frame.live.check()
        try:
            return attempt()
        except stepfunctions._ExecutionError as error:
            frame.live.check()
            index = matching(state.get("Retry", []), error.error)
            if index is not None and retries.get(index, 0) < state["Retry"][index].get("MaxAttempts", 3):
                frame.live.sleep(delay(state["Retry"][index], retries.get(index, 0)) * stepfunctions._SFN_WAIT_SCALE)
                retries[index] = retries.get(index, 0) + 1
                continue
            return _caught(state, data, frame=frame, error=error)


def _caught(state: State, data: Any, *, frame: Frame, error: Any) -> Outcome:
    index = matching(state.get("Catch", []), error.error)
    if index is None:
        raise error
    catcher = state["Catch"][index]
    language = stepfunctions._state_query_language(state, frame.context)
    described = {"Error": error.error, "Cause": error.cause}
    return stepfunctions._apply_catcher(catcher, data, frame.context, language, described), catcher["Next"]


def matching(handlers: list[dict[str, Any]], error: str) -> int | None:
    """Index of the first retrier or catcher whose ErrorEquals covers `error`."""
    for index, handler in enumerate(handlers):
        named = handler.get("ErrorEquals", [])
        if error in named or (error not in UNCATCHABLE and stepfunctions._error_matches(named, error)):
            return index
    return None


def delay(retrier: dict[str, Any], retries: int) -> float:
    """Seconds before the next attempt, after `retries` of them (Amazon States Language, "Retrying after an error").

    IntervalSeconds * BackoffRate ** retries, at most MaxDelaySeconds; full jitter draws evenly from zero to that.
    """
    seconds = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** retries
    seconds = min(seconds, float(retrier.get("MaxDelaySeconds", seconds)))
    return random.uniform(0.0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds
