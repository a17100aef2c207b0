"""What a reader is shown while an execution runs and when it ends, and the exit code that goes with it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from tests.cli import test_logs
from tests.cli.story import START, FakeStepFunctions, Story
from trainyard.aws import executions
from trainyard.aws.deployment import Deployment
from trainyard.cli import demo, follow, graph, outcome, runs
from trainyard.cli.follow import Observer, PlainScreen

CHECK = {"name": "hit_rate_at_10", "passed": True, "sentence": "hit_rate_at_10 >= 0.02: it is 0.24."}
DECISION: dict[str, Any] = {
    "promote": True,
    "reasons": [],
    "checks": [CHECK],
    "metrics": {"hit_rate_at_10": {"value": 0.24123, "low": 0.23, "high": 0.25}, "mrr": {"value": 0.125}},
    "references": {"popularity": {"hit_rate_at_10": 0.05}},
    "champion": {"run_id": "r0", "metrics": {"hit_rate_at_10": {"value": 0.21}}, "difference": {}},
}


def told(
    deployment: Deployment, fake: FakeStepFunctions, capsys: pytest.CaptureFixture[str], story: Story, **values: Any
) -> tuple[int, str]:
    arn = fake.put("e1", story, **values)
    picture = Observer(deployment, arn).picture()
    code = outcome.tell(deployment, picture.execution, picture.visits)
    return code, capsys.readouterr().out


def ended(result: str, decision: dict[str, Any]) -> str:
    facts = {"outcome": result, "recipe": "prod2vec", "run_id": "r1", "uri": "s3://artifacts-bucket/prod2vec/r1"}
    return json.dumps({**facts, "dataset": "d", "decision": decision})


def test_a_registered_model_shows_scores_and_highlights(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    highlights = {"title": "Neighbours", "columns": ["product", "nearest"], "rows": [["Salsa [hot]", "Chips"]]}
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/report/highlights.json", Body=json.dumps(highlights).encode()
    )
    code, text = told(
        deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=ended("registered", DECISION)
    )
    assert code == 0
    for expected in ("passed the gate", "0.2412", "0.23 to 0.25", "popularity", "0.05", "champion", "0.21"):
        assert expected in text
    for expected in ("Salsa [hot]", "Chips", "s3://artifacts-bucket/prod2vec/r1/report/index.html"):
        assert expected in text


def test_a_refused_model_shows_the_failed_checks(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    check = {**CHECK, "passed": False, "sentence": "hit_rate_at_10 >= 0.9: it is 0.24."}
    decision = {**DECISION, "promote": False, "checks": [check], "champion": None}
    code, text = told(
        deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=ended("refused", decision)
    )
    assert code == 5
    assert "refused the model" in text
    assert "✗ hit_rate_at_10 >= 0.9: it is 0.24." in text


def test_bad_data_lists_every_reason(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    cause = "products.csv, line 3: expected a number, found 'x'.\norders.csv: expected 4 columns, found 3."
    code, text = told(deployment, step_functions, capsys, Story(), status="FAILED", error="BadData", cause=cause)
    assert code == 3
    assert all(f"• {line}" in text for line in cause.splitlines())
    assert "redrive" not in text


def test_a_bad_request_and_an_idle_execution(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = told(
        deployment, step_functions, capsys, Story(), status="FAILED", error="BadRequest", cause="seed: expected 0."
    )
    assert (code, "• seed: expected 0." in text) == (2, True)
    idle = json.dumps({"outcome": "nothing", "reason": "waiting for products.csv"})
    code, text = told(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=idle)
    assert (code, "waiting for products.csv" in text) == (0, True)


def test_a_failed_job_shows_root_cause_log_and_redrive(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    test_logs.write(deployment, "/aws/sagemaker/TrainingJobs", "train-1/algo-1", "Traceback", "MemoryError: too big")
    story = Story()
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    cause = json.dumps({"TrainingJobName": "train-1", "FailureReason": "AlgorithmError: too big"})
    story.fail("States.TaskFailed", cause)
    story.end("States.TaskFailed", cause)
    code, text = told(
        deployment, step_functions, capsys, story, status="FAILED", error="States.TaskFailed", cause=cause
    )
    assert code == 1
    for expected in (
        "FAILED at Train model",
        "AlgorithmError: too big",
        "MemoryError: too big",
        "trainyard redrive e1",
    ):
        assert expected in text


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_other_ends_are_failures(deployment: Deployment, step_functions: FakeStepFunctions, status: str) -> None:
    execution = executions.describe(deployment.target, step_functions.put("e1", status=status))
    assert outcome.exit_code(execution) == 1


def test_plain_following_says_each_change_once_and_progress_now_and_then(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    time = [0.0]
    screen = PlainScreen(clock=lambda: time[0])
    story = Story()
    story.enter("Tune?", "Choice")
    story.leave("Tune?", "Choice")
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    arn = step_functions.put("e1", story)
    observer = Observer(deployment, arn)
    for second, line in enumerate(("progress=0.100; epoch 1", "progress=0.200; epoch 2", "loss falls")):
        test_logs.write(deployment, "/aws/sagemaker/TrainingJobs", "train-1/algo-1", line)
        time[0] = float(second)
        screen.show(observer.picture())
    assert observer.picture().last_line == "train-1 │ loss falls"
    time[0] = 11.0
    screen.show(observer.picture())
    story.succeed()
    story.leave("Train model")
    screen.show(observer.picture())
    said = [line.split("  ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert said[:3] == [
        "Train model: started (training train-1)",
        "Train model: 10% epoch 1",
        "Train model: 20% epoch 2",
    ]
    assert said[3].startswith("Train model: succeeded after")
    assert len(said) == 4


def test_the_live_table_fits_the_screen_and_keeps_what_runs(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    story = Story()
    for number in range(30):
        story.enter(f"State {number}")
        story.leave(f"State {number}")
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1" * 9})
    picture = Observer(deployment, step_functions.put("e1", story)).picture()
    long = replace(picture, pending=[f"Later {number}" for number in range(9)], last_line="x" * 300)
    screen = Console(width=60, height=20, file=StringIO())
    screen.print(graph.live(long, START, height=screen.height))
    lines = screen.file.getvalue().splitlines()
    assert len(lines) <= 20
    (running,) = [line for line in lines if "Train model" in line]
    assert running.startswith("◐")
    assert any("Later 0" in line for line in lines)
    assert not any("State 0 " in line for line in lines)


@pytest.mark.parametrize("columns", [3, 11])
def test_wide_highlights_are_turned(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    columns: int,
) -> None:
    highlights = {
        "title": "Neighbours",
        "columns": [f"c{number}" for number in range(columns)],
        "rows": [[f"r{row}c{number}" for number in range(columns)] for row in range(2)],
    }
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/report/highlights.json", Body=json.dumps(highlights).encode()
    )
    _, text = told(
        deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=ended("registered", DECISION)
    )
    together = [line for line in text.splitlines() if "r0c1" in line]
    assert ("r0c2" in together[0], "r1c1" in together[0]) == ((True, False) if columns == 3 else (False, True))


def test_a_tuning_jobs_progress_counts_its_training_jobs(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    class Tuning:
        def describe_hyper_parameter_tuning_job(self, **_: str) -> dict[str, Any]:
            best = {"FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "auc", "Value": 0.91234}}
            return {
                "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 8}},
                "TrainingJobStatusCounters": {"Completed": 1, "InProgress": 2, "Stopped": 1},
                "BestTrainingJob": best,
            }

    deployment.target._clients["sagemaker"] = Tuning()
    test_logs.write(deployment, "/aws/sagemaker/TrainingJobs", "tune-1-001-aa/algo-1", "progress=0.900; epoch 9")
    story = Story()
    story.enter("Tune hyperparameters")
    story.schedule("createHyperParameterTuningJob.sync", {"HyperParameterTuningJobName": "tune-1"})
    picture = Observer(deployment, step_functions.put("e1", story)).picture()
    assert picture.progress["tune-1"] == (0.25, "2 of 8 training jobs, best auc 0.9123")


def test_an_interrupt_detaches_and_says_how_to_come_back(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainyard.cli.follow.time.sleep", interrupt)
    arn = step_functions.put("e1", Story())
    assert runs.watch_to_end(deployment, arn, "e1") == (130, None)
    assert "trainyard show e1 --follow" in capsys.readouterr().out
    assert step_functions.stopped == []


def test_orchestration_is_what_the_jobs_own_clocks_do_not_explain(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    class Clocks:
        def get_job_run(self, **_: str) -> dict[str, Any]:
            return {"JobRun": {"StartedOn": START, "CompletedOn": START + timedelta(seconds=3)}}

        def describe_training_job(self, **_: str) -> dict[str, Any]:
            return {"TrainingStartTime": START, "TrainingEndTime": START + timedelta(seconds=7.5)}

    deployment.target._clients.update(glue=Clocks(), sagemaker=Clocks())
    story = Story()
    story.resolved({"outcome": "train"})
    story.enter("Ingest raw data")
    story.schedule("startJobRun.sync", {"JobName": "ingest"})
    story.succeed(output={"Id": "jr_1"})
    story.leave("Ingest raw data")
    story.training()
    picture = Observer(deployment, step_functions.put("e1", story)).picture()
    assert demo.working_seconds(deployment, picture) == 10.5


def test_following_ends_with_the_execution(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    story = Story()
    story.training()
    arn = step_functions.put("e1", story, status="SUCCEEDED", output='{"outcome": "nothing"}')
    picture = follow.follow(deployment, arn, screen=PlainScreen())
    assert picture.execution.status == "SUCCEEDED"
    assert picture.pending == []


def test_a_fan_out_tells_how_each_child_ended(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    children = [{"name": "product-7", "outcome": "registered", "reason": "auc 0.81"}]
    output = json.dumps({"outcome": "children", "recipe": "propensity", "run_id": "r1", "children": children})
    code, text = told(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=output)
    assert code == 0
    assert "product-7 registered: auc 0.81" in text
    failed = {"error": "ChildrenFailed", "cause": "product-8: no sales\nproduct-9: no network"}
    code, text = told(deployment, step_functions, capsys, Story(), status="FAILED", **failed)
    assert code == 1
    for expected in ("they stopped no other", "• product-8: no sales", "• product-9: no network"):
        assert expected in text


def test_a_deployment_tells_its_endpoint_or_why_it_was_rolled_back(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    output = json.dumps({**json.loads(ended("registered", DECISION)), "endpoint": "trainyard-dev-prod2vec"})
    code, text = told(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=output)
    assert code == 0
    assert "trainyard-dev-prod2vec" in text
    failed = {"error": "DeploymentRolledBack", "cause": "Request 1: Expected 5, found 6.\nEndpoint x is InService."}
    code, text = told(deployment, step_functions, capsys, Story(), status="FAILED", **failed)
    assert code == 1
    for expected in ("is registered, but its deployment was rolled back", "• Request 1: Expected 5, found 6."):
        assert expected in text
    # The rest of the execution is done: nothing is left to go on with.
    assert "redrive" not in text


def test_a_deployment_that_was_overtaken_names_the_newer_run_and_what_to_do(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    output = {"outcome": "superseded", "recipe": "prod2vec", "dataset": "d", "run_id": "r1", "newer_run": "r2"}
    code, text = told(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=json.dumps(output))
    assert code == 0
    assert "The model of run r1 was not put into service: that of run r2 is newer." in text
    assert "trainyard release prod2vec" in text
