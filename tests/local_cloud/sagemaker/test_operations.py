"""The table of operations: each row exists in AWS, has somebody who carries it out, and is listed for readers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.model import ServiceModel
from ministack.services import stepfunctions

from local_cloud.jobs.settings import Settings
from local_cloud.sagemaker import operations
from local_cloud.sagemaker.api import step_functions
from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.dispatch import SageMaker
from local_cloud.sagemaker.api.permissions import Permissions
from local_cloud.sagemaker.endpoints.endpoints import Endpoints
from local_cloud.sagemaker.operations import OPERATIONS
from local_cloud.step_functions import permissions

# "Create and manage Amazon SageMaker AI jobs with Step Functions": the operations with an integration of their own.
INTEGRATIONS = {
    "CreateEndpoint", "CreateEndpointConfig", "CreateHyperParameterTuningJob", "CreateLabelingJob", "CreateModel",
    "CreateProcessingJob", "CreateTrainingJob", "CreateTransformJob", "UpdateEndpoint",
}  # fmt: skip
WAITING = {"CreateHyperParameterTuningJob", "CreateProcessingJob", "CreateTrainingJob"}
README = Path(operations.__file__).with_name("README.md")


@pytest.fixture(scope="module")
def model() -> ServiceModel:
    return boto3.Session().client("sagemaker", region_name="us-east-1").meta.service_model


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Settings(state_dir=tmp_path, endpoint="https://localhost:1", ca_bundle=""))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_exists_and_names_its_resource(name: str, model: ServiceModel) -> None:
    assert name in model.operation_names
    row, members = OPERATIONS[name], model.operation_model(name).input_shape.members
    known = {row.kind.name_member, row.kind.arn_member} & set(members)
    # What names no resource is allowed on all of them.
    assert known or name.startswith("List")
    for kind in (row.within, row.uses):
        assert kind is None or kind.name_member in members


def test_every_row_is_carried_out_by_the_one_that_looks_after_its_kind(context: Context) -> None:
    parts = operations.parts(context, endpoints=Endpoints(context))
    for name, row in OPERATIONS.items():
        assert getattr(type(parts[row.kind]), row.function.__name__) is row.function, name


def test_integrations_of_step_functions_are_those_of_aws() -> None:
    optimized = {name for name, row in OPERATIONS.items() if row.optimized}
    assert optimized == INTEGRATIONS & set(OPERATIONS)
    waiting = {name: row for name, row in OPERATIONS.items() if row.sync_rule}
    assert set(waiting) == WAITING
    for row in waiting.values():
        assert {f"Describe{row.kind.prefix}", f"Stop{row.kind.prefix}"} <= set(OPERATIONS)


@pytest.fixture
def dispatch(context: Context, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """MiniStack's table of integrations with those of SageMaker only."""
    for name in ("_SERVICE_DISPATCH", "_AWS_SDK_SERVICE_MAP", "_AWS_SDK_ERROR_PREFIX", "_AWS_SDK_ERROR_CODE_OVERRIDES"):
        monkeypatch.setattr(stepfunctions, name, {})
    monkeypatch.setattr(permissions, "_added", {})
    nothing: Any = None
    step_functions.install(SageMaker(context, operations=OPERATIONS, parts={}, invoke=nothing))
    return stepfunctions._SERVICE_DISPATCH


def test_no_integration_is_taken_for_another_one(dispatch: dict[str, Any]) -> None:
    for resource in dispatch:
        # As MiniStack looks for it.
        assert next(each for each in dispatch if resource.startswith(each)) == resource


def test_what_cannot_be_waited_for_says_so(dispatch: dict[str, Any]) -> None:
    resource = f"{step_functions.PREFIX}createModel"
    with pytest.raises(stepfunctions._ExecutionError, match=r"CreateModel has no \.sync integration"):
        dispatch[resource](f"{resource}.sync", {})


def test_an_endpoint_is_judged_on_its_configuration_as_well() -> None:
    start = "arn:aws:sagemaker:us-east-1:000000000000"
    request = {"EndpointName": "e", "EndpointConfigName": "c", "Tags": [{"Key": "run", "Value": "1"}]}
    needs = Permissions(OPERATIONS).besides("CreateEndpoint", request)
    assert [(need.action, need.resource) for need in needs] == [
        ("sagemaker:AddTags", f"{start}:endpoint/e"),
        ("sagemaker:CreateEndpoint", f"{start}:endpoint-config/c"),
    ]


def test_a_request_that_is_not_checked_yet_does_no_harm() -> None:
    derived = Permissions(OPERATIONS)
    odd = {"TrainingJobName": 1, "Tags": ["x", {"Key": "a"}], "TrainingJobDefinition": "x", "RoleArn": 7}
    assert derived.resource("CreateTrainingJob", odd) == "*"
    assert [need.action for need in derived.besides("CreateTrainingJob", odd)] == ["iam:PassRole", "sagemaker:AddTags"]


def test_the_readme_lists_what_the_table_has() -> None:
    listed = re.findall(r"^\* `(\w+)`", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == list(OPERATIONS)
