"""The complete definition: the steps, and for every task the retry policy of its kind."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest

from state_machines.definition import RETRIES, STEPS, assemble, definition
from tests.state_machine.walk import states

ONCE = [{"ErrorEquals": ["Once"]}]
TWICE = [{"ErrorEquals": ["Twice"]}]


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": {}, "End": True, **more}


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def without_retries(node: Any) -> Any:
    """The steps again: no retries, no catchers that retry by the cause, no pauses before they do."""
    if isinstance(node, list):
        return [without_retries(each) for each in node if each not in generated(node)]
    if not isinstance(node, dict):
        return node
    kept = {key: each for key, each in node.items() if key != "Retry" and not key.startswith("Wait to ")}
    if "Catch" in kept and kept["Catch"] == generated(kept["Catch"]):
        del kept["Catch"]
    return {key: without_retries(each) for key, each in kept.items()}


def generated(catchers: list[Any]) -> list[Any]:
    return [each for each in catchers if isinstance(each, dict) and str(each.get("Next")).startswith("Wait to ")]


def test_the_complete_definition_is_the_steps_with_retries_and_nothing_else() -> None:
    assert without_retries(definition()) == json.loads(STEPS.read_text(encoding="utf-8"))
    for each in states(definition()).values():
        assert ("Retry" in each) is (each["Type"] == "Task")


def test_a_state_is_still_read_from_top_to_bottom() -> None:
    for each in states(definition()).values():
        if each["Type"] == "Task":
            names = list(each)
            assert names.index("Retry") == names.index("Arguments") + 1


def test_the_most_specific_policy_counts() -> None:
    given = machine(A=task("s:a"), B=task("s:b.sync"), C=task("s:bc"))
    policies = {"s:*": {"Retry": ONCE}, "s:b*": {"Retry": TWICE}, "s:b.sync": {"Retry": ONCE, "Comment": "why"}}
    complete = assemble(given, {"Comment": "a table", **policies})["States"]
    assert [complete[name]["Retry"] for name in "ABC"] == [ONCE, ONCE, TWICE]


def test_a_task_inside_a_map_has_its_policy_too() -> None:
    given = machine(Each={"Type": "Map", "ItemProcessor": machine(A=task("s:a")), "End": True})
    complete = assemble(given, {"s:a": {"Retry": ONCE}})
    assert complete["States"]["Each"]["ItemProcessor"]["States"]["A"]["Retry"] == ONCE


def test_a_task_without_a_policy_is_named() -> None:
    with pytest.raises(ValueError, match=r"for 'A', found none for s:a: add one"):
        assemble(machine(A=task("s:a")), {"s": {"Retry": ONCE}, "s:b*": {"Retry": ONCE}})


def test_a_policy_that_no_task_uses_is_named() -> None:
    with pytest.raises(ValueError, match=r"found none for s:\*, t:b: correct the name, or remove the policy"):
        assemble(machine(A=task("s:a")), {each: {"Retry": ONCE} for each in ("s:*", "s:a", "t:b")})


def test_a_task_with_retries_of_its_own_is_named() -> None:
    """Two homes for one thing would let them drift apart."""
    with pytest.raises(ValueError, match=r"retries of 'A' in retries\.json"):
        assemble(machine(A=task("s:a", Retry=ONCE)), {"s:a": {"Retry": ONCE}})


def test_every_policy_says_why() -> None:
    table = json.loads(RETRIES.read_text(encoding="utf-8"))
    for kind, policy in table.items():
        assert kind == "Comment" or {"Comment", "Retry"} <= set(policy) <= {"Comment", "Retry", "RetryOnCause"}


SERVICES = {
    "Lambda": "lambda",
    "SNS": "sns",
    "DynamoDB": "dynamodb",
    "S3": "s3",
    "CloudWatch": "cloudwatch",
    "Glue": "glue",
    "SageMaker": "sagemaker",
    "StepFunctions": "stepfunctions",
    "Sfn": "stepfunctions",
}
# What a client calls every error that a service's model does not name, and the machine's own names.
UNNAMED = {
    *("SageMaker.SageMakerException", "SageMaker.AmazonSageMakerException", "S3.S3Exception", "Sfn.SfnException"),
    "CloudWatch.CloudWatchException",
    *("States.ALL", "States.TaskFailed"),
}
# Names that Step Functions' own clients give, which no service's model has; AWS's guide lists those of Lambda.
OF_CLIENTS = {"SdkClientException", "Lambda.AWSLambdaException", "Lambda.ClientExecutionTimeoutException"}


def test_every_error_name_is_one_that_the_service_has() -> None:
    """A misspelt name, or one that a service never gives, is a retry that never happens."""
    session = botocore.session.get_session()
    named = {
        error
        for state in states(definition()).values()
        for each in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in each["ErrorEquals"]
    }
    assert len(named) > 20
    for error in named - UNNAMED:
        prefix, name = error.split(".")
        model = session.get_service_model(SERVICES[prefix])
        shapes = {name, name.removesuffix("Exception")} & set(model.shape_names)
        known = any(model.shape_for(each).metadata.get("exception") for each in shapes)
        assert known or {name, error} & OF_CLIENTS, f"{error}: {SERVICES[prefix]} gives no such error"


def test_no_task_retries_by_a_name_that_refused_calls_have_too() -> None:
    """Access denied and bad arguments have these names in AWS; only Lambda's guide says to retry its own."""
    for name, state in states(definition()).items():
        for each in state.get("Retry", []):
            for error in each["ErrorEquals"]:
                prefix, kind = error.split(".")
                assert kind not in {f"{prefix}Exception", f"AWS{prefix}Exception", f"Amazon{prefix}Exception"} or (
                    prefix == "Lambda"
                ), f"{name}: {error}"


def test_a_retry_by_the_cause_is_a_catcher_and_a_pause_before_the_task() -> None:
    own = {"ErrorEquals": ["Mine"], "Next": "B"}
    policy = {
        "ErrorEquals": ["S.Exception"],
        "Cause": "no room",
        "IntervalSeconds": 30,
        "MaxAttempts": 8,
        "MaxDelaySeconds": 900,
    }
    given = machine(**{"Do a thing": task("s:a", Catch=[own]), "B": {"Type": "Succeed"}})
    complete = assemble(given, {"s:a": {"Retry": ONCE, "RetryOnCause": policy}})["States"]
    assert list(complete) == ["Do a thing", "Wait to do a thing again", "B"]
    first, second = complete["Do a thing"]["Catch"]
    assert first == own
    assert (second["ErrorEquals"], second["Next"]) == (["S.Exception"], "Wait to do a thing again")
    assert complete["Wait to do a thing again"]["Next"] == "Do a thing"


@pytest.mark.parametrize("kind", ["Branches", "Iterator"])
def test_a_task_in_a_branch_or_an_iterator_has_its_policy_too(kind: str) -> None:
    inner = machine(A=task("s:a"))
    given = machine(Both={"Type": "Parallel", kind: [inner, inner] if kind == "Branches" else inner, "End": True})
    completed = assemble(given, {"s:a": {"Retry": ONCE}})["States"]["Both"][kind]
    for each in completed if isinstance(completed, list) else [completed]:
        assert each["States"]["A"]["Retry"] == ONCE
