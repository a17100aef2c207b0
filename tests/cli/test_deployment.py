"""A deployment is found by its stacks' outputs, on the target that is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.story import FakeCloudFormation
from trainyard.cli.command import target
from trainyard.client import deployment as deployments
from trainyard.client import project
from trainyard.client.deployment import Deployment
from trainyard.errors import NotFound

OUTPUTS = {
    "data": ("RawBucketName", "ArtifactsBucketName", "TopicArn", "LedgerTableName"),
    "workflow": ("StateMachineArn", "DashboardUrl"),
}


def stack(fake: FakeCloudFormation, part: str, outputs: tuple[str, ...]) -> None:
    fake.stacks[deployments.stack_name("test", part)] = {name: f"the-{name}" for name in outputs}


def test_outputs_of_both_stacks_are_read(deployment: Deployment, formation: FakeCloudFormation) -> None:
    for part, outputs in OUTPUTS.items():
        stack(formation, part, outputs)
    found = deployments.find(deployment.target, "test")
    assert found.raw_bucket == "the-RawBucketName"
    assert found.state_machine_arn == "the-StateMachineArn"
    assert deployments.stack_status(deployment.target, "trainyard-test-data") == "CREATE_COMPLETE"


def test_missing_stacks_and_outputs_say_what_to_do(deployment: Deployment, formation: FakeCloudFormation) -> None:
    with pytest.raises(NotFound, match=r"trainyard-test-data.*trainyard deploy --env test"):
        deployments.find(deployment.target, "test")
    stack(formation, "data", OUTPUTS["data"])
    with pytest.raises(NotFound, match="trainyard-test-workflow"):
        deployments.find(deployment.target, "test")
    stack(formation, "workflow", ("DashboardUrl",))
    with pytest.raises(NotFound, match="StateMachineArn"):
        deployments.find(deployment.target, "test")


def test_the_target_is_aws_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="The local cloud is down: start it with `trainyard up`, or say `--aws`"):
        target.connect(aws=False)
    found = target.connect(aws=True)
    assert (found.local, found.name) == (False, "AWS, region us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://vpce.example.org")
    assert target.connect(aws=True).name == "AWS, region us-east-1, through https://vpce.example.org"
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(NotFound, match="AWS_REGION"):
        _ = target.connect(aws=True).region


def test_the_project_is_found_from_below(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "trainyard").mkdir()
    (tmp_path / project.MARKER).write_text("{}", encoding="utf-8")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv(project.STATE_VARIABLE)
    assert project.root() == tmp_path
    assert project.state_dir() == tmp_path / ".trainyard"
