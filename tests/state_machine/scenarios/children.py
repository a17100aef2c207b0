"""One execution per product: starts that fan out, and what becomes of the children."""

from __future__ import annotations

import json
from typing import Any

from tests.state_machine.scenarios.answers import (
    PUBLISHED,
    Answer,
    error,
    function,
    glue_run,
    result,
    s3_object,
)
from tests.state_machine.scenarios.ways import (
    EXECUTION,
    MACHINE,
    START,
    Answers,
    Scenario,
    Scenarios,
    self_described,
    way,
)

CHILDREN = "20261121-030000-0a1b2c3d"
LIST = [*START, "List children", "Read list of children", "Are there children?"]
EVERY = ["Find version of machine", "Train every child"]
CHILD = ["Train child", "Sum up child"]
FIND_CHILD = ["Find child", "How far is child?"]
WAIT_FOR_CHILD = ["Wait for child", *FIND_CHILD]
TELL = ["Report on children", "Did every child succeed?"]
MEMORY = "AlgorithmError: out of memory"
OUT_OF_MEMORY = json.dumps({"TrainingJobName": "train-1", "TrainingJobStatus": "Failed", "FailureReason": MEMORY})


def fan_out_plan() -> Answer:
    """Resolve's plan of a run that trains one model per product, each in an execution of its own."""
    reason = "Recipe propensity trains several models from data set database, each in its own execution."
    prefix = f"propensity/{CHILDREN}"
    where = {"uri": f"s3://trainyard-dev-artifacts/{prefix}", "prefix": prefix}
    known = {"recipe": "propensity", "dataset": "database", "run_id": CHILDREN}
    limit = {"most_children": 5, "children_rule": "5 train at a time, each for up to 118,800 s."}
    return function(outcome="fan_out", reason=reason, **known, **where, **limit)


def child_name(product: int) -> str:
    return f"{CHILDREN}-product-{product}"


def child_arn(product: int) -> str:
    return f"{EXECUTION}{child_name(product)}"


def child_output(outcome: str, summary: str) -> dict[str, Any]:
    run = "20261121-030100-11223344"
    uri = f"s3://trainyard-dev-artifacts/propensity/{run}"
    decision = {"promote": outcome == "registered", "summary": summary}
    known = {"outcome": outcome, "recipe": "propensity", "dataset": "database"}
    return known | {"run_id": run, "uri": uri, "decision": decision}


def child_finished(product: int, output: dict[str, Any]) -> Answer:
    """A child that was waited for."""
    return result(
        ExecutionArn=child_arn(product),
        Input="{}",
        InputDetails={"Included": True},
        Name=child_name(product),
        Output=output,
        OutputDetails={"Included": True},
        StartDate=1795229400000,
        StateMachineArn=MACHINE,
        Status="SUCCEEDED",
        StopDate=1795229900000,
    )


def child_failed(product: int, status: str = "FAILED", **why: str) -> Answer:
    """A child that was waited for and failed: the parent gets its description as text."""
    described = {
        "ExecutionArn": child_arn(product),
        "Input": "{}",
        "Name": child_name(product),
        "StartDate": 1795229400000,
        "StateMachineArn": MACHINE,
        "Status": status,
        "StopDate": 1795229900000,
    }
    return error("States.TaskFailed", json.dumps(described | why))


def child_exists(product: int) -> Answer:
    detail = "(Service: AWSStepFunctions; Status Code: 400; Error Code: ExecutionAlreadyExists)"
    cause = f"Execution Already Exists: '{child_arn(product)}' {detail}"
    return error("StepFunctions.ExecutionAlreadyExistsException", cause)


def child_found(product: int, status: str, **more: str) -> Answer:
    """What DescribeExecution says of a child."""
    return result(
        ExecutionArn=child_arn(product),
        Name=child_name(product),
        StateMachineArn=MACHINE,
        Status=status,
        StartDate="2026-11-21T03:00:10Z",
        **more,
    )


def fan_out(execution: str, products: list[int], answers: Answers, path: list[str], **more: Any) -> Scenario:
    """A start of one execution for each product."""
    data = {"source": "database", "product_id": 0}
    children = [{"name": f"product-{each}", "overrides": {"data": data | {"product_id": each}}} for each in products]
    told = {
        "Resolve request": [fan_out_plan()],
        "List children": [glue_run("ingest")],
        "Read list of children": [s3_object({"children": children})],
        "Find version of machine": [self_described(execution)],
        "Report on children": [PUBLISHED],
    }
    start = {"recipe": "propensity", "dataset": "database", "overrides": {"data": data}}
    return way(execution, start, told | answers, [*LIST, *path], started="2026-11-21T03:00:00.000Z", **more)


