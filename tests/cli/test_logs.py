"""Logs are read from where the last call ended, whichever streams appear meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count, repeat
from typing import Any

import pytest

from tests.cli.story import START, Story
from trainyard.client.deployment import Deployment
from trainyard.client.execution import logs
from trainyard.client.execution.function_log import owners
from trainyard.client.execution.history import visits
from trainyard.client.execution.jobs import Job, JobKind
from trainyard.client.execution.log_line import LogLine

clock: Iterator[int] = count()


def write(deployment: Deployment, group: str, stream: str, *lines: str) -> None:
    client: Any = deployment.target.client("logs")
    if not client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        client.create_log_group(logGroupName=group)
    if not client.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    start = int(START.timestamp() * 1000)
    events = [{"timestamp": start + next(clock), "message": line} for line in lines]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_a_tail_gives_each_line_once(deployment: Deployment) -> None:
    group = "/aws/sagemaker/TrainingJobs"
    tail = logs.LogTail(deployment.target, Job(kind=JobKind.TRAINING, name="train-1"))
    assert tail.read() == []
    write(deployment, group, "train-1/algo-1", "one", "two")
    write(deployment, group, "train-12/algo-1", "another job")
    assert [each.text for each in tail.read()] == ["one", "two"]
    assert tail.read() == []
    write(deployment, group, "train-1/algo-1", "three")
    assert [each.text for each in tail.read()] == ["three"]


def test_a_tuning_job_logs_through_its_training_jobs(deployment: Deployment) -> None:
    group = "/aws/sagemaker/TrainingJobs"
    write(deployment, group, "tune-1-001-aa/algo-1", "a")
    write(deployment, group, "tune-1-002-bb/algo-1", "b")
    write(deployment, group, "tune-12-001-cc/algo-1", "c")
    tail = logs.LogTail(deployment.target, Job(kind=JobKind.TUNING, name="tune-1"))
    assert [each.text for each in tail.read()] == ["a", "b"]


def test_lines_of_one_millisecond_keep_their_order(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.cli.test_logs.clock", repeat(0))
    write(deployment, "/aws/sagemaker/TrainingJobs", "train-1/algo-1", "b", "a", "c")
    tail = logs.LogTail(deployment.target, Job(kind=JobKind.TRAINING, name="train-1"))
    assert [each.text for each in tail.read()] == ["b", "a", "c"]


def test_of_a_glue_run_what_its_script_wrote_is_read_or_else_what_glue_wrote(deployment: Deployment) -> None:
    story = Story()
    story.enter("Ingest raw data")
    story.schedule("startJobRun.sync", {"JobName": "ingest"})
    story.fail("States.TaskFailed", '{"Id": "jr_1", "JobName": "ingest"}')
    (visit,) = visits(story.events)
    tail = logs.LogTail(deployment.target, Job(kind=JobKind.GLUE, name="ingest", run_id="jr_1"))
    write(deployment, "/aws-glue/jobs/error", "jr_1", "no such module")
    assert tail.read() == []
    assert [each.text for each in logs.of_visit(deployment.target, visit, own=OWN)] == ["no such module"]
    write(deployment, "/aws-glue/ingest/output", "jr_1", "first", "second")
    assert [each.text for each in tail.read()] == ["first", "second"]
    assert [each.text for each in logs.of_visit(deployment.target, visit, own=OWN)] == ["first", "second"]


OWN = frozenset({"e1", "20261120-120000-aabbccdd"})


def gate_visit(deployment: Deployment, *, cause: str = "") -> list[str]:
    """The lines of a visit of Gate, all written in its time."""
    story = Story()
    story.enter("Gate")
    story.schedule("invoke", {"FunctionName": "gate"})
    if cause:
        story.fail("Sandbox.Timedout", cause)
    story.add("Pass")
    (visit,) = visits(story.events)
    return [each.text for each in logs.of_visit(deployment.target, visit, own=OWN)]


def request(number: str, *lines: str) -> list[str]:
    return [
        f"START RequestId: {number} Version: $LATEST",
        *lines,
        f"END RequestId: {number}",
        f"REPORT RequestId: {number}",
    ]


def test_a_warm_functions_lines_for_other_runs_are_left_out(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.cli.test_logs.clock", count())
    mine = request("r2", '{"message": "deciding", "run_id": "20261120-120000-aabbccdd"}', "Traceback of mine")
    others = request("r1", '{"message": "deciding", "run_id": "20261120-120000-00000000"}', "Traceback of another")
    also = request("r3", '{"message": "resolved", "execution": "e11"}')
    write(deployment, "/aws/lambda/gate", "2026/11/20/[$LATEST]x", *others, *mine, *also)
    write(deployment, "/aws/lambda/gate", "2026/11/20/[$LATEST]y", *request("r4", '["e1"]', "{broken"))
    assert gate_visit(deployment) == mine


def test_a_function_that_fails_before_its_first_line_is_found_by_its_request(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.cli.test_logs.clock", count())
    stream = ["INIT_START Runtime Version: python", *request("r1", "no module"), *request("r2", "another")]
    write(deployment, "/aws/lambda/gate", "2026/11/20/[$LATEST]x", *stream)
    cause = '{"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: r1 Error: Task timed out"}'
    assert gate_visit(deployment, cause=cause) == stream[:5]
    assert gate_visit(deployment) == []


def test_a_request_of_an_earlier_visit_is_left_out(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.cli.test_logs.clock", count(-20_000))
    write(deployment, "/aws/lambda/gate", "x", *request("r1", '{"run_id": "20261120-120000-aabbccdd"}'))
    assert gate_visit(deployment) == []


def test_owners_are_the_execution_and_its_run() -> None:
    story = Story()
    story.resolved({"run_id": "r7", "outcome": "train"})
    assert owners("e1", visits(story.events)) == {"e1", "r7"}
    assert owners("e1", []) == {"e1"}


def test_jobs_of_earlier_attempts_are_shown_too(deployment: Deployment) -> None:
    story = Story()
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    story.fail("States.TaskFailed", "capacity")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-2"})
    (visit,) = visits(story.events)
    for name in ("train-1", "train-2"):
        write(deployment, "/aws/sagemaker/TrainingJobs", f"{name}/algo-1", f"by {name}")
    shown = [each.text for each in logs.of_visit(deployment.target, visit, own=OWN)]
    assert shown == ["by train-1", "by train-2"]


def test_the_machines_own_lines_are_those_of_one_execution(deployment: Deployment) -> None:
    arn = "arn:aws:states:us-east-1:000000000000:execution:training:e1"
    lines = [f'{{"execution_arn": "{each}", "type": "ExecutionStarted"}}' for each in (arn, f"{arn}2")]
    child = f'{{"execution_arn": "{arn}-child", "details": {{"parent": "{arn}"}}}}'
    write(deployment, "/aws/vendedlogs/states/training", "s", *lines, child)
    found = logs.of_execution(
        deployment.target, "/aws/vendedlogs/states/training", arn=arn, start=START, end=START + timedelta(hours=1)
    )
    assert [each.text for each in found] == lines[:1]


def test_states_without_logs(deployment: Deployment) -> None:
    story = Story()
    story.enter("Tune?", "Choice")
    story.enter("Ingest raw data")
    story.schedule("startJobRun.sync", {"JobName": "ingest"})
    choice, not_yet_submitted = visits(story.events)
    assert logs.of_visit(deployment.target, choice, own=OWN) == []
    assert logs.of_visit(deployment.target, not_yet_submitted, own=OWN) == []


def test_progress_lines() -> None:
    def line(text: str) -> LogLine:
        return LogLine(time=START, stream="s", text=text)

    assert line("progress=0.420; epoch 3 of 7").progress == (0.42, "epoch 3 of 7")
    assert line("progress=1.000;").progress == (1.0, "")
    assert line("loss=0.42;").progress is None
