"""Parallel and Map states: branches with their own variables and events, around MiniStack's item handling."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ministack.services import stepfunctions

from local_cloud.step_functions import live
from local_cloud.step_functions.frame import (
    Frame,
    State,
    enclosing,
    forget_iterations,
    iterations,
    keep_iteration,
)
from local_cloud.step_functions.retrying import Outcome, with_retry_and_catch


class Walk(Protocol):
    """Runs states from `start_at` to the end of the flow, and returns its output; goes on with one where `resumed`."""

    def __call__(
        self, states: dict[str, State], start_at: str, *, data: Any, frame: Frame, resumed: bool = False
    ) -> Any: ...


def execute_parallel(state: State, data: Any, *, frame: Frame) -> Outcome:
    """Run all branches of a Parallel state; the output is the list of their outputs."""
    return with_retry_and_catch(
        state,
        data,
        frame=frame,
        attempt=lambda: _recorded("Parallel", frame, run=lambda: _parallel(state, data, frame=frame)),
    )


def execute_map(state: State, data: Any, *, frame: Frame) -> Outcome:
    """Run a Map state over its items; the output is the list of the iterations' outputs."""
    return with_retry_and_catch(
        state, data, frame=frame, attempt=lambda: _recorded("Map", frame, run=lambda: _map(state, data, frame=frame))
    )


def branch_runner(walk: Walk) -> Callable[..., Any]:
    """A function that runs one branch or iteration with `walk`. It stands in for MiniStack's of that signature."""

    def run_branch(  # noqa: PLR0917 - MiniStack's signature
        states: dict[str, State], start_at: str, data: Any, execution: Any, context: dict[str, Any]
    ) -> Any:
        del execution  # The frame has it; a distributed map's child record only collects the outcome.
        outer = enclosing()
        frame = outer.branch(context, iteration=_iteration(context, outer))
        # A redrive of the Map: what ended well is done, and what failed goes on from the state that it failed in.
        kept = iterations(outer.execution).get(frame.iteration or "", {})
        if "output" in kept:
            return copy.deepcopy(kept["output"])
        if kept:
            frame.context["variables"] = copy.deepcopy(kept["variables"])
            start_at, data = kept["state"], kept["input"]
        try:
            with _recorded_iteration(frame, outer):
                output = walk(states, start_at, data=data, frame=frame, resumed=bool(kept))
                if frame.iteration is not None:
                    keep_iteration(outer.execution, frame.iteration, kept={"output": output})
        except (live.Interrupted, live.ExecutionTimedOut):
            # The enclosing state finds out by itself; MiniStack's branch threads would only print a traceback.
            return None
        return output

    return run_branch


def _iteration(context: dict[str, Any], outer: Frame) -> str | None:
    """The number of the iteration of a Map in the main flow; None for a branch, and for what lies deeper."""
    return str(context["Map"]["Item"]["Index"]) if outer.top_level and "Map" in context else None


@contextmanager
def _recorded_iteration(frame: Frame, outer: Frame) -> Iterator[None]:
    """Record the events of a Map's iteration; branches of a Parallel state, also of one inside a Map, have none."""
    item = frame.context.get("Map", {}).get("Item")
    if item is None or frame.context["Map"] == outer.context.get("Map"):
        yield
        return
    named = {"name": outer.context["State"]["Name"], "index": item["Index"]}
    frame.trail.record("MapIterationStarted", **named)
    try:
        yield
    except stepfunctions._ExecutionError:
        frame.trail.record("MapIterationFailed", **named)
        raise
    frame.trail.record("MapIterationSucceeded", **named)


def _recorded(kind: str, frame: Frame, *, run: Callable[[], Outcome]) -> Outcome:
    frame.trail.record(f"{kind}StateStarted")
    try:
        outcome = run()
    except stepfunctions._ExecutionError:
        # MiniStack turns whatever ended a branch into an error: a stopped execution must not look failed.
        frame.live.check()
        frame.trail.record(f"{kind}StateFailed")
        raise
    frame.live.check()
    frame.trail.record(f"{kind}StateSucceeded")
    return outcome


def _map(state: State, data: Any, *, frame: Frame) -> Outcome:
    if frame.top_level and frame.context["State"]["RetryCount"]:
        forget_iterations(frame.execution)
    output, following = stepfunctions._run_map_items(state, data, frame.execution, frame.context)
    return output, following


def _parallel(state: State, data: Any, *, frame: Frame) -> Outcome:
    if stepfunctions._state_query_language(state, frame.context) != "JSONata":
        output, following = stepfunctions._run_parallel_branches(state, data, frame.execution, frame.context)
        return output, following
    arguments = stepfunctions._apply_jsonata_arguments(state, data, frame.context)
    plain = {"Type": "Parallel", "Branches": state["Branches"], "End": True}
    results, _ = stepfunctions._run_parallel_branches(plain, arguments, frame.execution, frame.context)
    output = stepfunctions._apply_jsonata_output(state, data, frame.context, result=results, default=results)
    stepfunctions._apply_state_assign(state, data, frame.context, result=results)
    return output, stepfunctions._next_or_end(state)
