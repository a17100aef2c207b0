"""The definition itself: nothing dangles, nothing is misspelt, every variable is set before it is read."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from state_machines.definition import definition as complete
from tests.state_machine.scenarios import scenarios
from tests.state_machine.walk import Call, definition, expressions, states, walk

OPTIMISED = {
    "lambda:invoke": ("lambda", "Invoke"),
    "sns:publish": ("sns", "Publish"),
    "dynamodb:getItem": ("dynamodb", "GetItem"),
    "dynamodb:putItem": ("dynamodb", "PutItem"),
    "dynamodb:updateItem": ("dynamodb", "UpdateItem"),
    "glue:startJobRun.sync": ("glue", "StartJobRun"),
    "sagemaker:createProcessingJob.sync": ("sagemaker", "CreateProcessingJob"),
    "sagemaker:createTrainingJob.sync": ("sagemaker", "CreateTrainingJob"),
    "sagemaker:createHyperParameterTuningJob.sync": ("sagemaker", "CreateHyperParameterTuningJob"),
    "sagemaker:createModel": ("sagemaker", "CreateModel"),
    "sagemaker:createEndpointConfig": ("sagemaker", "CreateEndpointConfig"),
    "sagemaker:createEndpoint": ("sagemaker", "CreateEndpoint"),
    "sagemaker:updateEndpoint": ("sagemaker", "UpdateEndpoint"),
    "states:startExecution": ("stepfunctions", "StartExecution"),
    "states:startExecution.sync:2": ("stepfunctions", "StartExecution"),
}
SDK = "aws-sdk:"
JOB_NAMES = {"ProcessingJobName": 63, "TrainingJobName": 63, "HyperParameterTuningJobName": 32, "ModelName": 63}
# `.sync` adds its own tag to what the request brings; SageMaker takes 50.
MAX_TAGS = 49
STATES = states(definition())
SESSION = botocore.session.get_session()


def operation(resource: str) -> Any:
    """The service operation that a task's Resource names, from the service's own model."""
    name = resource.removeprefix("arn:aws:states:::")
    if name.startswith(SDK):
        service, verb = name.removeprefix(SDK).split(":")
        service = {"sfn": "stepfunctions"}.get(service, service)
        return SESSION.get_service_model(service).operation_model(verb[0].upper() + verb[1:])
    service, verb = OPTIMISED[name]
    return SESSION.get_service_model(service).operation_model(verb)


def members(resource: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the names that the service's model has: Step Functions takes its own in capitals, as all others."""
    if ":states:startExecution" in resource or ":sfn:" in resource:
        return {name[0].lower() + name[1:]: each for name, each in arguments.items()}
    return dict(arguments)


Facts = frozenset[tuple[str, bool]]
Edge = tuple[str, set[str], Facts]


def edges(state: Mapping[str, Any], facts: Facts = frozenset()) -> Iterator[Edge]:
    """Where a state can go next, which variables it sets on that way, and which conditions then hold or do not.

    A condition that is known to hold, or not, since its variables were set is not decided the other way later on.
    """
    own = set(state.get("Assign", {}))
    if "Next" in state:
        yield state["Next"], own, _still_true(facts, own)
    for each in state.get("Catch", []):
        caught = set(each.get("Assign", {}))
        yield each["Next"], caught, _still_true(facts, caught)
    for each in state.get("Choices", []):
        if (each["Condition"], False) not in facts:
            yield each["Next"], set(each.get("Assign", {})), facts | {(each["Condition"], True)}
        if (each["Condition"], True) in facts:
            return
        facts |= {(each["Condition"], False)}
    if "Default" in state:
        yield state["Default"], own, facts


def _still_true(facts: Facts, assigned: set[str]) -> Facts:
    return frozenset(each for each in facts if not variables(each[0]) & assigned)


def asked_later(states: Mapping[str, Any]) -> dict[str, set[str]]:
    """For each state, the conditions that may be asked from there on before a variable in them is set: by them alone
    the ways through a state differ. A fixed point from below.
    """
    asked = {name: {each["Condition"] for each in state.get("Choices", [])} for name, state in states.items()}
    changed = True
    while changed:
        changed = False
        for name, state in states.items():
            for target, added, _ in edges(state):
                passed_on = {each for each in asked[target] if not variables(each) & added}
                changed = changed or not passed_on <= asked[name]
                asked[name] |= passed_on
    return asked


@functools.cache
def variables(expression: str) -> set[str]:
    """Variables an expression reads: `$name`, but neither `$name(` nor what stands in a string."""
    code = re.sub(r"'[^']*'|\"[^\"]*\"", "''", expression)
    return set(re.findall(r"\$([A-Za-z_]\w*)\b(?!\s*\()", code)) - {"states"}


