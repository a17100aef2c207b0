"""`trainyard score`: what it uploads and starts, what it refuses, and how its end is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.story import FakeStepFunctions, Story
from tests.cli.test_commands import deployed  # noqa: F401 - a fixture
from tests.cli.test_ending import DECISION, ended, printed
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment

FILES = ("products.csv", "order_products__prior.csv")


@pytest.fixture
def started(
    deployed: Deployment,  # noqa: F811 - the fixture
    step_functions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> list[dict[str, Any]]:
    """Inputs of the executions that were started."""
    inputs: list[dict[str, Any]] = []

    def start_execution(*, stateMachineArn: str, name: str, input: str) -> dict[str, str]:
        inputs.append(json.loads(input))
        return {"executionArn": step_functions.put(name, Story(), input=input)}

    monkeypatch.setattr(step_functions, "start_execution", start_execution, raising=False)
    return inputs


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).write_text("x\n", encoding="utf-8")
    return tmp_path


def test_files_go_where_no_upload_starts_a_training(
    deployed: Deployment,  # noqa: F811 - the fixture
    started: list[dict[str, Any]],
    data: Path,
) -> None:
    (data / "run.json").write_text('{"score": {"chunk_rows": 200}}', encoding="utf-8")
    assert main(["score", "prod2vec", "--data", str(data), "--dataset", "d", "--set", "seed=3", "--no-follow"]) == 0
    listed = deployed.target.client("s3").list_objects_v2(Bucket="raw-bucket")["Contents"]
    assert {each["Key"] for each in listed} == {f"score/prod2vec/d/{name}" for name in FILES}
    assert started == [
        {
            "recipe": "prod2vec",
            "dataset": "d",
            "task": "score",
            "folder": "score",
            "overrides": {"score": {"chunk_rows": 200}, "seed": 3},
        }
    ]


def test_a_data_set_of_the_bucket_is_scored_where_it_lies(started: list[dict[str, Any]]) -> None:
    assert main(["score", "prod2vec", "--dataset", "d", "--no-follow"]) == 0
    assert (started[0]["dataset"], started[0]["folder"]) == ("d", "raw")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["score", "prod2vec"], 2, "Expected --data"),
        (["score", "prod2vec", "--dataset", "a/b"], 2, "data set name"),
        (["score", "prod2vec", "--data", "/nowhere"], 4, "Expected a folder"),
        (["score", "prod2vec", "--dataset", "d", "--set", "score.chunk_rows=1"], 2, "chunk_rows"),
    ],
)
def test_mistakes_start_nothing(
    started: list[dict[str, Any]],
    arguments: list[str],
    code: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments) == code
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert started == []


def test_an_incomplete_set_is_not_uploaded(
    deployed: Deployment,  # noqa: F811 - the fixture
    started: list[dict[str, Any]],
    data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (data / FILES[1]).unlink()
    assert main(["score", "prod2vec", "--data", str(data)]) == 2
    assert "found no order_products__prior.csv" in " ".join(capsys.readouterr().err.split())
    assert "Contents" not in deployed.target.client("s3").list_objects_v2(Bucket="raw-bucket")
    assert started == []


def test_the_end_names_table_rows_and_shows_some(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"product_id": 7, "product_name": "Salsa [hot]", "similar": [{"product_id": 8}], "share": 0.123456}]
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/score/head.json", Body=json.dumps(rows).encode()
    )
    moves = [
        {"table": "products", "column": "aisle", "what": "missing", "distance": 0.08, "enough": 0.03, "p_value": 0.0}
    ]
    drift = {"version": 1, "reference": "r0", "moves": [{**moves[0], "text": "missing 2.0% -> 10.0%"}], "compared": 4}
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/score/drift.json", Body=json.dumps(drift).encode()
    )
    output = {
        "outcome": "scored",
        "recipe": "prod2vec",
        "run_id": "r1",
        "uri": "s3://artifacts-bucket/prod2vec/r1",
        "table": "trainyard_dev.prod2vec",
        "partition": {"model": "prod2vec", "run": "r1"},
        "files": "s3://artifacts-bucket/scores/prod2vec/model=prod2vec/run=r1/",
        "rows": 49688,
        "seconds": 12.5,
        "scored_by_run": "r0",
    }
    code, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=json.dumps(output))
    assert code == 0
    for expected in ("49,688 rows in 12.5 s", "trainyard_dev.prod2vec", "run=r1", "Salsa [hot]", "0.1235", "r0"):
        assert expected in text
    assert "1 of 4 columns of data and answers" in text
    assert "products.aisle: missing 2.0% -> 10.0%" in text
    assert "s3://artifacts-bucket/prod2vec/r1/score/index.html" in text
    assert "trainyard artifacts r1 --download DIR" in text


def test_without_a_model_the_reason_is_printed(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = json.dumps({"recipe": "prod2vec", "dataset": "d", "task": "score"})
    code, text = printed(
        deployment,
        step_functions,
        capsys,
        Story(),
        status="FAILED",
        error="NoModel",
        cause="No such model.",
        input=asked,
    )
    assert code == 2
    assert "No such model." in text
    assert "trainyard run prod2vec" in text


def test_a_new_model_that_scored_at_once_says_how_many_rows(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = json.dumps({"rows": 1234, "seconds": 2.0}).encode()
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/score/summary.json", Body=summary
    )
    output = ended("registered", DECISION)
    _, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=output)
    assert "1,234 rows" in text
    assert "s3://artifacts-bucket/prod2vec/r1/score/index.html" in text
