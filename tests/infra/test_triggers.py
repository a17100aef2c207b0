"""What starts the machine and what its bad ends call, with the events that AWS really sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.templates import Deployment
from tests.state_machine.scenarios import scenarios
from tests.state_machine.scenarios.approving import event as decided_on

FAILED = {
    "version": "0",
    "id": "315c1398-40ff-a850-213b-158f73e60175",
    "detail-type": "Step Functions Execution Status Change",
    "source": "aws.states",
    "account": "111122223333",
    "time": "2026-11-21T02:58:31Z",
    "region": "us-east-1",
    "resources": ["arn:aws:states:us-east-1:111122223333:execution:trainyard-dev-training:a"],
    "detail": {
        "executionArn": "arn:aws:states:us-east-1:111122223333:execution:trainyard-dev-training:a",
        "stateMachineArn": "arn:aws:states:us-east-1:111122223333:stateMachine:trainyard-dev-training",
        "name": "a",
        "status": "FAILED",
        "startDate": 1795229313000,
        "stopDate": 1795229911000,
        "input": "{}",
        "output": None,
    },
}


def matches(pattern: Any, event: Any) -> bool:
    """EventBridge's matching, as far as the rules here use it: listed values, prefixes, nested fields."""
    if isinstance(pattern, Mapping):
        return all(
            isinstance(event, Mapping) and key in event and matches(each, event[key]) for key, each in pattern.items()
        )
    return any(event.startswith(each["prefix"]) if isinstance(each, Mapping) else event == each for each in pattern)


def rule(deployment: Deployment, name: str) -> dict[str, Any]:
    [found] = [each for key, each in deployment.workflow.resources("AWS::Events::Rule").items() if name in key]
    return found


def uploaded(deployment: Deployment, key: str) -> dict[str, Any]:
    event = scenarios()[0]["input"]
    detail = event["detail"] | {
        "bucket": {"name": deployment.bucket("Raw")},
        "object": event["detail"]["object"] | {"key": key},
    }
    return event | {"detail": detail}


def test_an_upload_starts_the_machine_and_anything_else_does_not(deployment: Deployment) -> None:
    found = rule(deployment, "Upload")
    pattern, event = found["EventPattern"], uploaded(deployment, "raw/prod2vec/winter sale ü/products.csv")
    assert matches(pattern, event)
    assert not matches(pattern, uploaded(deployment, "other/prod2vec/demo/products.csv"))
    assert not matches(pattern, event | {"detail-type": "Object Deleted"})
    elsewhere = event["detail"] | {"bucket": {"name": deployment.bucket("Artifacts")}}
    assert not matches(pattern, event | {"detail": elsewhere})
    [target] = found["Targets"]
    assert target["Arn"].endswith(f":stateMachine:trainyard-{deployment.environment}-training:live")
    assert "Input" not in target, "the machine's input is the event itself"


@pytest.mark.parametrize("approval", ["Approved", "Rejected", "PendingManualApproval"])
def test_a_decision_on_a_version_starts_the_machine_where_it_is_one(deployment: Deployment, approval: str) -> None:
    """Where nobody has to approve, versions are made approved: only a rejection is a decision there."""
    found = rule(deployment, "Decision")
    group = f"trainyard-{deployment.environment}-prod2vec"
    event = decided_on(approval)
    event["detail"] |= {"ModelPackageGroupName": group}
    decides = approval == "Rejected" or (approval == "Approved" and deployment.environment == "prod")
    assert matches(found["EventPattern"], event) is decides
    assert not matches(found["EventPattern"], event | {"detail": event["detail"] | {"ModelPackageGroupName": "other"}})
    [target] = found["Targets"]
    assert target["Arn"].endswith(f":stateMachine:trainyard-{deployment.environment}-training:live")
    assert target["DeadLetterConfig"]
    assert "Input" not in target, "the machine's input is the event itself"


@pytest.mark.parametrize(("environment", "asked"), [("dev", "none"), ("prod", "required")])
def test_resolve_knows_whether_somebody_has_to_approve(
    request: pytest.FixtureRequest, environment: str, asked: str
) -> None:
    functions = request.getfixturevalue(environment).workflow.resources("AWS::Lambda::Function")
    [variables] = [each["Environment"]["Variables"] for name, each in functions.items() if "Resolve" in name]
    assert variables["APPROVAL"] == asked


@pytest.mark.parametrize(
    ("status", "explained"),
    [("FAILED", True), ("TIMED_OUT", True), ("ABORTED", True), ("SUCCEEDED", False), ("RUNNING", False)],
)
def test_a_bad_end_is_explained(dev: Deployment, status: str, explained: bool) -> None:
    found = rule(dev, "Failure")
    event = FAILED | {"detail": FAILED["detail"] | {"status": status}}
    assert matches(found["EventPattern"], event) is explained
    [target] = found["Targets"]
    assert target["Arn"].endswith("function:trainyard-dev-explain-failure")


def test_other_machines_failures_are_none_of_its_business(prod: Deployment) -> None:
    assert not matches(rule(prod, "Failure")["EventPattern"], FAILED)


def test_events_that_reach_nobody_are_kept_and_watched(deployment: Deployment) -> None:
    [queue] = deployment.workflow.resources("AWS::SQS::Queue")
    arn = deployment.workflow.arn(queue)
    for name in ("Upload", "Failure"):
        [target] = rule(deployment, name)["Targets"]
        assert target["DeadLetterConfig"]["Arn"] == arn
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
    statements = deployment.workflow.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    allowed = {each["Condition"]["ArnEquals"]["aws:SourceArn"] for each in statements if each["Effect"] == "Allow"}
    assert allowed == {deployment.workflow.arn(each) for each in deployment.workflow.resources("AWS::Events::Rule")}
    functions = deployment.workflow.resources("AWS::Lambda::Function")
    [explain] = [each for name, each in functions.items() if "ExplainFailure" in name]
    assert explain["DeadLetterConfig"]["TargetArn"] == arn
    assert deployment.role("FunctionsExplainFailureRole").may("sqs:SendMessage", arn)
    watched = [
        dimension["Value"]
        for each in deployment.workflow.resources("AWS::CloudWatch::Alarm").values()
        for dimension in each.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    ]
    assert len(watched) == 1


def test_eventbridge_and_its_scheduler_may_start_this_machine_and_no_other(deployment: Deployment) -> None:
    roles = deployment.role("TriggersSchedulesRole"), deployment.role("TriggersUploadRole")
    statements = [each for role in roles for each in role.statements()]
    starting = [each for each in statements if each["Action"] == "states:StartExecution"]
    assert len(starting) == 2
    for each in starting:
        assert each["Resource"].endswith(f":stateMachine:trainyard-{deployment.environment}-training")
    [queue] = deployment.workflow.resources("AWS::SQS::Queue")
    [other] = [each for each in statements if each not in starting]
    assert (other["Action"], other["Resource"]) == ("sqs:SendMessage", deployment.workflow.arn(queue))
