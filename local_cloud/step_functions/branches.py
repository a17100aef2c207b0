"""Parallel and Map states: branches with their own variables and events, around MiniStack's item handling."""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

from local_cloud.step_functions import live
from local_cloud.step_functions.frame import Frame, State, enclosing
from local_cloud.step_functions.retrying import Outcome, with_retry_and_catch


def execute_parallel(state: State, data: Any, frame: Frame) -> Outcome:
    """Run all branches of a Parallel state; the output is the list of their outputs."""
    return with_retry_and_catch(state, data, frame, lambda: _recorded("Parallel", _parallel, state, data, frame))


def execute_map(state: State, data: Any, frame: Frame) -> Outcome:
    """Run a Map state over its items; the output is the list of the iterations' outputs."""
    return with_retry_and_catch(state, data, frame, lambda: _recorded("Map", _map, state, data, frame))


def run_branch(states: dict[str, State], start_at: str, data: Any, execution: Any, context: dict[str, Any]) -> Any:
    """Walk one branch or iteration. Stands in for MiniStack's function of that signature."""
    del execution  # The frame has it; a distributed map's child record only collects the outcome.
    outer = enclosing()
    frame = outer.branch(context)
    try:
        return _walk_branch(states, start_at, data, outer, frame)
    except (live.Interrupted, live.ExecutionTimedOut):
        # The enclosing state finds out by itself; MiniStack's branch threads would only print a traceback.
        return None


def _walk_branch(states: dict[str, State], start_at: str, data: Any, outer: Frame, frame: Frame) -> Any:
    from local_cloud.step_functions.interpreter import walk

    item = frame.context.get("Map", {}).get("Item")
    if item is None or frame.context["Map"] == outer.context.get("Map"):
        return walk(states, start_at, data, frame)
    named = {"name": outer.context["State"]["Name"], "index": item["Index"]}
    frame.trail.record("MapIterationStarted", **named)
    try:
        output = walk(states, start_at, data, frame)
    except stepfunctions._ExecutionError:
        frame.trail.record("MapIterationFailed", **named)
        raise
    frame.trail.record("MapIterationSucceeded", **named)
    return output


def _recorded(kind: str, run: Any, state: State, data: Any, frame: Frame) -> Outcome:
    frame.trail.record(f"{kind}StateStarted")
    try:
        outcome: Outcome = run(state, data, frame)
    except stepfunctions._ExecutionError:
        # MiniStack turns whatever ended a branch into an error: a stopped execution must not look failed.
        frame.live.check()
        frame.trail.record(f"{kind}StateFailed")
        raise
    frame.live.check()
    frame.trail.record(f"{kind}StateSucceeded")
    return outcome


def _map(state: State, data: Any, frame: Frame) -> Outcome:
    output, following = stepfunctions._run_map_items(state, data, frame.execution, frame.context)
    return output, following


def _parallel(state: State, data: Any, frame: Frame) -> Outcome:
    if stepfunctions._state_query_language(state, frame.context) != "JSONata":
        output, following = stepfunctions._run_parallel_branches(state, data, frame.execution, frame.context)
        return output, following
    arguments = stepfunctions._apply_jsonata_arguments(state, data, frame.context)
    plain = {"Type": "Parallel", "Branches": state["Branches"], "End": True}
    results, _ = stepfunctions._run_parallel_branches(plain, arguments, frame.execution, frame.context)
    output = stepfunctions._apply_jsonata_output(state, data, frame.context, result=results, default=results)
    stepfunctions._apply_state_assign(state, data, frame.context, result=results)
    return output, stepfunctions._next_or_end(state)
