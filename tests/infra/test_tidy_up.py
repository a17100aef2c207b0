"""The daily tidying: when it runs, what it may delete, and everything that it may not."""

from __future__ import annotations

import pytest

from tests.infra.templates import Deployment, Role
from tests.infra.test_permissions import RUN, STAGES, artifact

LEFT_OVER = (
    "ingest/a",
    "prepare/a/b",
    "process/train/a",
    "tune/job/output/a",
    "train/checkpoints/a",
    "tune/checkpoints/a",
)
ACCOUNT = "us-east-1:111122223333"


@pytest.fixture
def role(deployment: Deployment) -> Role:
    return deployment.role("FunctionsTidyUpRole")


def test_it_runs_every_day_and_is_told_of_when_it_fails(deployment: Deployment) -> None:
    [rule] = [each for key, each in deployment.workflow.resources("AWS::Events::Rule").items() if "TidyUp" in key]
    assert rule["ScheduleExpression"] == "rate(1 day)"
    [target] = rule["Targets"]
    assert target["Arn"].endswith(f"function:trainyard-{deployment.environment}-tidy-up")
    assert any("TidyUpBroken" in each for each in deployment.workflow.resources("AWS::CloudWatch::Alarm"))


def test_it_deletes_what_lies_between_files_and_models_and_reads_nothing(deployment: Deployment, role: Role) -> None:
    assert all(role.may("s3:DeleteObject", artifact(deployment, f"{RUN}/{each}")) for each in LEFT_OVER)
    stages = {each for each in STAGES if role.may("s3:DeleteObject", artifact(deployment, f"{RUN}/{each}/file"))}
    assert stages == {"ingest", "prepare", "process", "tune"}
    assert not role.may("s3:DeleteObject", artifact(deployment, f"{RUN}/train/job/output/model.tar.gz"))
    assert not role.may("s3:DeleteObject", artifact(deployment, "scores/prod2vec/model=m/run=r/part-0.parquet"))
    for action in ("s3:GetObject", "s3:DeleteObjectVersion", "s3:PutObject"):
        assert not role.may(action, artifact(deployment, f"{RUN}/process/a"))
    assert not role.may("s3:DeleteObject", f"{deployment.data.arn(deployment.bucket('Raw'))}/raw/prod2vec/d/a.csv")


def test_it_removes_nothing_of_other_environments_and_nothing_that_serves(deployment: Deployment, role: Role) -> None:
    own, other = f"trainyard-{deployment.environment}", "trainyard-other"
    sagemaker = f"arn:aws:sagemaker:{ACCOUNT}"
    for action, resource in (("DeleteModel", "model/{}-model-1"), ("DeleteEndpointConfig", "endpoint-config/{}-m-1")):
        assert role.may(f"sagemaker:{action}", f"{sagemaker}:{resource.format(own)}")
        assert not role.may(f"sagemaker:{action}", f"{sagemaker}:{resource.format(other)}")
    for action, kind in (("DeleteEndpoint", "endpoint"), ("DeleteModelPackage", "model-package")):
        assert not role.may(f"sagemaker:{action}", f"{sagemaker}:{kind}/{own}-prod2vec")
    stream = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs:log-stream:{{}}-train-1/algo"
    assert role.may("logs:DeleteLogStream", stream.format(own))
    assert not role.may("logs:DeleteLogStream", stream.format(other))
    group = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/{{}}-prod2vec"
    for action in ("DeleteLogGroup", "DescribeLogStreams", "PutRetentionPolicy"):
        assert role.may(f"logs:{action}", group.format(own))
        assert not role.may(f"logs:{action}", group.format(other))
    for name in ("/aws/sagemaker/TrainingJobs", f"/aws/lambda/{own}-tidy-up", f"/aws/vendedlogs/states/{own}-training"):
        assert not role.may("logs:DeleteLogGroup", f"arn:aws:logs:{ACCOUNT}:log-group:{name}")


def test_it_removes_versions_but_neither_machine_nor_function(deployment: Deployment, role: Role) -> None:
    environment = deployment.environment
    machine = f"arn:aws:states:{ACCOUNT}:stateMachine:trainyard-{environment}-training"
    function = f"arn:aws:lambda:{ACCOUNT}:function:trainyard-{{}}-resolve"
    assert role.may("states:DeleteStateMachineVersion", f"{machine}:7")
    assert not role.may("states:DeleteStateMachine", machine)
    assert role.may("lambda:DeleteFunction", f"{function.format(environment)}:7")
    assert not role.may("lambda:DeleteFunction", function.format(environment))
    assert not role.may("lambda:DeleteFunction", f"{function.format('other')}:7")


def test_it_removes_images_from_the_repository_of_this_account_alone(role: Role) -> None:
    repository = "arn:aws:ecr:us-east-1:111122223333:repository/cdk-hnb659fds-container-assets-111122223333-us-east-1"
    assert role.may("ecr:BatchDeleteImage", repository)
    assert not role.may("ecr:BatchDeleteImage", repository.replace("cdk-hnb659fds", "other"))
    assert not role.may("ecr:DeleteRepository", repository)


def test_the_settings_say_how_long_is_waited(full: Deployment, dev: Deployment) -> None:
    for deployment, days in ((dev, ("30", "14")), (full, ("60", "90"))):
        [function] = [
            each
            for each in deployment.workflow.resources("AWS::Lambda::Function").values()
            if "tidy" in each["Handler"]
        ]
        variables = function["Environment"]["Variables"]
        assert (variables["KEEP_DAYS"], variables["LOG_DAYS"]) == days
        assert variables["MACHINE_ARN"].endswith(f":stateMachine:trainyard-{deployment.environment}-training")