def read_at(state: Mapping[str, Any]) -> set[str]:
    """Variables that a state itself, not those inside it, reads before its own assignments take effect."""
    own = {name: each for name, each in state.items() if name != "ItemProcessor"}
    return {name for each in expressions(own) for name in variables(each)}


def assigned_on_every_path(states: Mapping[str, Any], start: str) -> dict[str, set[str]]:
    """For each reachable state, the variables that are set whichever way it was reached: a fixed point from above."""
    beginning: tuple[str, Facts] = (start, frozenset())
    known: dict[tuple[str, Facts], set[str]] = {beginning: set()}
    waiting, asked = [beginning], asked_later(states)
    while waiting:
        here = waiting.pop()
        for target, added, facts in edges(states[here[0]], here[1]):
            there = (target, frozenset(each for each in facts if each[0] in asked[target]))
            arriving = known[here] | added
            after = arriving & known.get(there, arriving)
            if after != known.get(there):
                known[there] = after
                waiting.append(there)
    always = {name: set.intersection(*(known[each] for each in known if each[0] == name)) for name, _ in known}
    for name in [each for each in always if states[each]["Type"] == "Map"]:
        # States inside a Map see what was assigned before it; what they assign stays there.
        inside = states[name]["ItemProcessor"]
        within = assigned_on_every_path(inside["States"], inside["StartAt"])
        always |= {each: assigned | always[name] for each, assigned in within.items()}
    return always


def calls() -> list[Call]:
    return [each for scenario in scenarios() for each in walk(definition(), scenario).calls]


def test_every_state_is_reached_and_every_way_leads_to_a_state() -> None:
    reached = assigned_on_every_path(definition()["States"], definition()["StartAt"])
    assert set(reached) == set(STATES)
    for name, state in STATES.items():
        assert state["Type"] in ("Succeed", "Fail") or state.get("End") or list(edges(state)), name


def test_every_variable_is_assigned_on_every_path_before_it_is_read() -> None:
    known = assigned_on_every_path(definition()["States"], definition()["StartAt"])
    unset = {name: missing for name, state in STATES.items() if (missing := read_at(state) - known[name])}
    assert unset == {}


def test_no_state_inside_a_map_assigns_a_variable_of_the_main_flow() -> None:
    """Step Functions refuses it: what is inside may read what is outside, not change it."""

    def assigned(machine: Mapping[str, Any]) -> set[str]:
        places = [
            place
            for state in machine["States"].values()
            for place in (state, *state.get("Catch", []), *state.get("Choices", []))
        ]
        return {name for place in places for name in place.get("Assign", {})}

    inner = definition()["States"]["Train every child"]["ItemProcessor"]
    assert assigned(inner) == {"child_faults"}
    assert not assigned(inner) & assigned(definition())


def test_the_dataflow_check_finds_a_variable_that_one_path_leaves_unset() -> None:
    states = {
        "Start": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Set"}], "Default": "Read"},
        "Set": {"Type": "Pass", "Assign": {"x": 1}, "Next": "Read"},
        "Read": {"Type": "Succeed", "Output": "{% $x & '$y' & $string(1) %}"},
    }
    known = assigned_on_every_path(states, "Start")
    assert read_at(states["Read"]) == {"x"}
    assert known["Read"] == set()
    states["Start"]["Default"] = "Set"
    assert assigned_on_every_path(states, "Start")["Read"] == {"x"}


def test_the_dataflow_check_knows_that_a_condition_stays_decided_until_its_variable_changes() -> None:
    condition = "{% $go %}"
    states = {
        "Start": {"Type": "Pass", "Assign": {"go": True}, "Next": "First"},
        "First": {"Type": "Choice", "Choices": [{"Condition": condition, "Next": "Set"}], "Default": "Between"},
        "Set": {"Type": "Pass", "Assign": {"x": 1}, "Next": "Between"},
        "Between": {"Type": "Pass", "Next": "Second"},
        "Second": {"Type": "Choice", "Choices": [{"Condition": condition, "Next": "Read"}], "Default": "End"},
        "Read": {"Type": "Succeed", "Output": "{% $x %}"},
        "End": {"Type": "Succeed"},
    }
    assert "x" in assigned_on_every_path(states, "Start")["Read"]
    states["Between"]["Assign"] = {"go": True}
    assert "x" not in assigned_on_every_path(states, "Start")["Read"]


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Task"])
def test_tasks_name_operations_and_arguments_that_exist(name: str) -> None:
    shape = operation(STATES[name]["Resource"]).input_shape
    given = members(STATES[name]["Resource"], STATES[name]["Arguments"])
    unknown = set(given) - set(shape.members)
    missing = set(shape.required_members) - set(given)
    assert (unknown, missing) == (set(), set())


