"""What a reader is shown while an execution runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from tests.cli import test_logs
from tests.cli.story import START, FakeStepFunctions, Story
from trainyard.cli import demo
from trainyard.cli.execution_view.follow import follow, watch_to_end
from trainyard.cli.execution_view.live import live_table
from trainyard.cli.execution_view.screens import LiveScreen, PlainScreen
from trainyard.client.deployment import Deployment
from trainyard.client.execution.observer import Observer


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
        screen.show(observer.snapshot())
    assert observer.snapshot().last_line == "train-1 │ loss falls"
    time[0] = 11.0
    screen.show(observer.snapshot())
    story.succeed()
    story.leave("Train model")
    screen.show(observer.snapshot())
    said = [line.split("  ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert said[:3] == [
        "Train model: started (training train-1)",
        "Train model: 10% epoch 1",
        "Train model: 20% epoch 2",
    ]
    assert said[3].startswith("Train model: succeeded after")
    assert len(said) == 4


def test_plain_following_says_what_was_reused_and_what_changed(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story()
    story.enter("Find finished stages")
    reused = {"ingest": "20261121-024833-1a2b3c4d", "prepare": "20261121-024833-1a2b3c4d"}
    found = {"start": "process", "reused": reused, "computed": {"process": "data.window 10 -> 5"}, "waits_for": ""}
    story.leave("Find finished stages", output=found)
    PlainScreen().show(Observer(deployment, step_functions.put("e1", story)).snapshot())
    said = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert said[1:] == [
        "ingest, prepare reused from run 20261121-024833-1a2b3c4d",
        "process computed: data.window 10 -> 5",
    ]


def test_the_live_table_fits_the_screen_and_keeps_what_runs(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    story = Story()
    for number in range(30):
        story.enter(f"State {number}")
        story.leave(f"State {number}")
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1" * 9})
    snapshot = Observer(deployment, step_functions.put("e1", story)).snapshot()
    long = replace(snapshot, pending=[f"Later {number}" for number in range(9)], last_line="x" * 300)
    screen = Console(width=60, height=20, file=StringIO())
    screen.print(live_table(long, START, height=screen.height))
    lines = screen.file.getvalue().splitlines()
    assert len(lines) <= 20
    (running,) = [line for line in lines if "Train model" in line]
    assert running.startswith("◐")
    assert any("Later 0" in line for line in lines)
    assert not any("State 0 " in line for line in lines)


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
    snapshot = Observer(deployment, step_functions.put("e1", story)).snapshot()
    assert snapshot.progress["tune-1"] == (0.25, "2 of 8 training jobs, best auc 0.9123")


def test_an_interrupt_detaches_and_says_how_to_come_back(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainyard.cli.execution_view.follow.time.sleep", interrupt)
    arn = step_functions.put("e1", Story())
    assert watch_to_end(deployment, arn, name="e1") == (130, None)
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
    snapshot = Observer(deployment, step_functions.put("e1", story)).snapshot()
    assert demo.working_seconds(deployment, snapshot) == 10.5


@pytest.mark.parametrize("screen", [PlainScreen, LiveScreen])
def test_following_ends_with_the_execution(
    deployment: Deployment, step_functions: FakeStepFunctions, screen: type[PlainScreen | LiveScreen]
) -> None:
    story = Story()
    story.training()
    arn = step_functions.put("e1", story, status="SUCCEEDED", output='{"outcome": "nothing"}')
    snapshot = follow(deployment, arn, screen=screen())
    assert snapshot.execution.status == "SUCCEEDED"
    assert snapshot.pending == []
