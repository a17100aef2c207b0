"""Runs the real state machine on the local Step Functions in this process, without the server.

The ledger is moto's DynamoDB and the registry the local SageMaker's own; jobs and functions are answered at once, as
AWS answers them. A test says what goes wrong: see `Machine.instead`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from ministack.core.responses import now_iso
from ministack.services import stepfunctions
from moto import mock_aws

from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.validation import check
from local_cloud.sagemaker.registry.groups import PackageGroups
from local_cloud.sagemaker.registry.packages import Packages
from local_cloud.step_functions import authorization, branches, interpreter, live, redrive, tasks
from local_cloud.step_functions.status import execution_error
from tests.state_machine.scenarios.answers import PUBLISHED, Answer, function, glue_run, plan
from tests.state_machine.scenarios.children import self_described
from tests.state_machine.scenarios.training import trained
from tests.state_machine.walk import definition
from trainyard.run import recipe
from trainyard.run.document import Document, encoded
from trainyard.run.documents import ChampionMetrics, Comparison, Difference, Metric
from trainyard.run.environment import Environment
from trainyard.run.registry import EVENT
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.stages.explain_failure.root_cause import Failure, root_cause
from trainyard.stages.resolve.resolve import resolve

LEDGER, GROUP, ARTIFACTS = "ledger", "trainyard-dev-prod2vec", "trainyard-dev-artifacts"
ENVIRONMENT = Environment(
    raw_bucket="raw", artifacts_bucket=ARTIFACTS, ledger_table=LEDGER, topic_arn="topic", code_version="1"
)
ARN = "arn:aws:states:us-east-1:111122223333"
# Answers to tasks that no training has.
COMMON = {
    "List children": [glue_run("ingest")],
    "Find version of machine": [self_described("parent")],
    "Report on children": [PUBLISHED],
    "Report bad request": [PUBLISHED],
    "Ask for approval": [PUBLISHED],
    "Report earlier model": [PUBLISHED],
}
Record = dict[str, Any]
Given = Callable[[], Any]


def lost(call: Given) -> Any:
    """The call takes effect, but its answer never arrives and the execution ends with it."""
    call()
    raise execution_error("States.Runtime", "The answer was lost.")


def killed(call: Given) -> Any:
    """The execution ends before the call is made."""
    raise execution_error("States.Runtime", "Killed.")


class Machine:
    """The machine and its services. `instead[state]` holds what happens at the next visits of a state, in turn.

    Each is an answer, or a function that gets the call itself (`lost`, `killed`). `scores` are what the gate sees.
    """

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self.instead: dict[str, list[Answer | Callable[[Given], Any]]] = defaultdict(list)
        self.scores: dict[str, float] = {}
        self.visits: list[tuple[str, str, Record]] = []
        self.plans: dict[str, Record] = {}
        self.decisions: dict[str, Record] = {}
        self._executions: dict[str, Record] = {}
        context = Context(SimpleNamespace(records_dir=folder))
        groups = PackageGroups(context)
        groups.create({"ModelPackageGroupName": GROUP})
        self._packages = Packages(context, groups=groups)
        self._dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        self._s3 = boto3.client("s3", region_name="us-east-1")
        self._s3.create_bucket(Bucket=ARTIFACTS)
        monkeypatch.setattr(tasks, "_invoke", self._invoke)
        monkeypatch.setattr(authorization, "check", lambda *_, **__: None)
        for name, each in (
            ("_run_sub_machine", branches.branch_runner(interpreter.walk)),
            ("_apply_state_assign", interpreter.assign),
            ("_scaled_sleep", interpreter.sleep),
            ("_SFN_WAIT_SCALE", 0),
        ):
            monkeypatch.setattr(stepfunctions, name, each)

    def run(self, name: str, *, score: float = 0.5, **settings: Any) -> Record:
        """Start an execution and wait for its end. Its run and plan are made of its name and the settings."""
        self.scores[run_of(name)] = score
        self.plans[name] = {"dataset": "demo", **settings}
        return self._start(name, {})

    def decide(self, name: str, run: str, approval: str) -> Record:
        """A person approves or rejects the version of a run; the execution that SageMaker's event of it starts."""
        self.set_approval(run, approval)
        return self.notice(name, run, approval)

    def set_approval(self, run: str, approval: str) -> None:
        """A person decides on the version of a run; the event of it has not arrived yet."""
        self._packages.update({"ModelPackageArn": self.version(run), "ModelApprovalStatus": approval})

    def notice(self, name: str, run: str, approval: str, *, event: str = "") -> Record:
        """The execution that the event of a decision starts; the same `event` may arrive twice."""
        detail = {"ModelPackageArn": self.version(run), "ModelApprovalStatus": approval}
        self.decisions[name] = {"id": event or name, "detail-type": EVENT, "detail": detail}
        return self._start(name, self.decisions[name])

    def version(self, run: str) -> str:
        """The ARN of the version that a run registered."""
        listed = self._packages.list({"ModelPackageGroupName": GROUP})["ModelPackageSummaryList"]
        found = [self._packages.describe({"ModelPackageName": each["ModelPackageArn"]}) for each in listed]
        return next(each["ModelPackageArn"] for each in found if each["CustomerMetadataProperties"]["run"] == run)

    def _start(self, name: str, given: Record) -> Record:
        started = {
            "executionArn": f"{ARN}:execution:training:{name}",
            "stateMachineArn": f"{ARN}:stateMachine:training",
        }
        event = {"id": 1, "type": "ExecutionStarted", "timestamp": now_iso(), "executionStartedEventDetails": {}}
        self._executions[name] = {
            **started,
            **{
                "name": name,
                "status": "RUNNING",
                "input": json.dumps(given),
                "startDate": now_iso(),
                "events": [event],
            },
            # Such an execution announces nothing: there is no event bus here.
            "sync": True,
        }
        return self._go_on(name)

    def redrive(self, name: str) -> Record:
        """Redrive an execution that has ended and wait for its next end."""
        redrive._begin_again(self._executions[name], None)
        return self._go_on(name)

    def _go_on(self, name: str) -> Record:
        execution = self._executions[name]
        interpreter._run_to_end(execution, definition(), running=live.LiveExecution(None))
        return execution

    def tried(self, state: str, name: str = "") -> int:
        """How often a state's call was made, by all executions or one."""
        return Counter(visited for who, visited, _ in self.visits if name in ("", who))[state]

    def requests(self, state: str) -> list[Record]:
        """The arguments of a state's calls."""
        return [arguments for _, visited, arguments in self.visits if visited == state]

    def failure(self, name: str) -> Failure:
        """What people are told about an execution that failed."""
        execution = self._executions[name]
        return root_cause(execution["events"], status=execution["status"])

    def approvals(self) -> list[tuple[str, str]]:
        """The registry: (run, approval) of each version."""
        listed = self._packages.list({"ModelPackageGroupName": GROUP})["ModelPackageSummaryList"]
        found = [self._packages.describe({"ModelPackageName": each["ModelPackageArn"]}) for each in listed]
        return [(each["CustomerMetadataProperties"]["run"], each["ModelApprovalStatus"]) for each in found]

    def champion(self) -> dict[str, str]:
        """The champion pointer."""
        item = self._dynamodb.get_item(TableName=LEDGER, Key={"id": {"S": "champion/prod2vec"}}).get("Item", {})
        return {name: value["S"] for name, value in item.items()}

    def _invoke(self, resource: str, arguments: Record, *, context: Record) -> Any:
        name, state = context["Execution"]["Name"], context["State"]["Name"]
        self.visits.append((name, state, arguments))
        service = resource.removeprefix("arn:aws:states:::")

        def call() -> Any:
            return self._answer(service, arguments, name=name, state=state)

        given = self.instead[state].pop(0) if self.instead[state] else None
        if given is None:
            return call()
        return given(call) if callable(given) else taken(given)

    def _answer(self, service: str, arguments: Record, *, name: str, state: str) -> Any:
        run = run_of(name)
        if service.startswith("dynamodb:"):
            return self._ledger(service.removeprefix("dynamodb:"), arguments)
        if service.endswith(":createModelPackage"):
            check("CreateModelPackage", arguments)
            return self._packages.create(arguments)
        if service.endswith((":describeModelPackage", ":updateModelPackage")):
            verb = service.rpartition(":")[2].removesuffix("ModelPackage")
            return json.loads(json.dumps(getattr(self._packages, verb)(arguments), default=str))
        if state in ("Resolve request", "Resolve again") and name in self.decisions:
            return taken(self._resolved(name))
        if state == "Resolve request":
            self._keep(run, Stage.RESOLVE, request_of(run))
            return taken(plan(run, **self.plans[name]))
        if state == "Evaluate model":
            self._evaluate(arguments)
        if state == "Gate":
            run = arguments["Payload"]["run"]["run_id"]
            return taken(self._decision(run, arguments["Payload"]["champion"].get("run_id")))
        return taken({**COMMON, **trained(run)}[state][0])

    def _resolved(self, name: str) -> Answer:
        """What the real Resolve answers to a decision."""
        execution = {"arn": f"{ARN}:execution:training:{name}", "name": name, "started": now_iso()}
        clients = {"s3": self._s3, "dynamodb": self._dynamodb, "sagemaker": RegistryClient(self._packages)}
        return function(**resolve(self.decisions[name], execution, environment=ENVIRONMENT, **clients).to_mapping())

    def _evaluate(self, arguments: Record) -> None:
        """Leave the evaluation of a run against the champion that it was told of."""
        inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in arguments["ProcessingInputs"]}
        run = inputs["resolve"].split("/")[4]
        metric = {"score": Metric(value=self.scores[run])}
        champion = inputs["champion"].split("/")[4] if "champion" in inputs else ""
        compared = ChampionMetrics(run_id=champion, metrics=metric, difference=Difference(value=0, low=0, high=0))
        self._keep(run, Stage.EVALUATE, Comparison(metrics=metric, champion=compared if champion else None))

    def _keep(self, run: str, stage: Stage, document: Document) -> None:
        key = f"prod2vec/{run}/{stage}/{document.FILE}"
        self._s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(document.to_mapping()))

    def _decision(self, run: str, champion: str | None) -> Answer:
        promote = champion is None or self.scores[run] > self.scores[champion]
        return function(promote=promote, summary=f"score {self.scores[run]}", message="", reasons=[])

    def _ledger(self, verb: str, arguments: Record) -> Any:
        method = {"getItem": "get_item", "putItem": "put_item", "updateItem": "update_item"}[verb]
        try:
            answer = getattr(self._dynamodb, method)(**arguments)
        except ClientError as error:
            raise execution_error(f"DynamoDB.{error.response['Error']['Code']}", str(error)) from error
        return json.loads(json.dumps(answer, default=str))


