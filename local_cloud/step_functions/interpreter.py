"""Walks a state machine's definition from state to state, remembering where it is; runs in the local cloud's server."""

from __future__ import annotations

import copy
import json
import logging
import time
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from local_cloud.journal import executions, flows
from local_cloud.step_functions import branches, live, status, tasks, versions
from local_cloud.step_functions.frame import Frame, State, current
from local_cloud.step_functions.history import Record, deliver, last_trail
from local_cloud.step_functions.payload import require_within_limit
from local_cloud.step_functions.retrying import Outcome
from local_cloud.step_functions.status import execution_error

logger = logging.getLogger("local_cloud.step_functions")


def run_execution(arn: str) -> None:
    """Run a started or redriven execution to its end, on a thread of its own. Stands in for MiniStack's runner."""
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        return
    machine = versions.machine_of(execution)
    if executions.definition_of(execution) is None and machine is not None:
        # A redrive uses the definition of the first attempt, even when the machine was updated since.
        executions.remember_definition(execution, machine["definition"])
        execution["roleArn"] = machine["roleArn"]
    definition = json.loads(executions.definition_of(execution) or "{}")
    running = live.begin(arn, definition.get("TimeoutSeconds"))
    flows.begin(ended=lambda: running.interrupted)
    try:
        if execution["status"] == "RUNNING":
            _run_to_end(execution, definition, running=running)
        flows.settle()
    finally:
        flows.end()
        live.end(arn, running)


def _run_to_end(execution: Record, definition: State, *, running: live.LiveExecution) -> None:
    trail = last_trail(execution)
    if len(execution["events"]) == 1:
        execution["events"][0].setdefault("previousEventId", 0)
        deliver(execution, execution["events"][0])
    frame = Frame(execution, running, trail, _context(execution, definition))
    try:
        status.succeed(execution, trail, output=_walk_main(definition, frame))
    except stepfunctions._ExecutionError as error:
        status.fail(execution, trail, error=error.error, cause=error.cause)
    except live.ExecutionTimedOut:
        status.time_out(execution, trail)
    except live.Interrupted:
        # Whoever stopped the execution has written how it ended.
        return
    except Exception as error:
        logger.exception("Execution %s met an unexpected error", execution["executionArn"])
        status.fail(execution, trail, error="States.Runtime", cause=f"{type(error).__name__}: {error}")


def _walk_main(definition: State, frame: Frame) -> Any:
    if "States" not in definition:
        raise execution_error("States.Runtime", "The state machine of this execution no longer exists.")
    states, checkpoint = definition["States"], frame.execution.get("checkpoint")
    if checkpoint is not None and frame.execution.get("redriveCount"):
        frame.context["variables"] = copy.deepcopy(checkpoint["variables"])
        return walk(states, checkpoint["state"], data=checkpoint["input"], frame=frame, resumed=True)
    return walk(states, definition["StartAt"], data=json.loads(frame.execution["input"]), frame=frame)


def _context(execution: Record, definition: State) -> dict[str, Any]:
    """The context object; RedriveCount is absent outside a redrive, as in AWS."""
    machine_arn = execution["stateMachineArn"]
    about: dict[str, Any] = {
        "Id": execution["executionArn"],
        "Input": json.loads(execution["input"]),
        "Name": execution["name"],
        "RoleArn": execution.get("roleArn"),
        "StartTime": execution["startDate"],
    }
    if execution.get("redriveCount"):
        about |= {"RedriveCount": execution["redriveCount"], "RedriveTime": execution["redriveDate"]}
    return {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": about,
        "StateMachine": {"Id": machine_arn, "Name": machine_arn.rpartition(":")[2]},
        "variables": {},
    }


