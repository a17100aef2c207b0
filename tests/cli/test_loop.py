"""The editing loop: data sets in the bucket, runs beside each other, old ones removed, and all of it from Python."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import trainyard
from tests.cli.conftest import deployed_in_moto
from tests.cli.story import FakeRegistry, FakeStepFunctions, Story, execution_arn
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client import connection
from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import describe
from trainyard.client.execution.watch import Started, Watch
from trainyard.client.model import endpoints
from trainyard.client.run import pruning
from trainyard.client.yard import Yard
from trainyard.errors import BadRequest, ConfigError, JobFailed, NotFound, TrainyardError
from trainyard.run.document import encoded
from trainyard.run.documents import Difference
from trainyard.run.recipe import config as recipe_config
from trainyard.run.run import InputFile, Run
from trainyard.run.watch.drift import DataDrift

A, B, C = (f"2026112{day}-120000-0000000{day}" for day in (1, 2, 3))


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """Three runs of prod2vec: the first registered and in use, the third by an execution that still runs."""
    fake = FakeStepFunctions()
    with deployed_in_moto(fake) as found:
        for run_id, epochs, value in ((A, 5, 0.7), (B, 9, 0.75)):
            put_run(found, run_id, epochs=epochs, value=value)
        item = {"id": "champion/prod2vec", "run_id": A, "model_data": f"s3://artifacts-bucket/prod2vec/{A}/m.tar.gz"}
        table = found.target.client("dynamodb")
        table.put_item(TableName="ledger", Item={name: {"S": value} for name, value in item.items()})
        found.target.client("s3").put_object(Bucket="raw-bucket", Key="raw/prod2vec/half/products.csv", Body=b"12345")
        yield found


@pytest.fixture(autouse=True)
def registered(deployment: Deployment, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    registry.put(A)
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    monkeypatch.setattr(connection, "deployed", lambda **_: deployment)
    return registry


@pytest.fixture
def yard() -> Yard:
    return trainyard.connect()


def put(deployment: Deployment, key: str, content: Mapping[str, Any] | bytes) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    deployment.target.client("s3").put_object(Bucket="artifacts-bucket", Key=key, Body=body)


def put_run(deployment: Deployment, run_id: str, *, epochs: int, value: float) -> None:
    config = recipe_config("prod2vec", {"hyperparameters": {"epochs": epochs}})
    run = Run(
        recipe="prod2vec",
        run_id=run_id,
        dataset="half",
        execution_arn=execution_arn(run_id),
        raw_bucket="raw-bucket",
        artifacts_bucket="artifacts-bucket",
        fingerprint="f",
        code_version="1",
        files=(
            InputFile(source="products", key="raw/prod2vec/half/products.csv", version_id=run_id, size=1, etag="e"),
        ),
        config=encoded(config),
    )
    metric = {"value": value, "low": value - 0.1, "high": value + 0.1}
    found: dict[str, Any] = {"metrics": {"hit_rate_at_10": metric}, "primary": "hit_rate_at_10", "rows": 1427}
    if run_id == B:
        difference = {"value": 0.05, "low": 0.01, "high": 0.09}
        found["champion"] = {"run_id": A, "metrics": {}, "difference": difference}
    put(deployment, f"prod2vec/{run_id}/resolve/request.json", run.to_mapping())
    put(deployment, f"prod2vec/{run_id}/evaluate/evaluation.json", found)
    for key, rows in (("report/embeddings", 2), ("process/holdout/queries", 1), ("process/train/queries", 1)):
        put(deployment, f"prod2vec/{run_id}/{key}.parquet", table(rows))
    for part in (0, 1):
        put(deployment, f"prod2vec/{run_id}/ingest/orders/part-0000{part}.parquet", table(2, first=2 * part))


def table(rows: int, *, first: int = 0) -> bytes:
    file = io.BytesIO()
    pd.DataFrame({"row": range(first, first + rows)}).to_parquet(file)
    return file.getvalue()


def executed(deployment: Deployment, run_id: str, **values: Any) -> str:
    """An execution that made a run; returns its name."""
    story = Story()
    plan = {"outcome": "train", "reason": "", "run_id": run_id, "prefix": f"prod2vec/{run_id}"}
    story.resolved(plan)
    fake = deployment.target.client("stepfunctions")
    given = {"input": json.dumps({"recipe": "prod2vec", "dataset": "half"}), "status": "SUCCEEDED", **values}
    fake.put(f"e-{run_id}", story, **given)
    return f"e-{run_id}"


def test_compare_shows_what_differs_and_by_how_much(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["compare", A, executed(deployment, B)]) == 0
    said = capsys.readouterr().out
    assert max(len(line) for line in said.splitlines() if " is better than " not in line) <= 80
    rows = [line.split() for line in said.splitlines()]
    assert ["hyperparameters.epochs", "5", "9"] in rows
    assert "0.7 (0.6 to 0.8)" in said
    better = f"{B} is better than {A}: hit rate at 10 +0.05 (+0.01 to +0.09), on the same 1,427 held-out examples."
    assert better in said
    assert main(["compare", A, B, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["settings"] == [{"name": "hyperparameters.epochs", "values": [5, 9]}]
    assert (document["files"], document["same_holdout"]) == ([], True)
    assert (document["pairs"][0]["difference"]["low"], document["pairs"][0]["verdict"]) == (0.01, "better than")
    # The other way round it is the other way round.
    [turned] = trainyard.connect().compare(B, A).pairs
    assert turned.difference == Difference(value=-0.05, low=-0.09, high=-0.01)
    assert turned.verdict == "worse than"


def test_compare_says_which_columns_moved(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    for run_id, missing in ((A, 0.02), (B, 0.1)):
        column = {"kind": "category", "missing": missing, "rows": 2000, "complete": True}
        tables = {"products": {"rows": 2000, "sampled": 2000, "columns": {"aisle": column}}}
        put(deployment, f"prod2vec/{run_id}/ingest/profile.json", {"version": 1, "tables": tables})
    assert main(["compare", A, B]) == 0
    said = capsys.readouterr().out
    assert f"Columns of {B} that moved from {A}, beyond chance" in said
    assert "products.aisle: missing 2.0% -> 10.0%" in said
    assert main(["compare", A, B, "--json"]) == 0
    [drift] = json.loads(capsys.readouterr().out)["drift"]
    assert (drift["run"], drift["moves"][0]["what"]) == (B, "missing")


def test_runs_of_several_recipes_are_not_compared(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    request = deployment.target.client("s3").get_object(
        Bucket="artifacts-bucket", Key=f"prod2vec/{A}/resolve/request.json"
    )
    other = {**json.loads(request["Body"].read()), "recipe": "two_tower", "run_id": C}
    put(deployment, f"two_tower/{C}/resolve/request.json", other)
    assert main(["compare", A, C]) == 2
    assert "runs of one recipe, found prod2vec and two_tower" in capsys.readouterr().err


def test_data_says_what_each_set_waits_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["data", "prod2vec"]) == 0
    said = capsys.readouterr().out
    assert "half" in said
    assert "waits for" in said
    assert main(["data", "two_tower", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_run_trains_the_data_set_that_is_in_the_bucket(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, plan = deployment.target.client("stepfunctions"), {"outcome": "train", "reason": "", "run_id": A}

    def deciding(execution: str) -> list[dict[str, Any]]:
        story = Story()
        story.resolved(plan)
        return story.events

    monkeypatch.setattr("trainyard.client.execution.executions.history", lambda _, arn: deciding(arn))
    asked = ["--dataset", "half", "--set", "hyperparameters.epochs=3", "--model", "mine", "--no-follow"]
    assert main(["run", "prod2vec", *asked]) == 0
    assert "Training data set half, which is in the bucket." in capsys.readouterr().out
    overrides = {"hyperparameters": {"epochs": 3}, "model": "mine"}
    given = {"recipe": "prod2vec", "dataset": "half", "task": "train", "folder": "raw", "overrides": overrides}
    assert json.loads(fake.started[-1]["input"]) == given


def test_prune_shows_first_and_keeps_what_models_and_running_executions_need(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = execution_arn("going")
    running = f"20261125-120000-{hashlib.sha256(arn.encode()).hexdigest()[:8]}"
    old = [f"20261010-12000{each}-aaaaaaaa" for each in (1, 2)]
    for run_id in (running, *old):
        put(deployment, f"prod2vec/{run_id}/resolve/request.json", b"12")
        put(deployment, f"prod2vec/{run_id}/resolve/request.json", b"123")
    deployment.target.client("stepfunctions").put("going")
    found = pruning.old_runs(deployment, keep=2)
    assert [(each.run_id, each.objects, each.bytes) for each in found] == [(each, 1, 3) for each in old]
    assert main(["prune", "--keep", "2"]) == 0
    assert "2 runs with 6 B would be removed; do it with --yes." in capsys.readouterr().out
    assert main(["prune", "--keep", "2", "--yes", "--json"]) == 0
    assert [each["run_id"] for each in json.loads(capsys.readouterr().out)["runs"]] == old
    listed = deployment.target.client("s3").list_object_versions(Bucket="artifacts-bucket")
    left = {each["Key"].split("/")[1] for each in (*listed["Versions"], *listed.get("DeleteMarkers", ()))}
    assert left >= {A, B, running}
    assert left.isdisjoint(old)
    assert pruning.old_runs(deployment, keep=2) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 5}, "Did you mean hyperparameters.epochs?"),
        ({"hyperparameters": {"epoch": 5}}, "Did you mean hyperparameters.epochs?"),
        ({"jobs": {"trian": {}}}, "Did you mean jobs.train?"),
    ],
)
def test_settings_that_are_nearly_right_are_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        recipe_config("prod2vec", changes)
    assert str(refused.value).endswith(said)


def test_recipes_that_are_nearly_right_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["run", "prod2vc"], ["executions", "--recipe", "prod2vc"], ["models", "prod2vc"]):
        assert main(command) == 2
        assert capsys.readouterr().err.endswith("found 'prod2vc'. Did you mean prod2vec?\n")


def test_a_run_from_python_has_metrics_settings_and_tables(deployment: Deployment, yard: Yard) -> None:
    run = yard.find(executed(deployment, B, output=json.dumps({"outcome": "registered"})))
    assert run.wait() is run
    assert (run.status, run.outcome, run.metrics) == ("SUCCEEDED", "registered", {"hit_rate_at_10": 0.75})
    assert run.settings["hyperparameters.epochs"] == 9
    assert list(run.frame("orders")["row"]) == [0, 1, 2, 3]
    assert len(run.frame("embeddings")) == 2
    assert len(run.frame("holdout/queries")) == 1
    with pytest.raises(NotFound, match="found process/holdout/queries, process/train/queries"):
        run.frame("queries")
    with pytest.raises(NotFound, match="Did you mean embeddings"):
        run.frame("embedings")
    assert run.name in [each.name for each in yard.runs("prod2vec")]
    assert [line.values for line in yard.compare(A, run).settings] == [[5, 9]]


def test_what_reads_tables_is_said_where_it_is_missing(
    deployment: Deployment, yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = yard.find(executed(deployment, B))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(TrainyardError, match=r"pip install 'trainyard\[notebook\]'"):
        run.frame("embeddings")


def test_waiting_ends_with_the_time_or_in_the_words_of_what_failed(deployment: Deployment, yard: Yard) -> None:
    name = executed(deployment, C, status="RUNNING")
    run, stored = yard.find(name), deployment.target.client("stepfunctions").executions[execution_arn(name)]
    with pytest.raises(TrainyardError, match=r"within 0 s; it is still running"):
        run.wait(timeout=0, sleep=lambda _: None)
    with pytest.raises(JobFailed, match=r"FAILED: no room"):
        run.wait(sleep=lambda _: stored.update(status="FAILED", cause="no room", stopDate=datetime.now(UTC)))


def test_a_run_from_python_uploads_and_starts(
    deployment: Deployment, yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("movies.csv", "ratings.csv"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    begun = describe(deployment.target, execution_arn(executed(deployment, A, status="RUNNING")))
    monkeypatch.setattr(Watch, "wait", lambda *_: Started(execution=begun, plan=None))
    run = yard.run("two_tower", data=str(tmp_path), dataset="mine", settings={"seed": 3}, model="shop")
    assert (run.name, run.status) == (f"e-{A}", "RUNNING")
    s3 = deployment.target.client("s3")
    listed = s3.list_objects_v2(Bucket="raw-bucket", Prefix="raw/two_tower/mine/")["Contents"]
    names = {each["Key"].rpartition("/")[2] for each in listed}
    assert names == {"movies.csv", "ratings.csv", "run.json", "_READY"}
    run_json = s3.get_object(Bucket="raw-bucket", Key="raw/two_tower/mine/run.json")["Body"].read()
    assert json.loads(run_json) == {"seed": 3, "model": "shop"}


def test_a_run_from_python_refuses_before_it_uploads(yard: Yard, tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"Did you mean hyperparameters\.epochs"):
        yard.run("prod2vec", data=tmp_path, settings={"hyperparameters.epoch": 5})
    with pytest.raises(BadRequest, match="found neither"):
        yard.run("prod2vec")
    with pytest.raises(NotFound, match="is missing"):
        yard.run("prod2vec", data=tmp_path)


def test_a_model_answers_rows_and_goes_back(
    deployment: Deployment, yard: Yard, registered: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def invoke(_: Deployment, name: str, *, body: bytes, content_type: str, inference_id: str) -> bytes:
        asked.append((name, json.loads(body)["instances"], content_type, inference_id))
        return b'{"predictions": [1, 2]}'

    monkeypatch.setattr(endpoints, "invoke", invoke)
    model = yard.model("propensity-product-3--shop")
    assert model.predict(pd.DataFrame({"row": [1, 2]}), inference_id="visit-1") == [1, 2]
    assert asked == [
        ("trainyard-dev-propensity-product-3--shop", [{"row": 1}, {"row": 2}], "application/json", "visit-1")
    ]
    (used,) = yard.models()
    assert (used.name, used.in_use and used.in_use.run_id, [each.number for each in used.versions]) == (
        "prod2vec",
        A,
        [1],
    )
    with pytest.raises(NotFound, match="older than that of run"):
        used.rollback()


def test_the_scores_are_those_of_the_newest_complete_scoring(deployment: Deployment, yard: Yard) -> None:
    glue = deployment.target.client("glue")
    glue.create_database(DatabaseInput={"Name": "trainyard_dev"})
    keys = [{"Name": name, "Type": "string"} for name in ("model", "run")]
    glue.create_table(DatabaseName="trainyard_dev", TableInput={"Name": "prod2vec", "PartitionKeys": keys})
    with pytest.raises(NotFound, match="make some with `trainyard score`"):
        yard.scores("prod2vec")
    for run_id, rows in ((A, 1), (B, 3), (C, 5)):
        folder = f"scores/prod2vec/model=prod2vec/run={run_id}"
        put(deployment, f"{folder}/part-0.parquet", table(rows))
        if run_id == C:
            continue
        location = {"Location": f"s3://artifacts-bucket/{folder}"}
        glue.create_partition(
            DatabaseName="trainyard_dev",
            TableName="prod2vec",
            PartitionInput={"Values": ["prod2vec", run_id], "StorageDescriptor": location},
        )
    assert len(yard.scores("prod2vec")) == 3
    assert yard.model("prod2vec").drift() is None
    put(deployment, f"prod2vec/{B}/score/drift.json", DataDrift(reference=A, compared=4).to_json().encode())
    assert yard.model("prod2vec").drift() == DataDrift(reference=A, compared=4)
