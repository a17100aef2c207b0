"""`trainyard drift`: what it starts, what Python starts, and how its end is printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.story import FakeStepFunctions, Story
from tests.cli.test_commands import deployed  # noqa: F401 - a fixture
from tests.cli.test_ending import DECISION, ended, printed
from tests.cli.test_score import started  # noqa: F401 - a fixture
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.client.yard import Yard

START = {"recipe": "prod2vec", "dataset": "model in use", "task": "check_drift", "folder": "raw"}
TEXT = (
    "1 of 4 columns of requests and answers moved since run r0 trained the model, by 500 rows:\n* products.aisle: gone"
)
OUTPUT = {"outcome": "checked", "recipe": "prod2vec", "run_id": "r1", "reason": TEXT, "moved": 1, "served_run": "r0"}


def test_requests_are_checked_as_far_back_as_one_likes(
    started: list[dict[str, Any]],  # noqa: F811 - the fixture
) -> None:
    asked = ["--hours", "48", "--model", "shop", "--set", "on_drift=retrain", "--no-follow"]
    assert main(["drift", "prod2vec", *asked]) == 0
    assert main(["drift", "prod2vec", "--no-follow"]) == 0
    overrides = {"on_drift": "retrain", "drift": {"hours": 48}, "model": "shop"}
    assert started == [{**START, "overrides": overrides}, {**START, "overrides": {}}]


def test_python_starts_the_same(
    deployed: Deployment,  # noqa: F811 - the fixture
    started: list[dict[str, Any]],  # noqa: F811 - the fixture
) -> None:
    run = Yard(deployed).model("prod2vec--shop").check_drift({"drift.least_rows": 5}, hours=48)
    assert run.name.startswith("check_drift-")
    assert started == [{**START, "overrides": {"drift": {"least_rows": 5, "hours": 48}, "model": "shop"}}]


def test_settings_that_there_are_not_start_nothing(
    started: list[dict[str, Any]],  # noqa: F811 - the fixture
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["drift", "prod2vec", "--set", "drift.minutes=5"]) == 2
    assert "drift.minutes" in capsys.readouterr().err
    assert started == []


def test_the_end_says_what_moved_and_what_follows(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    move = {"table": "products", "column": "aisle", "what": "new", "distance": 0.1, "enough": 0.02, "p_value": 0.0}
    document = {"version": 1, "reference": "r0", "moves": [{**move, "text": "gone"}], "compared": 4}
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/score/drift.json", Body=json.dumps(document).encode()
    )
    reason = f"{TEXT}\n\nA retraining on data set shop was started."
    story = {"status": "SUCCEEDED", "output": json.dumps({**OUTPUT, "reason": reason})}
    code, text = printed(deployment, step_functions, capsys, Story(), **story)
    assert code == 0
    assert "1 of 4 columns of requests and answers moved since run r0 trained the model, by 500 rows:" in text
    assert text.count("products.aisle: gone") == 1
    assert "A retraining on data set shop was started." in text


def test_the_end_says_why_nothing_was_compared(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    output = json.dumps({**OUTPUT, "reason": "Nothing was compared: expected at least 200 rows.", "moved": 0})
    code, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=output)
    assert (code, "expected at least 200 rows" in text) == (0, True)


def test_the_end_of_a_training_names_its_page_in_mlflow(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {
        "version": 1,
        "experiment_id": "3",
        "run_id": "4",
        "page": "http://localhost:5000/#/experiments/3/runs/4",
    }
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/report/mlflow.json", Body=json.dumps(document).encode()
    )
    story = {"status": "SUCCEEDED", "output": ended("registered", DECISION)}
    assert document["page"] in printed(deployment, step_functions, capsys, Story(), **story)[1]
