"""`approve`, `reject`, and what says that a version waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import deployed_in_moto
from tests.cli.story import FakeCloudFormation, FakeRegistry, FakeStepFunctions, Story
from tests.cli.test_promotion import RUNS, point_to, registered, request_of
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.client.model import approval
from trainyard.errors import NotFound, TrainyardError

WAITS, USED = RUNS[2], RUNS[1]
REVERTED = f"Version 2 was rejected while it was in use. Version 1 of run {RUNS[0]} is in use in its place."


@pytest.fixture
def deployment(step_functions: FakeStepFunctions, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with deployed_in_moto(step_functions) as found:
        monkeypatch.setattr(target, "deployed", lambda **_: found)
        yield found


@pytest.fixture(autouse=True)
def waits(deployment: Deployment, registry: FakeRegistry) -> None:
    """Three versions: the second is in use, the third waits."""
    for run_id in RUNS:
        registered(deployment, registry, run_id)
        request_of(deployment, "prod2vec", run_id=run_id, config={"model": ""})
    registry.packages[2]["ModelApprovalStatus"] = "PendingManualApproval"
    point_to(deployment, USED)


class Deciding(FakeRegistry):
    """A registry whose events start an execution, which ends with `output`."""

    def __init__(
        self, step_functions: FakeStepFunctions, packages: list[dict[str, Any]], output: dict[str, Any]
    ) -> None:
        super().__init__()
        self.packages, self.step_functions, self.output = packages, step_functions, output

    def update_model_package(self, *, ModelPackageArn: str, **changes: str) -> None:
        super().update_model_package(ModelPackageArn=ModelPackageArn, **changes)
        given = {"detail-type": "SageMaker Model Package State Change", "detail": {"ModelPackageArn": ModelPackageArn}}
        ended = {"status": "SUCCEEDED", "output": json.dumps(self.output), "input": json.dumps(given)}
        self.step_functions.put("other", Story(), status="SUCCEEDED", output='{"outcome": "nothing"}', input="{}")
        self.step_functions.put("decided", Story(), **ended)


def deciding(
    deployment: Deployment, registry: FakeRegistry, step_functions: FakeStepFunctions, **output: Any
) -> FakeRegistry:
    known = {"recipe": "prod2vec", "dataset": "d", "model": "prod2vec"}
    fake = Deciding(step_functions, registry.packages, known | output)
    deployment.target._clients["sagemaker"] = fake
    return fake


def test_approving_follows_the_execution_that_it_starts(
    deployment: Deployment,
    registry: FakeRegistry,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = deciding(deployment, registry, step_functions, outcome="registered", run_id=WAITS)
    assert main(["approve", WAITS, "--note", "looks good"]) == 0
    assert fake.packages[2]["ModelApprovalStatus"] == "Approved"
    assert fake.packages[2]["ApprovalDescription"] == "looks good"
    assert f"Version 3 of run {WAITS} is approved." in capsys.readouterr().out


def test_a_model_that_lost_meanwhile_ends_as_a_refused_one(
    deployment: Deployment, registry: FakeRegistry, step_functions: FakeStepFunctions
) -> None:
    deciding(deployment, registry, step_functions, outcome="refused", run_id=WAITS)
    assert main(["approve", WAITS]) == 5


def test_rejecting_a_version_that_waits_is_all_there_is_to_do(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reject", WAITS]) == 0
    assert registry.approvals() == {1: "Approved", 2: "Approved", 3: "Rejected"}
    assert capsys.readouterr().out == f"Version 3 of run {WAITS} is rejected.\n"


def test_rejecting_the_version_in_use_follows_the_way_back(
    deployment: Deployment,
    registry: FakeRegistry,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deciding(deployment, registry, step_functions, outcome="reverted", reason=REVERTED, run_id=RUNS[0])
    assert main(["reject", USED]) == 0
    assert REVERTED in " ".join(capsys.readouterr().out.split())


def test_what_is_decided_already_is_refused_with_what_to_do(deployment: Deployment, registry: FakeRegistry) -> None:
    with pytest.raises(TrainyardError, match=r"version 2 .* is approved\. `trainyard promote prod2vec 2`"):
        approval.approve(deployment, USED)
    registry.packages[2]["ModelApprovalStatus"] = "Rejected"
    with pytest.raises(TrainyardError, match="is rejected already"):
        approval.reject(deployment, WAITS)
    with pytest.raises(NotFound):
        approval.approve(deployment, "20261101-000000-00000000")


def test_a_decision_that_nobody_hears_is_said(deployment: Deployment) -> None:
    decision = approval.approve(deployment, WAITS)
    with pytest.raises(NotFound, match=r"within 0 s, found none.*`trainyard promote`"):
        approval.started(deployment, decision, patience=0)


@pytest.mark.parametrize("command", [["models"], ["executions"], ["show", "asked"]])
def test_what_waits_is_named_with_the_command_that_approves_it(
    step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    asked(step_functions)
    main(command)
    out = " ".join(capsys.readouterr().out.split())
    assert "Version 3 of prod2vec waits for approval, asked" in out
    assert f"`trainyard approve {WAITS}`" in out


def test_an_execution_that_asked_tells_what_has_been_decided_since(
    registry: FakeRegistry, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(step_functions)
    registry.packages[2] |= {"ModelApprovalStatus": "Rejected", "ApprovalDescription": "too few customers"}
    assert main(["show", "asked"]) == 0
    assert "Version 3 has been rejected since: too few customers." in capsys.readouterr().out


def test_what_followed_a_decision_cannot_be_run_again(
    deployment: Deployment,
    registry: FakeRegistry,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deciding(deployment, registry, step_functions, outcome="registered", run_id=WAITS)
    main(["approve", WAITS, "--no-follow"])
    assert main(["rerun", "decided"]) == 1
    assert "decided followed the approval or rejection of a version" in " ".join(capsys.readouterr().err.split())


def test_status_names_what_waits(
    deployment: Deployment,
    formation: FakeCloudFormation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from trainyard.cli import status
    from trainyard.client import deployment as deployments

    formation.stacks = {"trainyard-dev-data": {}, "trainyard-dev-workflow": {}}
    monkeypatch.setattr(target, "connect", lambda **_: deployment.target)
    monkeypatch.setattr(deployments, "find", lambda *_: deployment)
    monkeypatch.setattr(status.alarms, "ringing", lambda _: [])
    assert main(["status", "--json"]) == 0
    [waiting] = json.loads(capsys.readouterr().out)["waiting_for_approval"]
    assert (waiting["run_id"], waiting["version"], waiting["model"]) == (WAITS, 3, "prod2vec")


def asked(step_functions: FakeStepFunctions) -> None:
    """The execution whose model waits."""
    decision = {"promote": True, "waits": True, "summary": "passed by the gate: hit_rate_at_10 0.3"}
    output = {"outcome": "waiting", "recipe": "prod2vec", "dataset": "d", "run_id": WAITS, "decision": decision}
    step_functions.put("asked", Story(), status="SUCCEEDED", output=json.dumps(output), input='{"recipe": "prod2vec"}')
