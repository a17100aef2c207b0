"""The machine as deployed: every placeholder filled in, and a permission for every request its states make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from state_machines.definition import definition_text
from tests.infra.templates import Deployment, Role
from tests.state_machine.scenarios import scenarios
from tests.state_machine.walk import Call, definition, walk

OWNER = "us-east-1:111122223333"
WAITING = {
    "createProcessingJob": "Processing",
    "createTrainingJob": "Training",
    "createHyperParameterTuningJob": "Tuning",
}
KINDS = {
    "createProcessingJob": ("ProcessingJob", "processing-job"),
    "createTrainingJob": ("TrainingJob", "training-job"),
    "createHyperParameterTuningJob": ("HyperParameterTuningJob", "hyper-parameter-tuning-job"),
}
Need = tuple[str, str, dict[str, Any]]


def calls(deployment: Deployment) -> list[Call]:
    """Every request of every recorded way, with the deployment's own names filled in."""
    machine = definition(deployment.machine["DefinitionSubstitutions"])
    return [each for scenario in scenarios() for each in walk(machine, scenario).calls]


def needs(call: Call) -> Iterator[Need]:
    """(action, resource, condition keys) that a request needs, as AWS documents them for each integration."""
    integration = call.resource.removeprefix("arn:aws:states:::").partition(".sync")[0]
    service, verb = integration.removeprefix("aws-sdk:").split(":")
    given = call.arguments
    if service == "lambda":
        yield "lambda:InvokeFunction", given["FunctionName"], {}
    elif service == "sns":
        yield "sns:Publish", given["TopicArn"], {}
    elif service == "s3":
        yield "s3:GetObject", f"arn:aws:s3:::{given['Bucket']}/{given['Key']}", {}
    elif service == "dynamodb":
        row = (given.get("Key") or given["Item"])["id"]["S"]
        table = f"arn:aws:dynamodb:{OWNER}:table/{given['TableName']}"
        yield f"dynamodb:{verb[0].upper()}{verb[1:]}", table, {"dynamodb__LeadingKeys": [row]}
    elif service == "cloudwatch":
        alarm = given["AlarmName"].replace("trainyard-dev", "trainyard-ENV")
        yield "cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{OWNER}:alarm:{alarm}", {}
    elif service == "states":
        # A version is started with the right to start its machine.
        machine = given["StateMachineArn"].removesuffix(":7")
        yield "states:StartExecution", machine, {}
        for action in ("DescribeExecution", "StopExecution"):
            yield f"states:{action}", _execution(machine, given["Name"]), {}
        for action in ("PutTargets", "PutRule", "DescribeRule"):
            rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
            yield f"events:{action}", f"arn:aws:events:{OWNER}:rule/{rule}", {}
    elif service == "sfn":
        yield f"states:{verb[0].upper()}{verb[1:]}", given["ExecutionArn"], {}
    elif verb == "createPartition":
        database = given["DatabaseName"]
        for resource in ("catalog", f"database/{database}", f"table/{database}/{given['TableName']}"):
            yield "glue:CreatePartition", f"arn:aws:glue:{OWNER}:{resource}", {}
    elif service == "glue":
        for action in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun"):
            yield f"glue:{action}", f"arn:aws:glue:{OWNER}:job/{given['JobName']}", {}
    else:
        yield from _sagemaker(verb, given)


def _sagemaker(verb: str, given: dict[str, Any]) -> Iterator[Need]:
    arn = f"arn:aws:sagemaker:{OWNER}:"
    if verb in KINDS:
        noun, resource = KINDS[verb]
        for action in (f"Create{noun}", f"Describe{noun}", f"Stop{noun}", "AddTags", "ListTags"):
            yield f"sagemaker:{action}", f"{arn}{resource}/{given[f'{noun}Name']}", {}
        for action in ("PutTargets", "PutRule", "DescribeRule"):
            rule = f"StepFunctionsGetEventsForSageMaker{WAITING[verb]}JobsRule"
            yield f"events:{action}", f"arn:aws:events:{OWNER}:rule/{rule}", {}
        yield _pass_role(_role_of(given))
    elif verb == "createModel":
        yield "sagemaker:CreateModel", f"{arn}model/{given['ModelName']}", {}
        yield "sagemaker:AddTags", f"{arn}model/{given['ModelName']}", {}
        yield _pass_role(given["ExecutionRoleArn"])
    elif "Endpoint" in verb:
        yield from _endpoints(f"sagemaker:{verb[0].upper()}{verb[1:]}", given)
    elif verb == "addTags":
        yield "sagemaker:AddTags", given["ResourceArn"].replace("trainyard-dev", "trainyard-ENV"), {}
    elif verb == "describeTrainingJob":
        job = f"{arn}training-job/{given['TrainingJobName']}"
        yield "sagemaker:DescribeTrainingJob", job.replace("/dev-", "/ENV-"), {}
    elif verb == "describeModelPackage":
        package = given["ModelPackageName"].replace("trainyard-dev", "trainyard-ENV")
        yield "sagemaker:DescribeModelPackage", package, {}
    elif verb == "createModelPackageGroup":
        group = f"{arn}model-package-group/{given['ModelPackageGroupName']}"
        yield "sagemaker:CreateModelPackageGroup", group, {}
    elif verb == "updateModelPackage":
        yield "sagemaker:UpdateModelPackage", given["ModelPackageArn"].replace("trainyard-dev", "trainyard-ENV"), {}
    elif verb == "createModelPackage":
        yield "sagemaker:CreateModelPackage", f"{arn}model-package-group/{given['ModelPackageGroupName']}", {}
        yield "sagemaker:CreateModelPackage", f"{arn}model-package/{given['ModelPackageGroupName']}/1", {}
    else:
        raise NotImplementedError(f"Expected a known SageMaker call, found {verb}: say here what it needs.")


