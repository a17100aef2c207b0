"""`trainyard policy` shows what is deployed, as a table and as JSON; and says when that is older than policies are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.run.document import decoded, encoded
from trainyard.run.policy import Policy


class FakeLambda:
    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == "trainyard-dev-resolve"
        return {"Environment": {"Variables": self.variables}}


@pytest.fixture
def deployed(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    return deployment


def test_a_policy_is_shown_as_it_is_deployed(deployed: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    variables = {"POLICY": json.dumps(encoded(Policy()))}
    deployed.target._clients["lambda"] = FakeLambda(variables)
    assert main(["policy", "--json"]) == 0
    assert decoded(Policy, json.loads(capsys.readouterr().out)) == Policy()
    assert main(["policy"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for each in ("data.source", "everything", "tuning.max_jobs, at most 20 100", "ml.g[4-6]*.xlarge"):
        assert each in shown


def test_a_deployment_without_a_policy_is_named(deployed: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    deployed.target._clients["lambda"] = FakeLambda({})
    assert main(["policy"]) == 4
    assert "deployed by a version without policies, which refuses nothing" in capsys.readouterr().err
