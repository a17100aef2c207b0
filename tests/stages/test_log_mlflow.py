"""Runs in MLflow, on a real server: what is logged, once however often, and what is said of one that is down."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from boto3.exceptions import S3UploadFailedError

from processing_container import log_mlflow as shell
from trainyard.contract.config import to_mapping
from trainyard.errors import JobFailed
from trainyard.run import recipe
from trainyard.run.documents import ChampionMetrics, Comparison, Decision, Difference, Metric
from trainyard.run.run import Run
from trainyard.run.tracking import EXPERIMENT, SECRET, URI, Mlflow, MlflowRun
from trainyard.stages.log_mlflow import contents
from trainyard.stages.log_mlflow.log_mlflow import Artifacts, log_run

mlflow = pytest.importorskip("mlflow")
RUN = Run(
    recipe="neural_topic_model",
    run_id="20261130-020304-0a1b2c3d",
    dataset="reviews",
    execution_arn="arn:aws:states:us-east-1:111122223333:execution:m:train-1",
    raw_bucket="raw",
    artifacts_bucket="artifacts",
    fingerprint="f",
    code_version="abc123def456",
    files=(),
    config=to_mapping(recipe.config("neural_topic_model")),
)
METRICS = {"completion_gain": Metric(value=0.4, low=0.3, high=0.5), "npmi": Metric(value=float("nan"))}
COMPARISON = Comparison(
    metrics=METRICS,
    references={"LDA (gensim)": {"completion_gain": 0.2}},
    champion=ChampionMetrics(
        run_id="20261101-020304-00000001",
        metrics={"completion_gain": Metric(value=0.35)},
        difference=Difference(value=0.05, low=0.0, high=0.1),
    ),
)
DECISION = Decision(promote=True, summary="completion_gain 0.4, better by 0.05")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a database and artifacts of its own."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", f"{folder}/artifacts"]
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=quiet, stdout=log, stderr=log, cwd=folder)
    try:
        _await(f"http://127.0.0.1:{port}/health", folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _await(address: str, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text())


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    for name, file in (("report", "index.html"), ("gate", "model_card.json"), ("model", "model.tar.gz")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(name)
    return Artifacts(report=tmp_path / "report", gated=tmp_path / "gate", model=tmp_path / "model")


def test_a_run_is_logged_and_a_redrive_logs_the_same_one(
    server: str, artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    target = Mlflow(uri=server, experiment="trainyard-dev")
    first, second = (
        log_run(RUN, target, comparison=COMPARISON, decision=each, artifacts=artifacts)
        for each in (DECISION, Decision(promote=False, summary="refused"))
    )
    assert first == second
    # What takes long to keep is not given up after seconds.
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ
    assert first.page == f"{server}/#/experiments/{first.experiment_id}/runs/{first.run_id}"
    client = mlflow.MlflowClient(tracking_uri=server)
    assert client.get_experiment(first.experiment_id).name == "trainyard-dev/neural_topic_model"
    [found] = client.search_runs([first.experiment_id])
    assert (found.info.run_name, found.info.status) == (RUN.run_id, "FINISHED")
    # What is known last counts.
    assert found.data.tags["trainyard.decision"] == "refused"
    assert found.data.tags["trainyard.code_version"] == "abc123def456"
    assert found.data.params["hyperparameters.topics"] == str(RUN.config["hyperparameters"]["topics"])
    assert found.data.params == contents.parameters(RUN)
    assert found.data.metrics == {
        "completion_gain": 0.4,
        "completion_gain/low": 0.3,
        "completion_gain/high": 0.5,
        "champion/completion_gain": 0.35,
        "LDA _gensim_/completion_gain": 0.2,
    }
    assert len(client.get_metric_history(first.run_id, "completion_gain")) == 1
    listed = [
        each.path for folder in ("report", "gate", "model") for each in client.list_artifacts(first.run_id, folder)
    ]
    assert listed == ["report/index.html", "gate/model_card.json", "model/model.tar.gz"]


def test_a_run_that_could_not_be_logged_to_its_end_has_failed(
    server: str, artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_given: object) -> None:
        raise S3UploadFailedError("no such bucket")

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", refused)
    target = Mlflow(uri=server, experiment="refused")
    with pytest.raises(JobFailed, match=r"Expected MLflow at .*: no such bucket"):
        log_run(RUN, target, comparison=COMPARISON, decision=DECISION, artifacts=artifacts)
    client = mlflow.MlflowClient(tracking_uri=server)
    experiment = client.get_experiment_by_name("refused/neural_topic_model").experiment_id
    assert [each.info.status for each in client.search_runs([experiment])] == ["FAILED"]


def test_mlflows_makers_are_told_nothing_and_no_answer_is_waited_for_long(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, str] = {}

    def logged(*_given: object, **_named: object) -> MlflowRun:
        told.update(os.environ)
        return MlflowRun(experiment_id="1", run_id="2")

    for document in (RUN, COMPARISON, DECISION):
        document.write(tmp_path)
    (tmp_path / "mlflow").mkdir()
    monkeypatch.setattr(shell.container, "processing_input", lambda _name: tmp_path)
    monkeypatch.setattr(shell.container, "processing_output", lambda name: tmp_path / name)
    monkeypatch.setattr(shell, "log_run", logged)
    with mock.patch.dict(os.environ, {URI: "https://host", EXPERIMENT: "e", SECRET: "none"}, clear=True):
        shell.main()
    assert told["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert told["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "10"


def test_the_shell_imports_no_mlflow_before_it_has_said_so() -> None:
    code = "import sys, processing_container.log_mlflow; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_server_that_is_down_is_told_in_one_sentence(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    nobody = Mlflow(uri="http://127.0.0.1:9", experiment="trainyard-dev")
    with pytest.raises(JobFailed, match=r"Expected MLflow at http://127\.0\.0\.1:9 to take the run 20261130"):
        log_run(RUN, nobody, comparison=COMPARISON, decision=DECISION, artifacts=artifacts)


def test_what_waits_for_a_person_is_neither_promoted_nor_refused() -> None:
    assert contents.tags(RUN, Decision(promote=True, waits=True))["trainyard.decision"] == "passed, needs approval"
    assert contents.tags(RUN, DECISION)["trainyard.model"] == "neural_topic_model"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"uri": "localhost:5000"}, "mlflow.uri"),
        ({"uri": "https://user:secret@host"}, "mlflow.uri"),
        ({"uri": "arn:aws:sagemaker:us-east-1:111122223333:mlflow-app/app-1"}, "mlflow.artifact_store"),
        ({"uri": "http://host", "artifact_store": "/tmp"}, "mlflow.artifact_store"),
        ({"uri": "http://host/a'b"}, "mlflow.uri"),
        ({"uri": 'http://host/a"b'}, "mlflow.uri"),
        ({"uri": "http://host/a\\b"}, "mlflow.uri"),
        ({"uri": "http://host/${Secret}"}, "mlflow.uri"),
        ({"uri": f"http://host/{'a' * 256}"}, "mlflow.uri"),
        ({"uri": "https://host", "experiment": "team's"}, "mlflow.experiment"),
        ({"uri": "https://host", "secret": "arn:aws:secretsmanager:us-east-1:1:secret:x-AbCdEf"}, "which is no ARN"),
        ({"uri": "http://host", "secret": "login"}, "https://"),
    ],
)
def test_what_is_no_server_is_said_when_it_is_set(settings: dict[str, str], problem: str) -> None:
    assert problem in " ".join(Mlflow(**settings).problems())


def test_servers_with_an_address_and_those_of_sagemaker_are_taken() -> None:
    app = "arn:aws:sagemaker:us-east-1:111122223333:mlflow-app/app-1"
    assert not [*Mlflow(uri="https://mlflow.example.com/team", experiment="Team A/1", secret="a/b").problems()]
    assert not [*Mlflow(uri="http://localhost:5000").problems()]
    assert not [*Mlflow(uri=app, artifact_store="s3://bucket/runs").problems()]