def _endpoints(action: str, given: dict[str, Any]) -> Iterator[Need]:
    arn, tagged = f"arn:aws:sagemaker:{OWNER}:", bool(given.get("Tags"))
    for kind, name in (("endpoint", "EndpointName"), ("endpoint-config", "EndpointConfigName")):
        if name in given:
            # A configuration that a recorded answer named is one of dev.
            resource = f"{arn}{kind}/{given[name]}".replace("trainyard-dev", "trainyard-ENV")
            yield action, resource, {}
            if tagged:
                yield "sagemaker:AddTags", resource, {}
    # SageMaker looks at the alarms of a roll-out with the rights of whoever asked for it.
    for each in given.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {}).get("Alarms", ()):
        alarm = each["AlarmName"].replace("trainyard-dev", "trainyard-ENV")
        yield "cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{OWNER}:alarm:{alarm}", {}


def _execution(machine: str, name: str) -> str:
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _role_of(given: dict[str, Any]) -> str:
    return str(given.get("RoleArn") or given["TrainingJobDefinition"]["RoleArn"])


def _pass_role(arn: str) -> Need:
    return "iam:PassRole", arn, {"iam__PassedToService": "sagemaker.amazonaws.com"}


def test_every_placeholder_is_filled_in_and_nothing_else_is_given(deployment: Deployment) -> None:
    placeholders = set(re.findall(r"\$\{(\w+)\}", definition_text()))
    given = deployment.machine["DefinitionSubstitutions"]
    assert set(given) == placeholders
    assert all(isinstance(each, str) and each for each in given.values())
    assert json.loads(deployment.machine["DefinitionString"]) == json.loads(definition_text())


def test_the_machines_role_allows_every_request_of_every_way(deployment: Deployment) -> None:
    role = deployment.role("MachineRole")
    checked = set()
    for call in calls(deployment):
        for action, resource, keys in needs(call):
            # Recorded answers come from dev; the same model package lies in prod's group there.
            arn = resource.replace("trainyard-ENV", f"trainyard-{deployment.environment}")
            arn = arn.replace("trainyard-dev-training", f"trainyard-{deployment.environment}-training")
            arn = arn.replace("/ENV-", f"/trainyard-{deployment.environment}-")
            assert role.may(action, arn, **keys), f"{call.state}: {action} on {arn}"
            checked.add(action)
    granted = {action for each in role.statements() for action in _list(each["Action"])}
    unused = {each for each in granted - checked if not each.startswith(("logs:", "xray:", "kms:"))}
    assert unused == set()


def test_the_machine_may_not_touch_what_it_did_not_name(deployment: Deployment) -> None:
    role = deployment.role("MachineRole")
    arn = f"arn:aws:sagemaker:{OWNER}:"
    assert not role.may("sagemaker:CreateTrainingJob", f"{arn}training-job/somebody-elses")
    assert not role.may("sagemaker:StopProcessingJob", f"{arn}processing-job/other")
    other = {"dev": "prod", "prod": "dev"}[deployment.environment]
    assert not role.may(
        "sagemaker:StopProcessingJob", f"{arn}processing-job/trainyard-{other}-process-20261121-024833-1a2b3c4d-1"
    )
    assert not role.may("sagemaker:CreateModelPackage", f"{arn}model-package-group/other-prod2vec")
    prefix = f"{arn}model-package-group/trainyard-{deployment.environment}-"
    assert role.may("sagemaker:CreateModelPackageGroup", f"{prefix}two-tower--any-name")
    for name in ("prod2vec", "two-tower-any-name"):
        assert not role.may("sagemaker:CreateModelPackageGroup", f"{prefix}{name}")
    assert not role.may("lambda:InvokeFunction", f"arn:aws:lambda:{OWNER}:function:other")
    passed = deployment.machine["DefinitionSubstitutions"]["TrainRoleArn"]
    assert not role.may("iam:PassRole", passed, iam__PassedToService="ec2.amazonaws.com")
    assert not role.may("iam:PassRole", deployment.machine["RoleArn"], iam__PassedToService="sagemaker.amazonaws.com")


