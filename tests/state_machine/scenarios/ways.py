"""A way through the machine: what starts it, what its tasks are answered, which states it visits, how it ends."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.state_machine.scenarios.answers import REGION, Answer, result

Scenario = dict[str, Any]
Scenarios = dict[str, Scenario]
Answers = dict[str, list[Answer]]
MACHINE = f"arn:aws:states:{REGION}:stateMachine:trainyard-dev-training"
EXECUTION = f"arn:aws:states:{REGION}:execution:trainyard-dev-training:"
# How an execution ends in each of the machine's last states: with an outcome, or with an error's name.
OUTCOMES = {
    "Nothing to do": "nothing",
    "No children": "nothing",
    "Children finished": "children",
    "Data scored": "scored",
    "Predictions verified": "verified",
    "Requests checked": "checked",
    "Model registered": "registered",
    "Waiting for approval": "waiting",
    "Earlier model in use": "reverted",
    "Model refused": "refused",
    "Model deployed": "deployed",
    "Newer model registered": "superseded",
}
ERRORS = {
    "Bad request": "BadRequest",
    "Bad data": "BadData",
    "Children failed": "ChildrenFailed",
    "No model": "NoModel",
    "Deployment rolled back": "DeploymentRolledBack",
}
START = ["Resolve request", "Is there work to do?"]
IN_USE = [*START, "Find model in use", "Is there a model?"]
NOTIFY = ["Notify", "Score too?"]


def way(execution: str, start: Any, answers: Answers, path: list[str], **more: Any) -> Scenario:
    """An execution by name, what starts it, answers to its tasks (one is kept for each visit), and its states in order.

    `cause` belongs to a failure; `redrives` is what the context holds in a redrive only; `retries` counts by state.
    """
    context = {
        "Id": f"{EXECUTION}{execution}",
        "Name": execution,
        "RoleArn": "arn:aws:iam::111122223333:role/machine",
        "Input": start,
        "StartTime": more.pop("started", "2026-11-21T02:48:33.412Z"),
        **more.pop("redrives", {}),
    }
    visits, last = Counter(path), path[-1]
    return {
        "input": start,
        "context": {"Execution": context, "StateMachine": {"Id": MACHINE, "Name": "trainyard-dev-training"}},
        "results": {state: each[: visits[state]] for state, each in answers.items() if visits[state]},
        "path": path,
        **({"outcome": OUTCOMES[last]} if last in OUTCOMES else {"error": ERRORS[last]}),
        **more,
    }


def self_described(execution: str) -> Answer:
    """What DescribeExecution says of an execution itself, which an alias started."""
    version = {"StateMachineVersionArn": f"{MACHINE}:7", "StateMachineAliasArn": f"{MACHINE}:live"}
    known = {"ExecutionArn": f"{EXECUTION}{execution}", "Name": execution, "StateMachineArn": MACHINE, **version}
    return result(Status="RUNNING", StartDate="2026-11-21T03:00:00Z", **known)


def upload(sequence: int, key: str = "prod2vec/demo/products.csv") -> dict[str, Any]:
    """S3's event; `sequence` orders the uploads of one key."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-21T02:48:31Z",
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::trainyard-dev-raw"],
        "detail": {
            "version": "0",
            "bucket": {"name": "trainyard-dev-raw"},
            "object": {
                "key": f"raw/{key}",
                "size": 5242880,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
                "sequencer": f"0062E99A88DC4074{sequence}",
            },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "111122223333",
            "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }
