"""Tables fit a terminal of 80 columns, and hold every id, metric and name that a wide one has."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.cli.story import START, FakeRegistry, FakeStepFunctions, Story
from trainyard.cli.command import target, terminal
from trainyard.cli.command.fitting import fitted
from trainyard.cli.execution_view.decision import print_highlights, print_scores
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.run.documents import ChampionMetrics, Decision, Difference, Metric

WIDTH = 80
RUNS = ("20261121-120000-0000000a", "20261122-120000-0000000b")
UUID = "8f14e45f-ceea-467f-ab3d-9c1c3a1f6b2e"
ARCHIVES = "artifacts-bucket/prod2vec"
DATASET = "a-data-set-of-the-north-with-a-very-long-name"
METRICS = (
    *("auc", "pr_auc", "sample_log_loss", "log_loss", "brier_score", "calibration_error", "mean_to_rate"),
    *("precision", "recall", "expected_calibration_error"),
)
BASELINES = ("popularity", "item co-occurrence", "linear SVM, words and characters", "gensim Word2Vec, in_out", "EASE")
words = st.text(alphabet="abcdefgh ij_", min_size=1, max_size=40)


@pytest.fixture(autouse=True)
def narrow(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    monkeypatch.setenv("COLUMNS", str(WIDTH))


def lines_of(said: str, *, holding: Sequence[str]) -> list[str]:
    """The lines of a table, none too long, after a look whether it holds everything."""
    lines = said.splitlines()
    assert [each for each in lines if len(each) > WIDTH] == []
    missing = [each for each in holding if each not in said]
    assert missing == []
    return lines


def printed(*tables: object) -> str:
    console = Console(file=io.StringIO(), width=WIDTH)
    for each in tables:
        console.print(each)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(st.lists(st.tuples(words, words), min_size=1, max_size=12), words)
def test_a_table_of_any_width_fits_and_loses_nothing(columns: list[tuple[str, str]], key: str) -> None:
    said = printed(*fitted([key, *(name for name, _ in columns)], [[key, *(cell for _, cell in columns)]], **FIT))
    assert max(map(len, said.splitlines())) <= WIDTH
    for text in (text for column in columns for text in column):
        # What is folded has its letters, in their order and no others between.
        assert set("".join(text.split())) <= set("".join(said.split()))


FIT: dict[str, object] = {"width": WIDTH, "title": ""}


def test_scores_of_many_metrics_and_baselines() -> None:
    metric = Metric(value=0.123456, low=0.1, high=0.15)
    references = {name: dict.fromkeys(METRICS, 0.7654) for name in BASELINES}
    champion = ChampionMetrics(
        run_id=RUNS[0], metrics=dict.fromkeys(METRICS, metric), difference=Difference(value=0.1, low=0.0, high=0.2)
    )
    decision = Decision(promote=True, metrics=dict.fromkeys(METRICS, metric), references=references, champion=champion)
    console = Console(file=io.StringIO(), width=WIDTH)
    print_scores(decision, console)
    assert isinstance(console.file, io.StringIO)
    holding = [*METRICS, *BASELINES, "0.1235", "0.1 to 0.15", "champion", "new model"]
    lines = lines_of(console.file.getvalue(), holding=holding)
    # Each metric stands whole at the beginning of a line, beside each part of the others.
    assert all(sum(line.startswith(name) for line in lines) >= 3 for name in METRICS)


def test_the_table_of_a_report_is_folded_but_not_cut() -> None:
    products = [f"O'Malley's Organic Corn Tortillas, 10 Tray, Pack of {number}" for number in range(4)]
    console = Console(file=io.StringIO(), width=WIDTH)
    print_highlights({"title": "Nearest", "columns": products, "rows": [products]}, console)
    assert isinstance(console.file, io.StringIO)
    lines = lines_of(console.file.getvalue(), holding=[])
    assert "".join("".join(lines).split()).count("Tortillas") == 8


def test_executions_and_models_and_data(
    deployment: Deployment,
    registry: FakeRegistry,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = json.dumps({"recipe": "neural_topic_model", "dataset": DATASET})
    output = json.dumps({"outcome": "registered", "recipe": "neural_topic_model", "run_id": RUNS[1]})
    step_functions.put(f"train-{UUID}", Story(), status="SUCCEEDED", input=started, output=output)
    step_functions.put(UUID, Story(), status="TIMED_OUT", input=started)
    for days in (0, 10, 3000):
        monkeypatch.setattr(terminal, "now", lambda days=days: START + timedelta(days=days))
        assert main(["executions"]) == 0
        holding = ["train-8f14e45f", "neural_topic_model", "timed out", "registered"]
        lines_of(capsys.readouterr().out, holding=holding)

    for run in RUNS:
        registry.put(run)
        found = {"metrics": {"hit_rate_at_10": {"value": 0.7968, "low": 0.7758, "high": 0.8178}}, "primary": ""}
        key = f"prod2vec/{run}/evaluate/evaluation.json"
        deployment.target.client("s3").put_object(
            Bucket="artifacts-bucket", Key=key, Body=json.dumps({**found, "primary": "hit_rate_at_10"}).encode()
        )
    item = {
        "id": "champion/prod2vec",
        "run_id": RUNS[1],
        "model_data": f"s3://{ARCHIVES}/{RUNS[1]}/train/job/output/model.tar.gz",
    }
    table = deployment.target.client("dynamodb")
    table.put_item(TableName="ledger", Item={name: {"S": value} for name, value in item.items()})
    assert main(["models"]) == 0
    lines_of(capsys.readouterr().out, holding=[*RUNS, "hit_rate_at_10", "0.7968"])

    name = f"raw/neural_topic_model/{DATASET}/Reviews.csv"
    deployment.target.client("s3").put_object(Bucket="raw-bucket", Key=name, Body=b"1")
    assert main(["data"]) == 0
    lines_of(capsys.readouterr().out, holding=["neural_topic_model", "complete"])


def test_show(deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]) -> None:
    job = "trainyard-dev-train-20261129-163036-3736d174-142cad0f"
    story = Story()
    story.resolved({"outcome": "train", "reason": "", "run_id": RUNS[0], "prefix": f"prod2vec/{RUNS[0]}"})
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": job})
    started = json.dumps({"recipe": "neural_topic_model", "dataset": DATASET})
    step_functions.put(f"train-{UUID}", story, input=started)
    assert main(["show", "train-8f14e45f"]) == 0
    said = capsys.readouterr().out
    lines_of(said, holding=["neural_topic_model", "Resolve request", "Train model"])
    for each in (job, UUID, DATASET):
        assert each in "".join(said.split()).replace("│", "")


def test_estimate_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "headline_classifier", "--tune"]) == 0
    lines_of(capsys.readouterr().out, holding=["Build training examples", "ml.m5.xlarge", "At most"])

    rows = [f"{user},{(7 * user + place) % 40},4,1700000000\n" for user in range(30) for place in range(9)]
    (tmp_path / "ratings.csv").write_text("".join(["userId,movieId,rating,timestamp\n", *rows]), encoding="utf-8")
    assert main(["check", "two_tower", "--data", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    table = said[said.index("ratings, 270 rows") :].splitlines()[:8]
    assert max(map(len, table)) <= WIDTH
    assert all(name in "\n".join(table) for name in ("userId", "movieId", "rating", "timestamp"))
