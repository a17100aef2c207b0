"""Logs are read from where the last call ended, whichever streams appear meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count, repeat
from typing import Any

import pytest

from tests.cli.story import START, Story
from trainyard.client import logs
from trainyard.client.deployment import Deployment
from trainyard.client.history import visits
from trainyard.client.jobs import Job, JobKind

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
    assert [each.text for each in logs.of_visit(deployment.target, visit)] == ["no such module"]
    write(deployment, "/aws-glue/jobs/output", "jr_1", "first", "second")
    assert [each.text for each in tail.read()] == ["first", "second"]
    assert [each.text for each in logs.of_visit(deployment.target, visit)] == ["first", "second"]


def test_a_functions_lines_are_those_of_the_visit(deployment: Deployment) -> None:
    group = "/aws/lambda/resolve"
    write(deployment, group, "2026/11/20/[$LATEST]x", "mine")
    client: Any = deployment.target.client("logs")
    hours_later = int((START + timedelta(hours=3)).timestamp() * 1000)
    client.put_log_events(
        logGroupName=group,
        logStreamName="2026/11/20/[$LATEST]x",
        logEvents=[{"timestamp": hours_later, "message": "another execution's"}],
    )
    story = Story()
    story.events[0]["timestamp"] = START - timedelta(seconds=1)
    story.enter("Resolve request")
    story.events[-1]["timestamp"] = START - timedelta(seconds=1)
    story.schedule("invoke", {"FunctionName": "resolve"})
    story.leave("Resolve request")
    (visit,) = visits(story.events)
    assert [each.text for each in logs.of_visit(deployment.target, visit)] == ["mine"]


def test_states_without_logs(deployment: Deployment) -> None:
    story = Story()
    story.enter("Tune?", "Choice")
    story.enter("Ingest raw data")
    story.schedule("startJobRun.sync", {"JobName": "ingest"})
    choice, not_yet_submitted = visits(story.events)
    assert logs.of_visit(deployment.target, choice) == []
    assert logs.of_visit(deployment.target, not_yet_submitted) == []


def test_progress_lines() -> None:
    def line(text: str) -> logs.LogLine:
        return logs.LogLine(time=START, stream="s", text=text)

    assert line("progress=0.420; epoch 3 of 7").progress == (0.42, "epoch 3 of 7")
    assert line("progress=1.000;").progress == (1.0, "")
    assert line("loss=0.42;").progress is None
