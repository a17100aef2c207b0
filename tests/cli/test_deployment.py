"""A deployment is found by its stacks' outputs, and the CDK is called with what it needs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.story import FakeCloudFormation
from trainyard.aws import deployment as deployments
from trainyard.aws.deployment import Deployment
from trainyard.cli import cdk, console, deploy, project, target
from trainyard.errors import NotFound, TrainyardError

OUTPUTS = {
    "data": ("RawBucketName", "ArtifactsBucketName", "TopicArn", "LedgerTableName"),
    "workflow": ("StateMachineArn", "DashboardUrl"),
}


@pytest.fixture
def formation(deployment: Deployment) -> FakeCloudFormation:
    fake = FakeCloudFormation()
    deployment.target._clients["cloudformation"] = fake
    return fake


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


def test_without_a_local_cloud_the_target_is_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    found = target.connect(aws=False)
    assert (found.local, found.name) == (False, "AWS, region us-east-1")
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(NotFound, match="AWS_REGION"):
        _ = target.connect(aws=True).region


@pytest.fixture
def fake_cdk(tmp_path: Path) -> Path:
    script = tmp_path / cdk.SCRIPT
    script.parent.mkdir(parents=True)
    script.write_text(
        "console.log(JSON.stringify({arguments: process.argv.slice(2), jsii: process.env.JSII_NODE,"
        " path: process.env.PATH, telemetry: process.env.CDK_DISABLE_CLI_TELEMETRY, cwd: process.cwd()}));"
        "console.error('second line'); process.exit(process.argv.includes('fail') ? 3 : 0);",
        encoding="utf-8",
    )
    return tmp_path


def test_the_cdk_runs_with_our_node_and_python(fake_cdk: Path) -> None:
    lines: list[str] = []
    log = fake_cdk / "logs" / "cdk.log"
    log.parent.mkdir()
    cdk.call(fake_cdk, ["deploy", "--all"], cwd=log.parent, variables=os.environ, log=log, on_line=lines.append)
    seen = json.loads(lines[0])
    assert seen["arguments"] == ["deploy", "--all", "--no-notices", "--no-color"]
    assert seen["path"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert Path(seen["jsii"]) == cdk.node()
    assert (seen["telemetry"], Path(seen["cwd"])) == ("1", log.parent.resolve())
    assert log.read_text(encoding="utf-8").splitlines()[1] == "second line"


def test_a_failing_cdk_shows_its_last_lines_and_its_log(fake_cdk: Path) -> None:
    log = fake_cdk / "cdk.log"
    with pytest.raises(TrainyardError, match=r"code 3(.|\n)*cdk\.log(.|\n)*second line"):
        cdk.call(fake_cdk, ["fail"], cwd=fake_cdk, variables=os.environ, log=log, on_line=lambda _: None)


def test_a_missing_cdk_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="make setup"):
        cdk.command(tmp_path, cdk.node(), ["deploy"])


@pytest.fixture
def cdk_calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    """CDK command lines and variables, in place of the CDK."""
    calls: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(cdk, "call", lambda _project, arguments, **named: calls.append((arguments, named["variables"])))
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    return calls


def test_local_deployment_bootstraps_once_and_sees_no_foreign_aws(
    deployment: Deployment,
    formation: FakeCloudFormation,
    cdk_calls: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of a real account")
    monkeypatch.setattr(target, "local_variables", lambda _: {"AWS_ENDPOINT_URL": "https://localhost:1"})
    deploy.to_target(deployment.target, "dev")
    (bootstrap, _), (arguments, variables) = cdk_calls
    assert bootstrap[0] == "bootstrap"
    assert bootstrap[1].startswith("aws://")
    assert arguments[:4] == ["deploy", "--all", "--require-approval", "never"]
    assert "env=dev" in arguments
    assert "synthesizer=cli-credentials" in arguments
    assert "AWS_SESSION_TOKEN" not in variables
    assert variables["AWS_ENDPOINT_URL"] == "https://localhost:1"
    assert os.access(variables["CDK_DOCKER"], os.X_OK)
    formation.stacks[deploy.TOOLKIT_STACK] = {}
    deploy.to_target(deployment.target, "dev")
    assert [arguments[0] for arguments, _ in cdk_calls] == ["bootstrap", "deploy", "deploy"]


def test_an_account_is_not_bootstrapped_unasked(
    deployment: Deployment, formation: FakeCloudFormation, cdk_calls: list[tuple[list[str], dict[str, str]]]
) -> None:
    aws = replace(deployment.target, local=False)
    with pytest.raises(NotFound, match="cdk bootstrap aws://"):
        deploy.to_target(aws, "prod")
    assert cdk_calls == []
    formation.stacks[deploy.TOOLKIT_STACK] = {}
    deploy.to_target(aws, "prod", approval="broadening")
    (arguments, variables) = cdk_calls[0]
    assert arguments[:6] == ["deploy", "--all", "--require-approval", "broadening", "-c", "env=prod"]
    assert not any("synthesizer" in each for each in arguments)
    assert variables["AWS_ACCESS_KEY_ID"] == os.environ["AWS_ACCESS_KEY_ID"]


def test_the_project_is_found_from_below(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "trainyard").mkdir()
    (tmp_path / project.MARKER).write_text("{}", encoding="utf-8")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv(project.STATE_VARIABLE)
    assert project.root() == tmp_path
    assert project.state_dir() == tmp_path / ".trainyard"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (42, "42 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert console.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (3e13, "30.0 TB")]
)
def test_sizes(count: float, text: str) -> None:
    assert console.size(count) == text
