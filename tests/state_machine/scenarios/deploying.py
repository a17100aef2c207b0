"""Deployments: of a model that was just trained, and of the one in use."""

from __future__ import annotations

import json
from typing import Any

from tests.state_machine.scenarios.answers import (
    NONE,
    PUBLISHED,
    REGION,
    SDK_OK,
    Answer,
    champion,
    error,
    function,
    image,
    model,
    plan,
    result,
)
from tests.state_machine.scenarios.training import PROMOTE, PROMOTE_AND_RECORD, trained
from tests.state_machine.scenarios.ways import IN_USE, NOTIFY, Answers, Scenario, Scenarios, upload, way

ENDPOINT = "trainyard-dev-prod2vec"
OLD, NEW = f"{ENDPOINT}-9f8e7d6c", f"{ENDPOINT}-0a1b2c3d"
ENDPOINT_ARN = f"arn:aws:sagemaker:{REGION}:endpoint/{ENDPOINT}"
LOOK = ["Find endpoint", "Endpoint ready?"]
WAIT = ["Wait for endpoint", *LOOK]
AIM = ["Aim at configuration", *LOOK]
CONFIGURE = ["Create endpoint configuration", *AIM]
CHALLENGE = ["Create model of challenger", "Create configuration with shadow", *AIM]
CREATE = ["Find newest model", "Newer model?", "Create endpoint", *WAIT]
UPDATE = ["Find newest model", "Newer model?", "Step by step?", "Update endpoint", *WAIT]
OVERTAKEN = ["Find newest model", "Newer model?", "Report newer model", "Was it only deployed?"]
SMOKE_TEST = ["Smoke test", "Smoke test passed?"]
IN_SERVICE = [*SMOKE_TEST, "Label endpoint", "Was it only deployed?"]
UNDO = ["Roll back endpoint", *LOOK]
ROLLED_BACK = ["Report failed deployment", "Deployment rolled back"]
REQUEST = "Request ID: 5d2c1b0a-4e3f-4a2b-9c1d-0e1f2a3b4c5d"
LOST = f"(Service: SageMaker, Status Code: 400, {REQUEST})"
INVALID = f"(Service: AmazonSageMaker; Status Code: 400; Error Code: ValidationException; {REQUEST}; Proxy: null)"
THROTTLED = f"Rate exceeded {INVALID.replace('ValidationException', 'ThrottlingException')}"
BUSY = f"Rate exceeded {LOST}"
MISSING = error("SageMaker.SageMakerException", f'Could not find endpoint "{ENDPOINT_ARN}". {LOST}')
OLD_IN_SERVICE = f"Endpoint {ENDPOINT} is InService with configuration {OLD}"
GONE = f"There is no endpoint {ENDPOINT} now."
NEWER = result(Item={"id": {"S": "champion/prod2vec"}, "run_id": {"S": "20261121-030000-0badcafe"}})
QUOTA = (
    "The account-level service limit 'Maximum total concurrency that can be allocated across all serverless endpoints' "
    "is 10 Units (Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceLimitExceeded)"
)


CHALLENGER = {
    "run_id": "20261121-010203-9a9b9c9d",
    "data": "s3://trainyard-dev-artifacts/prod2vec/20261121-010203-9a9b9c9d/train/j/output/model.tar.gz",
    "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:challenger",
    "share": 0.5,
    "variables": {"TRAINYARD_CAPTURE": "{}"},
    "sentence": "In its shadow: version 8.",
}
NO_SHADOW = "The shadow container for production variant shadow did not pass the ping health check."


def endpoint(status: str, configuration: str, reason: str = "") -> Answer:
    return result(
        CreationTime=1795229000000,
        EndpointArn=ENDPOINT_ARN,
        EndpointConfigName=configuration,
        EndpointName=ENDPOINT,
        EndpointStatus=status,
        LastModifiedTime=1795229300000,
        ProductionVariants=[
            {"VariantName": "model", "CurrentServerlessConfig": {"MaxConcurrency": 5, "MemorySizeInMB": 2048}}
        ],
        **({"FailureReason": reason} if reason else {}),
    )


def smoke_test(*problems: str) -> Answer:
    return function(passed=not problems, problems=list(problems), requests=3, slowest_ms=41.5)


def deployed(run: str, *looks: Answer) -> Answers:
    """Answers to a deployment of a run's model; `looks` is what the endpoint is, each time that it is looked at."""
    configuration = f"arn:aws:sagemaker:{REGION}:endpoint-config/{NEW}"
    changed = result(EndpointArn=ENDPOINT_ARN, **SDK_OK)
    newest = result(Item={"id": {"S": "champion/prod2vec"}, "run_id": {"S": run}})
    return {
        "Create endpoint configuration": [result(EndpointConfigArn=configuration, **SDK_OK)],
        "Create configuration with shadow": [result(EndpointConfigArn=configuration, **SDK_OK)],
        "Find endpoint": list(looks),
        "Find newest model": [newest],
        "Create endpoint": [changed],
        "Update endpoint": [changed, changed],
        "Delete endpoint": [result(), result()],
        "Smoke test": [smoke_test()],
        "Label endpoint": [result()],
        **{f"Report {each}": [PUBLISHED] for each in ("newer model", "deployment", "failed deployment")},
    }


