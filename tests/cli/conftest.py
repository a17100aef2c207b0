"""A deployment in moto with a fake Step Functions, for the command line's tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws

from tests.cli.story import MACHINE_ARN, START, FakeCloudFormation, FakeRegistry, FakeStepFunctions
from trainyard.client.deployment import Deployment
from trainyard.client.session import Target


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees this machine's credentials, endpoint or local cloud."""
    leave_this_machine(monkeypatch, tmp_path)


def leave_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a shell that has made-up credentials and no local cloud."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN", "TRAINYARD_ENV", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("TRAINYARD_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def step_functions() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def deployment(step_functions: FakeStepFunctions) -> Iterator[Deployment]:
    with deployed_in_moto(step_functions) as found:
        yield found


@contextmanager
def deployed_in_moto(step_functions: FakeStepFunctions) -> Iterator[Deployment]:
    """Buckets and ledger as the stacks make them, and the given Step Functions.

    Logs are kept as on the day of the stories, for CloudWatch takes no lines that are older than 14 days.
    """
    day = START.replace(tzinfo=None) + timedelta(hours=1)
    with mock_aws(), patch("moto.logs.models.utcnow", lambda: day):
        target = Target(session=boto3.Session(region_name="us-east-1"), local=True, endpoint=None)
        target._clients["stepfunctions"] = step_functions
        s3 = target.client("s3")
        for bucket in ("raw-bucket", "artifacts-bucket"):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        target.client("dynamodb").create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Deployment(
            target=target,
            env="dev",
            raw_bucket="raw-bucket",
            artifacts_bucket="artifacts-bucket",
            state_machine_arn=MACHINE_ARN,
            topic_arn="topic",
            ledger_table="ledger",
            dashboard_url="",
        )


@pytest.fixture
def formation(deployment: Deployment) -> FakeCloudFormation:
    fake = FakeCloudFormation()
    deployment.target._clients["cloudformation"] = fake
    return fake


@pytest.fixture
def registry(deployment: Deployment) -> FakeRegistry:
    fake = FakeRegistry()
    deployment.target._clients["sagemaker"] = fake
    return fake
