"""`trainyard policy` shows what is deployed, as a table and as JSON; and says when that is older than policies are."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.story import FakeStepFunctions
from trainyard.cli.dataset import submission
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.run.document import decoded, encoded
from trainyard.run.settings.policy import Policy


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


def test_a_run_asks_with_its_start_for_what_its_upload_may_not_ask_for(
    deployment: Deployment, step_functions: FakeStepFunctions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainyard.client.dataset.submission.decided", lambda _, arn: arn)
    deployment.target._clients["lambda"] = FakeLambda({"POLICY": json.dumps(encoded(Policy()))})
    for name in ("ratings.csv", "movies.csv"):
        (tmp_path / name).write_text("x")
    asked = ["deploy.enabled=true", "seed=3", "tuning.ranges.ease_l2.minimum=30", "tuning.max_jobs=30"]
    prepared = submission.prepare(
        "two_tower", tmp_path, dataset="d", assignments=asked, tune=True, model="mine", size=1, seed=1
    )
    submission.submit(deployment, prepared)
    s3 = deployment.target.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="raw-bucket")["Contents"]]
    assert sorted(key.rpartition("/")[2] for key in keys) == ["_BY_HAND", "movies.csv", "ratings.csv", "run.json"]
    run_json = s3.get_object(Bucket="raw-bucket", Key="raw/two_tower/d/run.json")["Body"].read()
    assert json.loads(run_json) == {"tune": True, "model": "mine", "seed": 3}
    assert json.loads(step_functions.started[0]["input"])["overrides"] == {
        "deploy": {"enabled": True},
        "tuning": {"max_jobs": 30, "ranges": {"ease_l2": {"minimum": 30}}},
    }


def test_settings_that_are_valid_together_only_stay_together() -> None:
    """An upload may have one instance: run.json would ask for a roll-out from one to the other."""
    policy = Policy(upload=dataclasses.replace(Policy().upload, settings=("deploy", "seed")))
    asked = {"deploy": {"type": "instances", "instance_count": 2, "rollout": {"type": "canary"}}, "seed": 3}
    assert policy.divided(asked) == ({"seed": 3}, {"deploy": asked["deploy"]})