def first_endpoint() -> Scenario:
    run = "20261121-024833-1a2b3cd1"
    answers = trained(run, version=1, deploy={"type": "instances", "instance_count": 2}) | {"Find champion": [NONE]}
    return way(
        "9c1f7a52-6c1e-4b9e-9d0c-4a7b9d3f2a10_d1",
        upload(60),
        answers | deployed(run, MISSING, endpoint("Creating", NEW), endpoint("InService", NEW)),
        [*PROMOTE, *CONFIGURE, *CREATE, *WAIT, *IN_SERVICE, *NOTIFY, "Model registered"],
    )


def takeover(number: int, looks: list[Answer], path: list[str], **more: Any) -> Scenario:
    """A better model that is to be put into service in place of the old one; `instead` are answers of its own."""
    run = f"20261121-070000-333344d{number}"
    answers = trained(run, register=True, deploy={}) | deployed(run, *looks) | more.pop("instead", {})
    name = more.pop("execution", f"takeover-{number}")
    return way(name, upload(66), answers, [*PROMOTE_AND_RECORD, *CONFIGURE, *path], **more)


def takeovers() -> Scenarios:
    old, busy, new = endpoint("InService", OLD), endpoint("Updating", OLD), endpoint("InService", NEW)
    creating, updating, deleting = (endpoint(each, NEW) for each in ("Creating", "Updating", "Deleting"))
    ping, unhealthy = (
        f"The {each} did not pass the ping health check." for each in ("primary container", "new variant")
    )
    broken = [endpoint("Failed", OLD, ping), endpoint("Failed", NEW, ping)]
    wrong = "Request 1: Expected 24852 at .predictions[0].similar[0].product_id, found 13176."
    lost = "RequestId: 1d2c Error: Task timed out after 540.00 seconds"
    timeout = json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": lost}, separators=(",", ":"))
    exists = f'Cannot create already existing endpoint "{ENDPOINT_ARN}". {INVALID}'
    serverless = f"Cannot update an endpoint from instance-based to serverless. {INVALID}"
    user = "arn:aws:sts::111122223333:assumed-role/machine/x"
    denied = f"User: {user} is not authorized to perform: sagemaker:DescribeEndpoint {LOST}"
    registered = [*IN_SERVICE, *NOTIFY, "Model registered"]
    return {
        "a better model goes into service in place of the old one": takeover(
            2, [busy, old, busy, new], [*WAIT, *UPDATE, *WAIT, *registered]
        ),
        "a smoke test fails and the previous version returns": takeover(
            3,
            [old, new, new, updating, old],
            [*UPDATE, *SMOKE_TEST, *UNDO, "Update endpoint", *WAIT, *WAIT, *ROLLED_BACK],
            instead={"Smoke test": [smoke_test(wrong)]},
            cause=f"{wrong}\n{OLD_IN_SERVICE}.",
        ),
        "the first version cannot be tested and is taken down": takeover(
            4,
            [MISSING, new, new, deleting, MISSING],
            [*CREATE, *SMOKE_TEST, *UNDO, "Delete endpoint", *WAIT, *WAIT, *ROLLED_BACK],
            instead={"Smoke test": [error("Sandbox.Timedout", timeout)]},
            cause=f"Sandbox.Timedout: {timeout}\n{GONE}",
        ),
        "a broken endpoint is replaced by one that does not start either": takeover(
            5,
            [broken[0], MISSING, broken[1], broken[1], MISSING],
            ["Delete endpoint", *WAIT, *CREATE, *UNDO, "Delete endpoint", *WAIT, *ROLLED_BACK],
            cause=f"Endpoint {ENDPOINT} is Failed with configuration {NEW}: {ping}\n{GONE}",
        ),
        "an update that SageMaker refuses leaves the old version in service": takeover(
            6,
            [old, old],
            [*UPDATE, *ROLLED_BACK],
            instead={"Update endpoint": [error("SageMaker.AmazonSageMakerException", serverless)]},
            cause=f"{serverless}\n{OLD_IN_SERVICE}.",
        ),
        "the account's quota for endpoints stays full": takeover(
            5,
            [MISSING, MISSING],
            [*CREATE, *ROLLED_BACK],
            execution="quota",
            instead={"Create endpoint": [error("SageMaker.ResourceLimitExceededException", QUOTA)]},
            cause=f"{QUOTA}\n{GONE}",
        ),
        "an update that fails is taken back by SageMaker itself": takeover(
            7,
            [old, busy, endpoint("InService", OLD, unhealthy)],
            [*UPDATE, *WAIT, *ROLLED_BACK],
            cause=f"{OLD_IN_SERVICE}: {unhealthy}",
        ),
        "an endpoint that was made although the answer got lost is found and used": takeover(
            8,
            [MISSING, creating, new],
            [*CREATE, *WAIT, *registered],
            instead={"Create endpoint": [error("SageMaker.AmazonSageMakerException", exists)]},
        ),
        "an update that SageMaker throttles is asked for again": takeover(
            3,
            [old, old, busy, new],
            [*UPDATE, *UPDATE, *WAIT, *registered],
            execution="throttled",
            instead={
                "Update endpoint": [error("SageMaker.AmazonSageMakerException", THROTTLED), result(**SDK_OK)],
                "Find newest model": [result(Item={"run_id": {"S": "20261121-070000-333344d3"}})] * 2,
            },
        ),
        "an endpoint that may not be looked at is left alone": takeover(
            9, [error("SageMaker.SageMakerException", denied)] * 10, [*WAIT * 9, *ROLLED_BACK], cause=denied
        ),
        "a model that was overtaken while its report was made is not put into service": takeover(
            2,
            [busy, old],
            [*WAIT, *OVERTAKEN, *NOTIFY, "Model registered"],
            execution="5bc8fbbc-bde5-4099-8164-d8399f767c45",
            instead={"Find newest model": [NEWER]},
        ),
    }


