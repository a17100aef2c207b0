"""Events of an execution become visits of states: retries, catches, redrives, branches and ends."""

from __future__ import annotations

import json

import pytest

from tests.cli.story import Story
from trainyard.client.execution.history import Status, visits
from trainyard.client.execution.jobs import Job, JobKind, job_of


@pytest.mark.parametrize("linked", [True, False])
def test_serial_path_has_times_data_and_jobs(linked: bool) -> None:
    story = Story(linked=linked)
    story.enter("Ingest raw data")
    story.schedule("startJobRun.sync", {"JobName": "ingest", "Arguments": {}})
    story.add("TaskSubmitted", "taskSubmitted", output='{"JobRunId": "jr_1"}')
    story.succeed()
    story.leave("Ingest raw data", output={"job": "ingest"})
    story.enter("Tune?", "Choice")
    story.leave("Tune?", "Choice")
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})

    ingest, choice, train = visits(story.events)

    assert (ingest.status, ingest.input, ingest.output) == (Status.SUCCEEDED, {"a": 1}, {"job": "ingest"})
    assert ingest.job == Job(kind=JobKind.GLUE, name="ingest", run_id="jr_1")
    assert ingest.elapsed(story.events[-1]["timestamp"]).total_seconds() == 4
    assert choice.status is Status.SUCCEEDED
    assert train.open
    assert train.job is not None
    assert train.job.log.prefix == "train-1/"


@pytest.mark.parametrize("linked", [True, False])
def test_retry_counts_attempts_and_takes_the_last_job(linked: bool) -> None:
    story = Story(linked=linked)
    story.enter("Train model")
    for name in ("train-1", "train-2"):
        story.schedule("createTrainingJob.sync", {"TrainingJobName": name})
        story.fail("SageMaker.ThrottlingException", "slow down")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-3"})
    story.succeed()
    story.leave("Train model")
    (visit,) = visits(story.events)
    assert (visit.attempts, visit.status, visit.error) == (3, Status.SUCCEEDED, "")
    assert visit.job is not None
    assert visit.job.name == "train-3"


def test_caught_failure_keeps_its_error() -> None:
    story = Story()
    story.enter("Move champion pointer")
    story.schedule("putItem", {})
    story.fail("DynamoDB.ConditionalCheckFailedException", "moved")
    story.leave("Move champion pointer")
    story.enter("Find champion")
    caught, following = visits(story.events)
    assert (caught.status, caught.cause) == (Status.CAUGHT, "moved")
    assert following.open


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("entered_again", [True, False])
def test_redrive_goes_on_in_the_failed_state(linked: bool, entered_again: bool) -> None:
    story = Story(linked=linked)
    story.training("earlier")
    story.enter("Evaluate model")
    story.schedule("createProcessingJob.sync", {"ProcessingJobName": "evaluate-1"})
    story.fail("States.TaskFailed", json.dumps({"FailureReason": "disk full"}))
    story.end("States.TaskFailed", "disk full")
    assert visits(story.events)[-1].status is Status.FAILED
    story.add("ExecutionRedriven", "executionRedriven", redriveCount=1)
    if entered_again:
        story.enter("Evaluate model")
    story.schedule("createProcessingJob.sync", {"ProcessingJobName": "evaluate-2"})
    assert visits(story.events)[-1].open
    story.succeed()
    story.leave("Evaluate model")
    found = visits(story.events)
    assert [each.name for each in found] == ["Train model", "Evaluate model"]
    assert found[0].attempts == 1
    assert found[1].resumed == story.events[9]["timestamp"]
    assert found[1].elapsed(story.events[-1]["timestamp"]).total_seconds() < 10
    assert (found[-1].status, found[-1].error) == (Status.SUCCEEDED, "")
    assert found[-1].job is not None
    assert found[-1].job.name == "evaluate-2"


def test_branches_are_told_apart_by_their_predecessors() -> None:
    story = Story()
    start = story.enter("Both", "Parallel")
    left = story.enter("Left", after=start)
    right = story.enter("Right", after=start)
    story.add("TaskFailed", "taskFailed", after=left, error="Left.Error", cause="left")
    story.leave("Right", after=right)
    found = {each.name: each for each in visits(story.events)}
    assert (found["Left"].status, found["Left"].error) == (Status.FAILED, "Left.Error")
    assert (found["Right"].status, found["Right"].error) == (Status.SUCCEEDED, "")
    assert found["Both"].open


@pytest.mark.parametrize(
    ("event", "status"), [("ExecutionAborted", Status.ABORTED), ("ExecutionTimedOut", Status.TIMED_OUT)]
)
def test_the_end_of_an_execution_ends_its_open_states(event: str, status: Status) -> None:
    story = Story()
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    story.add(event, event[0].lower() + event[1:])
    (visit,) = visits(story.events)
    assert visit.status is status
    assert visit.exited == story.events[-1]["timestamp"]


def test_fail_state_carries_the_reason() -> None:
    story = Story()
    story.enter("Bad data", "Fail")
    story.end("BadData", "products.csv, line 3: expected a number.")
    (visit,) = visits(story.events)
    assert (visit.status, visit.error) == (Status.FAILED, "BadData")


def test_cut_off_data_is_kept_as_text() -> None:
    story = Story()
    story.add("TaskStateEntered", "stateEntered", name="A", input='{"cut')
    assert visits(story.events)[0].input == '{"cut'


@pytest.mark.parametrize(
    ("resource", "parameters", "expected"),
    [
        ("createProcessingJob.sync", {"ProcessingJobName": "p"}, (JobKind.PROCESSING, "p", "p/")),
        ("createHyperParameterTuningJob.sync", {"HyperParameterTuningJobName": "t"}, (JobKind.TUNING, "t", "t-")),
        ("arn:aws:states:::glue:startJobRun.sync", {"JobName": "g"}, (JobKind.GLUE, "g", "")),
        ("invoke", {"FunctionName": "arn:aws:lambda:r:1:function:gate:7"}, (JobKind.LAMBDA, "gate", "")),
    ],
)
def test_jobs_are_recognised(resource: str, parameters: dict[str, str], expected: tuple[JobKind, str, str]) -> None:
    job = job_of(resource, parameters)
    assert job is not None
    assert (job.kind, job.name, job.log.prefix) == expected


def test_calls_that_start_no_job() -> None:
    assert job_of("getObject", {"Bucket": "b"}) is None
    assert job_of("createTrainingJob.sync", "cut off") is None
