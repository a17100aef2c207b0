"""The CDK is called with what it needs, and shows how far it is."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.story import FakeCloudFormation
from trainyard.cli.cdk import npm, program
from trainyard.cli.cdk.stacks import TOOLKIT_STACK, deploy_stacks
from trainyard.cli.command import terminal
from trainyard.client import local_cloud, project
from trainyard.client.deployment import Deployment
from trainyard.errors import NotFound, TrainyardError


@pytest.fixture
def fake_cdk(tmp_path: Path) -> Path:
    script = tmp_path / program.SCRIPT
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
    program.call(fake_cdk, ["deploy", "--all"], cwd=log.parent, variables=os.environ, log=log, on_line=lines.append)
    seen = json.loads(lines[0])
    assert seen["arguments"] == ["deploy", "--all", "--no-notices", "--no-color"]
    assert seen["path"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert Path(seen["jsii"]) == program.node()
    assert (seen["telemetry"], Path(seen["cwd"])) == ("1", log.parent.resolve())
    assert log.read_text(encoding="utf-8").splitlines()[1] == "second line"


def test_a_failing_cdk_shows_its_last_lines_and_its_log(fake_cdk: Path) -> None:
    log = fake_cdk / "cdk.log"
    with pytest.raises(TrainyardError, match=r"code 3(.|\n)*cdk\.log(.|\n)*second line"):
        program.call(fake_cdk, ["fail"], cwd=fake_cdk, variables=os.environ, log=log, on_line=lambda _: None)


def test_a_missing_cdk_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="make setup"):
        program.command(tmp_path, program.node(), arguments=["deploy"])


@pytest.fixture
def without_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is installed beside the packages, the folder for caches, and an npm that leaves the CDK command line."""
    files = tmp_path / "share"
    files.mkdir()
    for each in (project.MARKER, *project.NPM_FILES):
        (files / each).write_text("{}", encoding="utf-8")
    monkeypatch.setattr(project, "is_checkout", lambda: False)
    monkeypatch.setattr(project, "files", lambda: files)
    monkeypatch.setenv(project.CACHE_VARIABLE, str(tmp_path / "cache"))
    script = tmp_path / "npm.js"
    script.write_text(
        "const fs = require('fs'); if (process.env.NPM_FAILS) { console.error('E404'); process.exit(1); }"
        "if (!fs.existsSync('package-lock.json')) process.exit(2);"
        f"fs.mkdirSync('{program.SCRIPT.parent}', {{recursive: true}}); fs.writeFileSync('{program.SCRIPT}', '');",
        encoding="utf-8",
    )
    monkeypatch.setattr(npm, "_npm", lambda node: [str(node), str(script)])
    return tmp_path / "cache"


def test_without_a_clone_the_cdk_is_installed_once(without_clone: Path) -> None:
    told: list[str] = []
    folder = npm.ready_folder(told.append)
    assert folder == project.cdk_folder()
    assert folder.parent == without_clone
    assert (folder / program.SCRIPT).is_file()
    assert (folder / project.MARKER).is_file()
    assert npm.ready_folder(told.append) == folder
    assert len(told) == 1
    assert [each.name for each in without_clone.iterdir()] == [folder.name]
    # Another version of the project has other packages.
    (project.files() / "package-lock.json").write_text("{ }", encoding="utf-8")
    assert project.cdk_folder() != folder


def test_an_npm_that_fails_leaves_nothing(without_clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_FAILS", "1")
    with pytest.raises(TrainyardError, match="E404"):
        npm.ready_folder(lambda _: None)
    assert not list(without_clone.iterdir())


@pytest.fixture
def cdk_calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    """CDK command lines and variables, in place of the CDK."""
    calls: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(
        program, "call", lambda _project, arguments, **named: calls.append((arguments, named["variables"]))
    )
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    return calls


def test_local_deployment_bootstraps_once_and_sees_no_foreign_aws(
    deployment: Deployment,
    formation: FakeCloudFormation,
    cdk_calls: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of a real account")
    monkeypatch.setattr(local_cloud, "variables", lambda _: {"AWS_ENDPOINT_URL": "https://localhost:1"})
    deploy_stacks(deployment.target, "dev")
    (bootstrap, _), (arguments, variables) = cdk_calls
    assert bootstrap[0] == "bootstrap"
    assert bootstrap[1].startswith("aws://")
    assert arguments[:4] == ["deploy", "--all", "--require-approval", "never"]
    assert "env=dev" in arguments
    assert "synthesizer=cli-credentials" in arguments
    assert "AWS_SESSION_TOKEN" not in variables
    assert variables["AWS_ENDPOINT_URL"] == "https://localhost:1"
    assert os.access(variables["CDK_DOCKER"], os.X_OK)
    formation.stacks[TOOLKIT_STACK] = {}
    deploy_stacks(deployment.target, "dev")
    assert [arguments[0] for arguments, _ in cdk_calls] == ["bootstrap", "deploy", "deploy"]


def test_an_account_is_not_bootstrapped_unasked(
    deployment: Deployment, formation: FakeCloudFormation, cdk_calls: list[tuple[list[str], dict[str, str]]]
) -> None:
    aws = replace(deployment.target, local=False)
    with pytest.raises(NotFound, match="cdk bootstrap aws://"):
        deploy_stacks(aws, "prod")
    assert cdk_calls == []
    formation.stacks[TOOLKIT_STACK] = {}
    deploy_stacks(aws, "prod", approval="broadening")
    (arguments, variables) = cdk_calls[0]
    assert arguments[:6] == ["deploy", "--all", "--require-approval", "broadening", "-c", "env=prod"]
    assert not any("synthesizer" in each for each in arguments)
    assert "--import-existing-resources" in arguments
    assert variables["AWS_ACCESS_KEY_ID"] == os.environ["AWS_ACCESS_KEY_ID"]


@pytest.mark.parametrize(("share", "told"), [(None, False), (0.0, True), (0.25, True)])
def test_a_share_of_requests_is_passed_on_also_where_it_is_none_of_them(
    deployment: Deployment,
    formation: FakeCloudFormation,
    cdk_calls: list[tuple[list[str], dict[str, str]]],
    share: float | None,
    told: bool,
) -> None:
    formation.stacks[TOOLKIT_STACK] = {}
    deploy_stacks(replace(deployment.target, local=False), "dev", capture=share)
    assert (f"capture={share}" in cdk_calls[0][0]) is told


@pytest.mark.parametrize("interactive", [True, False])
def test_lines_of_the_cdk_are_shown_beside_a_spinner_or_now_and_then(
    deployment: Deployment,
    formation: FakeCloudFormation,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    interactive: bool,
) -> None:
    def two_lines(*_: Any, on_line: Any, **__: Any) -> None:
        on_line("trainyard-dev-data: creating [1/2]")
        on_line("trainyard-dev-data: creating [2/2]")

    monkeypatch.setattr(program, "call", two_lines)
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    monkeypatch.setattr(terminal, "interactive", lambda: interactive)
    formation.stacks[TOOLKIT_STACK] = {}
    deploy_stacks(replace(deployment.target, local=False), "dev")
    shown = capsys.readouterr().out
    assert ("Deploying: trainyard-dev-data: creating [1/2]" in shown) is not interactive
    assert "[2/2]" not in shown