STEPS = {
    "type": "instances",
    "instance_count": 4,
    "try_first": True,
    "rollout": {"type": "canary", "share": 0.25, "wait_s": 600, "most_errors": 0.01, "most_latency_ms": 2000},
    "update_policy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 600,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "MaximumExecutionTimeoutInSeconds": 8400,
    },
}
COMPARISON = {
    "recipe": "prod2vec",
    "model": "prod2vec",
    "rows": 100,
    "most_changed": 0.2,
    "tolerance": 0.01,
    "never_kept": [],
}
TRY = ["Find newest model", "Newer model?", "Step by step?", "Create endpoint", *WAIT]
TRIED = [*SMOKE_TEST, *LOOK, "Delete endpoint", *WAIT, *LOOK]
ROLL_OUT = [
    "Find newest model",
    "Newer model?",
    "Step by step?",
    "Watch errors",
    "Watch latency",
    "Roll out step by step",
    *WAIT,
]


def roll_outs() -> Scenarios:
    """A version that is tried on an endpoint of its own, and then gets the requests step by step."""
    run = "20261121-070000-333344d1"
    old, busy, new = endpoint("InService", OLD), endpoint("Updating", OLD), endpoint("InService", NEW)
    trial = [endpoint("Creating", NEW), new, new, MISSING]
    rang = f"The alarm {ENDPOINT}-errors is in state ALARM."
    wrong = "Request 1: Expected 24852 at .predictions[0].similar[0].product_id, found 13176."
    moved = {
        "Roll out step by step": [result(EndpointArn=ENDPOINT_ARN, **SDK_OK)],
        **{f"Watch {each}": [result()] for each in ("errors", "latency")},
        "Find newest model": [result(Item={"run_id": {"S": run}})] * 2,
        "Smoke test": [smoke_test()] * 2,
    }
    rings = f"an alarm rings ({ENDPOINT}-errors, -latency) or the new one does not start."
    before = f"All requests go to the version before again, as they do when {rings} "
    tried = f"It was tried on an endpoint of its own first; {ENDPOINT} serves what it did before. "

    def rolled(looks: list[Answer], path: list[str], **more: Any) -> Scenario:
        answers = trained(run, register=True, deploy=more.pop("deploy", STEPS)) | deployed(run, *looks) | moved
        answers |= more.pop("instead", {})
        return way(more.pop("execution"), upload(66), answers, [*PROMOTE_AND_RECORD, *CONFIGURE, *path], **more)

    return {
        "a version that is tried first gets the requests step by step": rolled(
            [old, *trial, old, busy, new],
            [*TRY, *WAIT, *TRIED, *ROLL_OUT, *WAIT, *IN_SERVICE, *NOTIFY, "Model registered"],
            execution="step-by-step",
        ),
        "an alarm sends the requests back while they move step by step": rolled(
            [old, *trial, old, busy, endpoint("InService", OLD, rang)],
            [*TRY, *WAIT, *TRIED, *ROLL_OUT, *WAIT, *ROLLED_BACK],
            execution="step-by-step-back",
            cause=f"{before}{OLD_IN_SERVICE}: {rang}",
        ),
        "requests begin to move although SageMaker was too busy at first": rolled(
            [old, *trial, old, old, busy, new],
            [*TRY, *WAIT, *TRIED, *ROLL_OUT, *ROLL_OUT[:-3], *WAIT, *WAIT, *IN_SERVICE, *NOTIFY, "Model registered"],
            execution="step-by-step-busy",
            instead={
                "Roll out step by step": [error("SageMaker.SageMakerException", BUSY), result(**SDK_OK)],
                "Find newest model": [result(Item={"run_id": {"S": run}})] * 3,
                **{f"Watch {each}": [result()] * 2 for each in ("errors", "latency")},
            },
        ),
        "a version that fails its test gets no request": rolled(
            [old, *trial],
            [*TRY, *WAIT, *SMOKE_TEST, *UNDO, "Delete endpoint", *WAIT, *ROLLED_BACK],
            execution="step-by-step-wrong",
            instead={"Smoke test": [smoke_test(wrong)]},
            cause=f"{wrong}\n{tried}There is no endpoint {NEW} now.",
        ),
        "a serverless version is compared with the one before on an endpoint of its own": rolled(
            [old, *trial, old, busy, new],
            [*TRY, *WAIT, *TRIED, *UPDATE, *WAIT, *IN_SERVICE, *NOTIFY, "Model registered"],
            execution="compared",
            deploy={"type": "serverless", "try_first": True, "comparison": COMPARISON},
        ),
    }