def fan_outs() -> Scenarios:
    good = child_output("registered", "auc 0.81 [0.79, 0.83], no champion yet")
    poor = child_output("refused", "auc 0.60 [0.57, 0.63], below 0.65")
    nothing = {"outcome": "nothing", "reason": "waiting for visits.csv", "recipe": "propensity", "dataset": "database"}
    denied = "User is not authorized to perform: states:StartExecution"
    return {
        "a schedule starts one child per product and all succeed": fan_out(
            "every-two-weeks",
            [7, 8],
            {"Train child": [child_finished(7, good), child_finished(8, poor)]},
            [*EVERY, *CHILD, *CHILD, *TELL, "Children finished"],
        ),
        "one child alone is a list too, and one that finds nothing to do is no failure": fan_out(
            "single",
            [7],
            {"Train child": [child_finished(7, nothing)]},
            [*EVERY, *CHILD, *TELL, "Children finished"],
        ),
        "a machine that may not start itself says so for each child": fan_out(
            "denied",
            [7],
            {"Train child": [error("StepFunctions.AWSStepFunctionsException", denied)]},
            [*EVERY, *CHILD, *TELL, "Children failed"],
            cause=f"product-7: {denied}",
        ),
        "more children than can end in time are refused before the first": fan_out(
            "too-many",
            [7, 8, 9, 10, 11, 12],
            {"Report bad request": [PUBLISHED]},
            ["Report bad request", "Bad request"],
            cause="Expected at most 5 children, found 6: 5 train at a time, each for up to 118,800 s.",
        ),
        "a database without an active product ends green": fan_out("none-active", [], {}, ["No children"]),
        "a failing child stops no other and all reasons are told": failing_children(good),
        "a redriven fan-out finds its children, redrives those that ended badly, and starts none twice": (
            redriven_children(good, poor)
        ),
    }


def failing_children(good: dict[str, Any]) -> Scenario:
    sales = "sales: expected sales of product 9, found none; choose another product."
    database = "JobFailed: Expected the database that the secret names to answer; found OperationalError 2003."
    ingest = {"Id": "jr_1", "JobName": "trainyard-dev-ingest", "JobRunState": "FAILED", "ErrorMessage": database}
    answers = [
        child_finished(7, good),
        child_failed(8, Error="BadData", Cause=sales),
        child_failed(9, Error="States.TaskFailed", Cause=json.dumps(ingest)),
        child_failed(10, Error="States.TaskFailed", Cause=OUT_OF_MEMORY),
        child_failed(11, "ABORTED"),
    ]
    return fan_out(
        "some-fail",
        [7, 8, 9, 10, 11],
        {"Train child": answers},
        [*EVERY, *CHILD * 5, *TELL, "Children failed"],
        cause=f"product-8: {sales}\nproduct-9: {database}\nproduct-10: {MEMORY}\nproduct-11: ABORTED",
    )


def redriven_children(good: dict[str, Any], poor: dict[str, Any]) -> Scenario:
    """7 is done; 8 still runs; 9 was stopped, goes on and fails; 10 is too old to go on; 11 was never started."""
    sales = "sales: expected sales of product 10, found none; choose another product."
    answers = {
        "Train child": [*[child_exists(each) for each in (7, 8, 9, 10)], child_finished(11, good)],
        "Find child": [
            error("Sfn.SfnException", "Rate exceeded (Service: Sfn, Status Code: 400, Request ID: 3f2e)"),
            child_found(7, "SUCCEEDED", Output=json.dumps(good)),
            child_found(8, "RUNNING"),
            child_found(8, "SUCCEEDED", Output=json.dumps(poor)),
            child_found(9, "ABORTED", Cause="The parent execution was stopped."),
            child_found(9, "RUNNING"),
            child_found(9, "FAILED", Error="States.TaskFailed", Cause=OUT_OF_MEMORY),
            child_found(10, "FAILED", Error="BadData", Cause=sales),
        ],
        "Redrive child": [
            result(RedriveDate="2026-11-21T05:00:01Z"),
            error("Sfn.ExecutionNotRedrivableException", "The execution is older than 14 days."),
        ],
    }
    path = [
        *["Train child", "Find child", "Wait to find child again", *FIND_CHILD, "Sum up child"],
        *["Train child", *FIND_CHILD, *WAIT_FOR_CHILD, "Sum up child"],
        *["Train child", *FIND_CHILD, "Redrive child", *WAIT_FOR_CHILD, *WAIT_FOR_CHILD, "Sum up child"],
        *["Train child", *FIND_CHILD, "Redrive child", "Sum up child"],
        *CHILD,
    ]
    return fan_out(
        "stopped",
        [7, 8, 9, 10, 11],
        answers,
        [*EVERY, *path, *TELL, "Children failed"],
        cause=f"product-9: {MEMORY}\nproduct-10: {sales}",
        redrives={"RedriveCount": 1, "RedriveTime": "2026-11-21T05:00:00.000Z"},
    )
