"""Failure messages: root cause, failed state, job log and what to do, from recorded histories."""

from __future__ import annotations

import json
import time

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from lambdas import explain_failure
from tests.lambdas.conftest import ARTIFACTS
from trainyard.run.failure import JobFailure, key_of
from trainyard.stages.explain_failure import job_logs
from trainyard.stages.explain_failure.job_logs import JobLog
from trainyard.stages.explain_failure.root_cause import root_cause

ARN = "arn:aws:states:us-east-1:123456789012:execution:training:e1"
PLAN = {"outcome": "train", "recipe": "prod2vec", "dataset": "demo", "run_id": "20261121-020304-abcdef12"}
JOB = "train-20261121-020304-abcdef12-01234567"


def history(error: str, cause: str, state: str = "Train model") -> list[dict]:
    steps = [
        {
            "type": "ExecutionStarted",
            "executionStartedEventDetails": {"input": "{}", "roleArn": "arn:aws:iam::1:role/r"},
        },
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Resolve request", "input": "{}"}},
        {"type": "TaskStateExited", "stateExitedEventDetails": {"name": "Resolve request", "output": json.dumps(PLAN)}},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": state, "input": "{}"}},
        {
            "type": "TaskFailed",
            "taskFailedEventDetails": {"resourceType": "sagemaker", "resource": "x", "error": error, "cause": cause},
        },
        {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": error, "cause": cause}},
    ]
    return [{"id": number, "timestamp": 0, **step} for number, step in enumerate(steps, 1)]


def test_a_failed_job_names_its_own_reason():
    cause = json.dumps(
        {"TrainingJobName": JOB, "TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: no rows"}
    )
    failure = root_cause(history("States.TaskFailed", cause), status="FAILED")
    assert (failure.state, failure.error, failure.reason) == (
        "Train model",
        "States.TaskFailed",
        "AlgorithmError: no rows",
    )
    assert (failure.job, failure.log) == (JOB, job_logs.of_training_job(JOB))


def test_a_failed_search_logs_through_its_training_jobs():
    cause = json.dumps({"HyperParameterTuningJobName": "tune-1", "FailureReason": "All training jobs failed"})
    failure = root_cause(history("States.TaskFailed", cause, "Tune hyperparameters"), status="FAILED")
    assert (failure.job, failure.reason) == ("tune-1", "All training jobs failed")
    assert failure.log == JobLog(groups=("/aws/sagemaker/TrainingJobs",), prefix="tune-1-")


def test_a_failed_glue_run_is_found_by_its_run_id():
    cause = json.dumps(
        {"Id": "jr_1", "JobName": "ingest", "JobRunState": "FAILED", "ErrorMessage": "OSError: disk full"}
    )
    failure = root_cause(history("States.TaskFailed", cause, "Ingest raw data"), status="FAILED")
    assert (failure.job, failure.reason) == ("jr_1", "OSError: disk full")
    own, shared = (
        ("/aws-glue/ingest/output", "/aws-glue/ingest/error"),
        ("/aws-glue/jobs/output", "/aws-glue/jobs/error"),
    )
    assert failure.log == JobLog(groups=own + shared, prefix="jr_1")


def test_an_error_that_is_no_job_keeps_its_cause():
    failure = root_cause(history("Lambda.AWSLambdaException", "User x is not authorized"), status="FAILED")
    assert (failure.error, failure.reason, failure.log) == (
        "Lambda.AWSLambdaException",
        "User x is not authorized",
        None,
    )


def test_an_execution_without_events_is_described_by_its_status():
    failure = root_cause([], status="ABORTED")
    assert (failure.state, failure.error) == ("", "ABORTED")


@pytest.fixture
def published(aws):
    """Call the function on a history and return the one message it published, or None."""
    queue = boto3.client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
    topic = explain_failure.environment.read().topic_arn
    queue_arn = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)

    def call(events: list[dict], status: str = "FAILED") -> dict | None:
        with Stubber(explain_failure._client("stepfunctions")) as stub:
            stub.add_response("get_execution_history", {"events": events}, {"executionArn": ARN})
            explain_failure.handler({"detail": {"executionArn": ARN, "status": status}}, None)
        messages = boto3.client("sqs").receive_message(QueueUrl=queue).get("Messages", [])
        return json.loads(messages[0]["Body"]) if messages else None

    return call


def write(group: str, stream: str, *lines: str) -> None:
    logs = boto3.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
    if events:
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_the_message_says_everything_needed_to_go_on(published):
    write("/aws/sagemaker/TrainingJobs", f"{JOB}/algo-1", *(f"line {n}" for n in range(30)))
    cause = json.dumps({"TrainingJobName": JOB, "FailureReason": "AlgorithmError: no rows"})
    message = published(history("States.TaskFailed", cause))
    assert message["Subject"] == "trainyard: prod2vec run failed at Train model"
    for part in (
        "data set demo",
        "AlgorithmError: no rows",
        "line 29",
        f"redrive-execution --execution-arn {ARN}",
        "Run: 20261121",
    ):
        assert part in message["Message"]
    assert "line 1\n" not in message["Message"]


def test_a_missing_log_does_not_keep_the_message_back(published):
    cause = json.dumps({"TrainingJobName": JOB, "FailureReason": "stopped"})
    assert "(not readable: ResourceNotFoundException)" in published(history("States.TaskFailed", cause))["Message"]