def deployment(execution: str, number: int, looks: list[Answer], path: list[str], **more: Any) -> Scenario:
    """The model in use is to be put into service, without a training."""
    used = "20261120-101010-5e6f7a8b"
    deploy = more.pop("deploy", {})
    changes: dict[str, Any] = {"dataset": "model in use", "deploy": deploy, "outcome": "deploy", "objects": {}}
    answers = {
        "Resolve request": [plan(f"20261121-024833-1a2b3cd{number}", **changes)],
        "Find model in use": [champion(used, version=3)],
        "Find image of model": [image("earlier")],
        "Create model to deploy": [model(used, "33334444")],
        "Report missing model": [PUBLISHED],
    }
    start = {"recipe": "prod2vec", "dataset": "model in use", "task": "deploy", "overrides": {}}
    return way(execution, start, answers | deployed(used, *looks) | more.pop("instead", {}), [*IN_USE, *path], **more)


def deployments() -> Scenarios:
    event = "9c1f7a52-6c1e-4b9e-9d0c-4a7b9d3f2a10"
    old, new = endpoint("InService", OLD), endpoint("InService", NEW)
    made = ["Find image of model", "Deploy or score?", "Create model to deploy", "Is there a challenger?"]
    configured = [*made, *CONFIGURE]
    no_memory = "Request 1: The endpoint refused it: ModelError: no memory."
    return {
        "the model in use is put into service without a training": deployment(
            f"{event}_d10", 10, [old, new], [*configured, *UPDATE, *IN_SERVICE, "Report deployment", "Model deployed"]
        ),
        "there is no model to put into service": deployment(
            f"{event}_d11",
            11,
            [],
            ["Report missing model", "No model"],
            instead={"Find model in use": [NONE]},
            cause="Expected a registered model prod2vec to deploy, found none; train one that passes the gate first.",
        ),
        "a challenger answers in the shadow of the model in use": deployment(
            f"{event}_d13",
            13,
            [old, new],
            [*made, *CHALLENGE, *UPDATE, *IN_SERVICE, "Report deployment", "Model deployed"],
            deploy={"type": "instances", "instance_count": 2, "challenger": CHALLENGER},
            instead={"Create model of challenger": [model(CHALLENGER["run_id"], "55556666")]},
        ),
        "a challenger does not start, and the model in use serves on without it": deployment(
            f"{event}_d14",
            14,
            [old, endpoint("InService", OLD, NO_SHADOW)],
            [*made, *CHALLENGE, *UPDATE, *ROLLED_BACK],
            deploy={"type": "instances", "instance_count": 2, "challenger": CHALLENGER},
            instead={"Create model of challenger": [model(CHALLENGER["run_id"], "55556666")]},
            cause=f"{OLD_IN_SERVICE}: {NO_SHADOW}",
        ),
        "the model in use fails its smoke test once more": deployment(
            f"{event}_d12",
            12,
            [old, new, new, old],
            [*configured, *UPDATE, *SMOKE_TEST, *UNDO, "Update endpoint", *WAIT, *ROLLED_BACK],
            instead={"Smoke test": [smoke_test(no_memory)]},
            cause=f"{no_memory}\n{OLD_IN_SERVICE}.",
        ),
        "a model that is overtaken while it is being deployed leaves the endpoint alone": deployment(
            "d76d4330-f144-4bea-b0c1-1fdecb91ce37",
            10,
            [old],
            [*configured, *OVERTAKEN, "Newer model registered"],
            instead={"Find newest model": [NEWER]},
        ),
    }