class RegistryClient:
    """What Resolve asks of SageMaker's client, answered by the local SageMaker's own registry; there is no endpoint."""

    def __init__(self, packages: Packages) -> None:
        self._packages = packages

    def describe_model_package(self, **request: Any) -> Record:
        return self._packages.describe(request)

    def get_paginator(self, _operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **request: [self._packages.list(request)])

    def describe_endpoint(self, **_request: Any) -> Record:
        refused = {"Error": {"Code": "ValidationException", "Message": "Could not find endpoint"}}
        raise ClientError(refused, "DescribeEndpoint")


def request_of(run: str) -> Run:
    """The request of a run of prod2vec with the recipe's own settings."""
    return Run(
        recipe="prod2vec",
        run_id=run,
        dataset="demo",
        execution_arn=f"{ARN}:execution:training:{run}",
        raw_bucket="raw",
        artifacts_bucket=ARTIFACTS,
        fingerprint=run,
        code_version="1",
        files=(),
        config=encoded(recipe.config("prod2vec")),
    )


def run_of(name: str) -> str:
    """The run of an execution, by the execution's name."""
    return f"20261121-030000-{sum(name.encode()):08x}"


def taken(answer: Answer) -> Any:
    """The result of an answer, or its error raised."""
    if "error" in answer:
        raise execution_error(answer["error"], answer["cause"])
    return answer["result"]


@contextmanager
def in_moto(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine whose ledger is empty; nothing of this shell leads to an account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("dynamodb", region_name="us-east-1").create_table(
            TableName=LEDGER,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Machine(folder, monkeypatch)