def test_each_job_can_read_and_write_the_places_it_is_told_to(deployment: Deployment) -> None:
    """The definition's data flow and the jobs' permissions are written apart; here they meet."""
    checked = 0
    for call in calls(deployment):
        if not re.search(r"create\w+Job", call.resource):
            continue
        role = _job_role(deployment, call)
        # Checkpoints of an interrupted job are read by the job that goes on.
        for uri in _uris(call.arguments, "S3DataSource", "S3Input", "CheckpointConfig"):
            bucket, key = _split(deployment, uri)
            assert role.may("s3:GetObject", f"{bucket}/{key}{'' if key.endswith('.gz') else 'file'}"), (call.state, uri)
            assert role.may("s3:ListBucket", bucket, s3__prefix=key), (call.state, uri)
            checked += 1
        for uri in _uris(call.arguments, "S3Output", "OutputDataConfig", "CheckpointConfig"):
            bucket, key = _split(deployment, uri)
            assert role.may("s3:PutObject", f"{bucket}/{key}/file"), (call.state, uri)
            checked += 1
    assert checked > 50


def test_the_model_role_reads_what_is_registered(deployment: Deployment) -> None:
    created = [each for each in calls(deployment) if each.resource.endswith("createModel")]
    assert created
    for call in created:
        bucket, key = _split(deployment, call.arguments["PrimaryContainer"]["ModelDataUrl"])
        assert deployment.role("JobsModel").may("s3:GetObject", f"{bucket}/{key}")


def test_model_package_groups_are_called_what_the_machine_calls_them(deployment: Deployment) -> None:
    groups = {
        each["ModelPackageGroupName"]
        for each in deployment.workflow.resources("AWS::SageMaker::ModelPackageGroup").values()
    }
    used, made = (
        {each.arguments["ModelPackageGroupName"] for each in calls(deployment) if each.resource.endswith(verb)}
        for verb in ("createModelPackage", "createModelPackageGroup")
    )
    assert used - made <= groups
    assert made == {f"trainyard-{deployment.environment}-prod2vec--shop-north"}
    assert all(re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", each) for each in groups)


@pytest.mark.parametrize(("environment", "spot"), [("dev", False), ("prod", True)])
def test_spot_machines_are_used_where_the_settings_say_so(
    request: pytest.FixtureRequest, environment: str, spot: bool
) -> None:
    trained = [each for each in calls(request.getfixturevalue(environment)) if each.state == "Train model"]
    for call in trained:
        stopping = call.arguments["StoppingCondition"]
        assert call.arguments["EnableManagedSpotTraining"] is spot
        assert ("MaxWaitTimeInSeconds" in stopping) is spot
        if spot:
            assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]


def test_the_machine_is_traced_and_logs_everything(deployment: Deployment) -> None:
    logging = deployment.machine["LoggingConfiguration"]
    assert deployment.machine["TracingConfiguration"] == {"Enabled": True}
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", True)
    [destination] = logging["Destinations"]
    group = f":log-group:/aws/vendedlogs/states/trainyard-{deployment.environment}-training:*"
    assert destination["CloudWatchLogsLogGroup"]["LogGroupArn"].endswith(group)
    assert deployment.machine.get("StateMachineType", "STANDARD") == "STANDARD"


def _job_role(deployment: Deployment, call: Call) -> Role:
    name = _role_of(call.arguments).rsplit("/", 1)[-1]
    return deployment.role(name)


def _uris(node: Any, *holders: str) -> Iterator[str]:
    """S3 URIs inside structures of these names, however deep they lie."""
    if isinstance(node, list):
        for each in node:
            yield from _uris(each, *holders)
    elif isinstance(node, dict):
        for name, each in node.items():
            if name in holders:
                yield next(each[key] for key in ("S3Uri", "S3OutputPath") if key in each)
            else:
                yield from _uris(each, *holders)


def _split(deployment: Deployment, uri: str) -> tuple[str, str]:
    """The artifacts bucket's ARN and the key: recorded URIs name a bucket of their own."""
    _, _, _, key = uri.split("/", 3)
    return deployment.data.arn(deployment.bucket("Artifacts")), key


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