def walk(states: dict[str, State], start_at: str, *, data: Any, frame: Frame, resumed: bool = False) -> Any:
    """Run states from `start_at` to the end of the flow; returns its output.

    A `resumed` first state was entered before a failure: it runs again without being entered again.
    """
    name: str | None = start_at
    token = current.set(frame)
    try:
        while name is not None:
            if name not in states:
                raise execution_error("States.Runtime", f"State '{name}' is not in the definition.")
            data, name = _run_state(name, states[name], data=data, frame=frame, resumed=resumed)
            resumed = False
    finally:
        current.reset(token)
    return data


def _run_state(name: str, state: State, *, data: Any, frame: Frame, resumed: bool) -> Outcome:
    frame.live.check()
    frame.context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
    if not resumed:
        frame.remember(name, data)
        entered = {"name": name, "input": json.dumps(data), "inputDetails": {"truncated": False}}
        frame.trail.record(f"{state['Type']}StateEntered", **entered)
    output, following = _execute(state, data, frame=frame)
    text = require_within_limit(output, f"The state '{name}' returned a result")
    frame.live.check()
    frame.trail.record(f"{state['Type']}StateExited", name=name, output=text, outputDetails={"truncated": False})
    return output, following


def _execute(state: State, data: Any, *, frame: Frame) -> Outcome:
    kind = state["Type"]
    if kind == "Task":
        return tasks.execute(state, data, frame=frame)
    if kind == "Parallel":
        return branches.execute_parallel(state, data, frame=frame)
    if kind == "Map":
        return branches.execute_map(state, data, frame=frame)
    if kind == "Fail":
        raise execution_error(*stepfunctions._fail_state_error(state, data, frame.context))
    simple = {
        "Pass": stepfunctions._execute_pass,
        "Wait": stepfunctions._execute_wait,
        "Choice": _choose,
        "Succeed": _end_well,
    }
    if kind not in simple:
        raise execution_error("States.Runtime", f"A state has the unknown type '{kind}'.")
    output, following = simple[kind](state, data, frame.context)
    return output, following


def _end_well(state: State, data: Any, context: dict[str, Any]) -> Outcome:  # noqa: PLR0917 - called as MiniStack's are
    if stepfunctions._state_query_language(state, context) == "JSONata":
        return stepfunctions._apply_jsonata_output(state, data, context, default=data), None
    selected = stepfunctions._apply_input_path(state, data, context)
    return stepfunctions._apply_output_path(state, selected, context), None


def _choose(state: State, data: Any, context: dict[str, Any]) -> Outcome:  # noqa: PLR0917 - called as MiniStack's are
    """A Choice state; unlike MiniStack's own, the state's Output applies when the Default is taken."""
    if stepfunctions._state_query_language(state, context) == "JSONata" and "Output" in state and state.get("Default"):
        rules = state.get("Choices", [])
        if not any(stepfunctions._evaluate_jsonata_choice_rule(rule, data, context) for rule in rules):
            output = stepfunctions._apply_jsonata_output(state, data, context)
            stepfunctions._apply_state_assign(state, data, context)
            return output, state["Default"]
    output, following = stepfunctions._execute_choice(state, data, context)
    return output, following


def assign(  # noqa: PLR0917 - MiniStack's signature
    state: State, data: Any, context: dict[str, Any], result: Any = None, error_output: Any = None
) -> None:
    """Evaluate a JSONata Assign: every expression sees the values from before it. Stands in for MiniStack's."""
    assignments = state.get("Assign")
    if not isinstance(assignments, dict) or stepfunctions._state_query_language(state, context) != "JSONata":
        return
    values = {
        name: stepfunctions._apply_jsonata_template(template, data, context, result=result, error_output=error_output)
        for name, template in assignments.items()
    }
    variables = context.setdefault("variables", {})
    require_within_limit({**variables, **values}, "The state assigned variables")
    variables.update(values)


def sleep(seconds: float) -> None:
    """Wait inside a state, unless the execution is interrupted. Stands in for MiniStack's."""
    frame = current.get()
    scaled = seconds * stepfunctions._SFN_WAIT_SCALE
    if scaled <= 0:
        return
    if frame is None:
        time.sleep(scaled)
    else:
        frame.live.sleep(scaled)