def test_every_request_is_one_that_the_service_accepts() -> None:
    """Types, required members and lower bounds of every nested structure, by the service's model."""
    for call in calls():
        arguments = dict(call.arguments)
        if "Payload" in arguments:
            arguments["Payload"] = json.dumps(arguments["Payload"]).encode()
        if "Input" in arguments:
            arguments["Input"] = json.dumps(arguments["Input"])
        given = members(call.resource, arguments)
        report = ParamValidator().validate(given, operation(call.resource).input_shape)
        assert not report.has_errors(), f"{call.state}: {report.generate_report()}"
        assert len(arguments.get("Tags", [])) <= MAX_TAGS


def test_names_of_jobs_are_valid_and_never_the_same_twice() -> None:
    """A second attempt, a redrive and another comparison need another name, and no two executions share one."""
    names: list[str] = []
    for call in calls():
        # DescribeTrainingJob names a job as well, but mints nothing.
        if ":describe" not in call.resource:
            for key in JOB_NAMES.keys() & call.arguments.keys():
                name = call.arguments[key]
                assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", name)
                assert len(name) <= JOB_NAMES[key]
                names.append(name)
    assert len(set(names)) == len(names) > 10


@pytest.mark.parametrize(
    "change",
    [{"retries": {"Train model": 1}}, {"redrive": 1}, {"redrive": 2}, {"execution": "b"}],
)
def test_the_name_changes_with_retry_redrive_and_execution(change: dict[str, Any]) -> None:
    scenario = scenarios()[0]
    changed = json.loads(json.dumps(scenario))
    changed["retries"] = change.get("retries", {})
    if "redrive" in change:
        changed["context"]["Execution"]["RedriveCount"] = change["redrive"]
    if "execution" in change:
        changed["context"]["Execution"]["Id"] += change["execution"]
    minted = [
        next(each.arguments["TrainingJobName"] for each in walk(definition(), way).calls if each.state == "Train model")
        for way in (scenario, changed)
    ]
    assert minted[0] != minted[1]


def test_no_expression_is_longer_than_200_characters() -> None:
    """What needs more is assigned first, in the state before: people read these on one line."""
    written = [each for state in states(complete()).values() for each in expressions(state)]
    assert [each for each in written if len(f"{{% {each} %}}") > 200] == []


def test_every_task_retries_what_is_worth_it_with_backoff_and_jitter() -> None:
    for name, state in STATES.items():
        if state["Type"] == "Task":
            assert state["Retry"], name
            for each in state["Retry"]:
                assert not any(error.startswith("States.") for error in each["ErrorEquals"])
                assert each["JitterStrategy"] == "FULL"
                assert each["BackoffRate"] >= 2


def test_failed_jobs_are_never_caught_so_that_a_redrive_starts_there() -> None:
    """But for children of a fan-out, redriven by themselves, endpoints, which are rolled back, groups that exist,
    stages that are computed where they cannot be found, and a record of the run elsewhere.

    The catchers that retry by the cause raise what they do not retry: tests/faults/test_workflow.py runs into them.
    """
    caught = {
        (name, error)
        for name, state in STATES.items()
        for each in state.get("Catch", [])
        for error in each["ErrorEquals"]
        if "$error(" not in each.get("Output", "")
    }
    assert caught == {
        ("Move champion pointer", "DynamoDB.ConditionalCheckFailedException"),
        ("Note package of champion", "DynamoDB.ConditionalCheckFailedException"),
        ("Put approved model into use", "DynamoDB.ConditionalCheckFailedException"),
        ("Put earlier model into use", "DynamoDB.ConditionalCheckFailedException"),
        ("Add scores to catalogue", "Glue.AlreadyExistsException"),
        ("Find finished stages", "States.ALL"),
        ("Record ingested data", "States.ALL"),
        ("Record prepared data", "States.ALL"),
        ("Record training examples", "States.ALL"),
        ("Log run elsewhere", "States.ALL"),
        ("Start retraining", "StepFunctions.ExecutionAlreadyExistsException"),
        ("Train child", "StepFunctions.ExecutionAlreadyExistsException"),
        ("Train child", "States.ALL"),
        ("Redrive child", "Sfn.ExecutionNotRedrivableException"),
        ("Create group", "SageMaker.SageMakerException"),
        ("Find endpoint", "SageMaker.SageMakerException"),
        ("Create endpoint", "SageMaker.AmazonSageMakerException"),
        ("Create endpoint", "SageMaker.ResourceLimitExceededException"),
        ("Update endpoint", "SageMaker.AmazonSageMakerException"),
        ("Update endpoint", "SageMaker.ResourceLimitExceededException"),
        ("Roll out step by step", "SageMaker.SageMakerException"),
        ("Roll out step by step", "SageMaker.ResourceLimitExceededException"),
        ("Smoke test", "States.ALL"),
    }


def test_states_of_this_machine_carry_plain_names() -> None:
    for name in STATES:
        assert re.fullmatch(r"[A-Z][a-z]+( [a-z]+)*\??", name), name