def test_a_failed_search_shows_the_end_of_its_newest_training_job(published):
    for stream in ("tune-1-001-a/algo-1", "tune-1-002-b/algo-1", "tune-12-003-c/algo-1"):
        write("/aws/sagemaker/TrainingJobs", stream, f"MemoryError in {stream}")
    cause = json.dumps({"HyperParameterTuningJobName": "tune-1", "FailureReason": "All training jobs failed"})
    message = published(history("States.TaskFailed", cause, "Tune hyperparameters"))["Message"]
    assert "  MemoryError in tune-1-002-b/algo-1" in message
    assert message.count("MemoryError") == 1
    assert "Job: tune-1\n" in message


GLUE_CAUSE = json.dumps({"Id": "jr_1", "JobName": "ingest", "ErrorMessage": "OSError: disk full"})


def test_of_a_glue_run_the_drivers_own_output_is_shown(published):
    write("/aws-glue/jobs/output", "jr_1", "OSError: disk full")
    write("/aws-glue/jobs/output", "jr_1_executor", "an executor")
    write("/aws-glue/jobs/error", "jr_1", "a daemon of Spark")
    message = published(history("States.TaskFailed", GLUE_CAUSE, "Ingest raw data"))["Message"]
    assert "  OSError: disk full" in message
    assert "an executor" not in message
    assert "a daemon of Spark" not in message


@pytest.mark.parametrize("streams", [[], ["jr_1"]])
def test_of_a_glue_run_without_output_the_services_own_log_is_shown(published, streams):
    for stream in streams:
        write("/aws-glue/jobs/output", stream)
    write("/aws-glue/jobs/error", "jr_1", "no such module")
    assert "  no such module" in published(history("States.TaskFailed", GLUE_CAUSE, "Ingest raw data"))["Message"]


def test_no_fault_of_reading_logs_keeps_the_message_back(published):
    def fail(**_):
        raise EndpointConnectionError(endpoint_url="https://logs")

    explain_failure._client("logs").meta.events.register("before-call.cloudwatch-logs.DescribeLogStreams", fail)
    cause = json.dumps({"TrainingJobName": JOB, "FailureReason": "stopped"})
    message = published(history("States.TaskFailed", cause))["Message"]
    assert "(not readable: EndpointConnectionError)" in message
    assert "Reason: stopped" in message


@pytest.mark.parametrize("error", ["BadData", "BadRequest", "NoModel", "DeploymentRolledBack"])
def test_outcomes_that_a_state_reported_are_not_reported_twice(published, error):
    assert published(history(error, "the reasons", "Bad data")) is None


URI = f"s3://{ARTIFACTS}/prod2vec/20261121-020304-abcdef12"
JOB_RUN = {
    "Id": "jr_2",
    "JobName": "trainyard-dev-ingest",
    "JobRunState": "FAILED",
    "ErrorMessage": "See https://nanobind.readthedocs.io/en/latest/refleaks.html",
    "Arguments": {"--RUN_URI": URI, "--EXECUTION": "e1"},
    "Timeout": 480,
}


def leave(aws, text: str, *, job_run: str = "jr_2") -> None:
    aws.put_object(Bucket=ARTIFACTS, Key=key_of("prod2vec/20261121-020304-abcdef12", job_run), Body=text.encode())


def reason_in(message: dict | None) -> str:
    assert message is not None
    return message["Message"].partition("Reason: ")[2].partition("\n")[0]


def test_what_a_glue_job_left_about_its_failure_is_the_reason(aws, published):
    failure = JobFailure(job_run="jr_2", error="NotFound", message="Expected a file.", traceback="Traceback\nNotFound")
    leave(aws, failure.to_json())
    message = published(history("States.TaskFailed", json.dumps(JOB_RUN), "Ingest raw data"))
    assert reason_in(message) == "NotFound: Expected a file."
    # There is no log: the document's own traceback stands for it.
    assert "  Traceback\n  NotFound" in message["Message"]


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"job_run": "jr_1", "error": "E", "message": "old"})])
def test_a_document_of_another_run_or_none_at_all_is_passed_over(aws, published, text):
    leave(aws, text)
    leave(aws, JobFailure(job_run="jr_1", error="E", message="old").to_json(), job_run="jr_1")
    leaks = ["nanobind: leaked 23 types!", *(f" - leaked type {number}" for number in range(60))]
    write("/aws-glue/jobs/output", "jr_2", "Traceback (most recent call last):", '  File "x"', "OSError: full", *leaks)
    message = published(history("States.TaskFailed", json.dumps(JOB_RUN), "Ingest raw data"))
    assert reason_in(message).startswith("OSError: full (")
    assert "  OSError: full\n" in message["Message"]


def test_an_execution_without_a_plan_is_told_by_its_input(published):
    events = history("Lambda.Unknown", "no answer", "Resolve request")[:1] + history("E", "c", "Resolve request")[3:]
    given = {"detail": {"object": {"key": "raw/prod2vec/été 1/orders.csv"}}}
    events[0]["executionStartedEventDetails"]["input"] = json.dumps(given)
    assert "recipe prod2vec on data set été 1" in published(events)["Message"]


def test_a_subject_is_one_that_sns_takes(published):
    events = history("E", "c", "Resolve request")[:1] + history("E", "c", "Resolve request")[3:]
    events[0]["executionStartedEventDetails"]["input"] = json.dumps({"recipe": "größe\n" + "x" * 200, "dataset": "d"})
    subject = published(events)["Subject"]
    assert subject.startswith("trainyard: gr??e xxx")
    assert subject.isascii()
    assert len(subject) <= 100
