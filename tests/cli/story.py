"""Hand-made executions for the command line's tests: histories as Step Functions writes them, and a fake of its API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:training"


def execution_arn(name: str) -> str:
    return f"arn:aws:states:us-east-1:000000000000:execution:training:{name}"


class Story:
    """Events of one execution, one second apart, each naming the one before it."""

    def __init__(self, *, linked: bool = True) -> None:
        self.events: list[dict[str, Any]] = []
        self.linked = linked
        self.last = 0
        self.add("ExecutionStarted", "executionStarted", input="{}")

    def add(self, kind: str, details: str | None = None, *, after: int | None = None, **values: Any) -> int:
        event: dict[str, Any] = {
            "id": len(self.events) + 1,
            "type": kind,
            "timestamp": START + timedelta(seconds=len(self.events)),
        }
        if self.linked:
            event["previousEventId"] = self.last if after is None else after
        if details:
            event[f"{details}EventDetails"] = values
        self.events.append(event)
        self.last = event["id"]
        return self.last

    def enter(self, name: str, kind: str = "Task", **options: Any) -> int:
        return self.add(f"{kind}StateEntered", "stateEntered", name=name, input='{"a": 1}', **options)

    def leave(self, name: str, kind: str = "Task", output: Any = None, **options: Any) -> int:
        return self.add(
            f"{kind}StateExited", "stateExited", name=name, output=json.dumps(output or {"done": name}), **options
        )

    def schedule(self, resource: str, parameters: Any) -> int:
        return self.add("TaskScheduled", "taskScheduled", resource=resource, parameters=json.dumps(parameters))

    def succeed(self, resource: str = "x", output: Any = None) -> int:
        return self.add("TaskSucceeded", "taskSucceeded", resource=resource, output=json.dumps(output or {}))

    def fail(self, error: str, cause: str) -> int:
        return self.add("TaskFailed", "taskFailed", resource="x", error=error, cause=cause)

    def end(self, error: str, cause: str) -> int:
        return self.add("ExecutionFailed", "executionFailed", error=error, cause=cause)

    def training(self, name: str = "train-1") -> None:
        """A finished training state."""
        self.enter("Train model")
        self.schedule("createTrainingJob.sync", {"TrainingJobName": name})
        self.succeed()
        self.leave("Train model")

    def resolved(self, plan: dict[str, Any]) -> None:
        """The first state with its decision, and the choice after it."""
        self.enter("Resolve request")
        self.schedule("invoke", {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:resolve"})
        self.succeed(output={"Payload": plan})
        self.leave("Resolve request", output=plan)


def upload_event(key: str, version: str) -> str:
    detail = {"bucket": {"name": "raw"}, "object": {"key": key, "version-id": version}}
    return json.dumps({"detail-type": "Object Created", "detail": detail})


class FakeStepFunctions:
    """The calls of the Step Functions client that the command line makes, on executions held in memory."""

    def __init__(self, definition: dict[str, Any] | None = None) -> None:
        self.executions: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.machine = definition or {"StartAt": "A", "States": {}}
        # What new executions run, where it is no longer `machine`.
        self.deployed: dict[str, Any] | None = None
        # What was said of each published version, by its number.
        self.versions: dict[str, str] = {}
        self.stopped: list[str] = []
        self.redriven: list[str] = []
        self.started: list[dict[str, str]] = []

    def put(self, name: str, story: Story | None = None, **values: Any) -> str:
        arn = execution_arn(name)
        self.executions[arn] = {
            "executionArn": arn,
            "name": name,
            "status": "RUNNING",
            "startDate": START + timedelta(minutes=len(self.executions)),
            "input": "{}",
            **values,
        }
        self.histories[arn] = story.events if story else []
        return arn

    def get_paginator(self, operation: str) -> Pages:
        return Pages(self, operation)

    def paginate(self, operation: str, **request: Any) -> Iterator[dict[str, Any]]:
        if operation == "get_execution_history":
            return iter([{"events": list(self.histories[request["executionArn"]])}])
        wanted = request.get("statusFilter")
        found = [each for each in self.executions.values() if wanted in (None, each["status"])]
        newest = sorted(found, key=lambda each: each["startDate"], reverse=True)
        return iter([{"executions": newest}])

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        if executionArn not in self.executions:
            raise refusal("ExecutionDoesNotExist", "DescribeExecution")
        return self.executions[executionArn]

    def describe_state_machine_for_execution(self, **_: Any) -> dict[str, Any]:
        return {"definition": json.dumps(self.machine), "stateMachineArn": MACHINE_ARN}

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, Any]:
        machine, _, version = stateMachineArn.partition(f"{MACHINE_ARN}:")
        assert machine in ("", MACHINE_ARN)
        if version and version not in self.versions:
            raise refusal("StateMachineDoesNotExist", "DescribeStateMachine")
        described = {"description": self.versions[version]} if version else {}
        return {"definition": json.dumps(self.deployed or self.machine), **described}

    def describe_state_machine_alias(self, *, stateMachineAliasArn: str) -> dict[str, Any]:
        assert stateMachineAliasArn == f"{MACHINE_ARN}:live"
        if not self.versions:
            raise refusal("ResourceNotFound", "DescribeStateMachineAlias")
        newest = f"{MACHINE_ARN}:{max(self.versions)}"
        return {"routingConfiguration": [{"stateMachineVersionArn": newest, "weight": 100}]}

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, str]:
        assert stateMachineArn == f"{MACHINE_ARN}:live"
        self.started.append({"name": name, "input": input})
        return {"executionArn": self.put(name, input=input)}

    def redrive_execution(self, *, executionArn: str) -> None:
        if self.executions[executionArn]["status"] in ("RUNNING", "SUCCEEDED"):
            raise refusal("ExecutionNotRedrivable", "RedriveExecution")
        self.redriven.append(executionArn)

    def stop_execution(self, *, executionArn: str, **_: Any) -> None:
        self.stopped.append(executionArn)


class Pages:
    """A paginator of one operation; several threads may have one each."""

    def __init__(self, fake: FakeStepFunctions | FakeRegistry, operation: str) -> None:
        self.fake = fake
        self.operation = operation

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        return self.fake.paginate(self.operation, **request)


class FakeCloudFormation:
    """DescribeStacks on stacks held in memory."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, str]] = {}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        if StackName not in self.stacks:
            raise refusal("ValidationError", "DescribeStacks", f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.stacks[StackName].items()]
        return {"Stacks": [{"StackName": StackName, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}


class FakeRegistry:
    """The calls of the SageMaker client on model packages and one endpoint, on versions held in memory."""

    def __init__(self) -> None:
        self.packages: list[dict[str, Any]] = []
        self.endpoints: dict[str, str] = {}
        self.carrying: dict[str, Any] = {}

    def put(self, run_id: str, *, recipe: str = "prod2vec", group: str = "trainyard-dev-prod2vec") -> str:
        """Register what a run trained, as the state machine does; returns its ARN."""
        number = 1 + sum(each["ModelPackageGroupName"] == group for each in self.packages)
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group}/{number}"
        data = f"s3://artifacts-bucket/{recipe}/{run_id}/train/job/output/model.tar.gz"
        package = {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": number,
            "ModelPackageArn": arn,
            "CreationTime": START + timedelta(hours=len(self.packages)),
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": data}]},
            "CustomerMetadataProperties": {"run": run_id, "dataset": "d", "model": f"dev-model-{run_id}-00000000"},
        }
        self.packages.append(package)
        return arn

    def approvals(self) -> dict[int, str]:
        return {each["ModelPackageVersion"]: each["ModelApprovalStatus"] for each in self.packages}

    def get_paginator(self, operation: str) -> Pages:
        return Pages(self, operation)

    def paginate(self, operation: str, **request: Any) -> Iterator[dict[str, Any]]:
        if operation == "list_endpoints":
            return iter([{"Endpoints": [{"EndpointName": each} for each in self.endpoints]}])
        if operation == "list_model_package_groups":
            names = dict.fromkeys(each["ModelPackageGroupName"] for each in self.packages)
            return iter([{"ModelPackageGroupSummaryList": [{"ModelPackageGroupName": each} for each in names]}])
        assert operation == "list_model_packages"
        found = [each for each in self.packages if each["ModelPackageGroupName"] == request["ModelPackageGroupName"]]
        return iter([{"ModelPackageSummaryList": found[:: -1 if request.get("SortOrder") == "Descending" else 1]}])

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:
        return next(each for each in self.packages if each["ModelPackageArn"] == ModelPackageName)

    def update_model_package(self, *, ModelPackageArn: str, **changes: str) -> None:
        self.describe_model_package(ModelPackageName=ModelPackageArn).update(changes)

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        if EndpointName not in self.endpoints:
            raise refusal("ValidationException", "DescribeEndpoint", "Could not find endpoint")
        return {"EndpointConfigName": EndpointName, "EndpointStatus": "InService", "LastModifiedTime": START}

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> dict[str, Any]:
        return {"ProductionVariants": [{"ModelName": self.endpoints[EndpointConfigName], **self.carrying}]}


def refusal(code: str, operation: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message or f"said {code}"}}, operation)
