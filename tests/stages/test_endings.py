"""How each service describes what failed, in the shapes that AWS gives it, and what people read of it."""

from __future__ import annotations

import json
import re

import pytest

from state_machines.definition import definition
from trainyard.stages.explain_failure import sagemaker_ending
from trainyard.stages.explain_failure.cause import reason_of
from trainyard.stages.explain_failure.job_logs import CUT, around_exception, exception_in
from trainyard.stages.explain_failure.root_cause import Failure
from trainyard.stages.explain_failure.told import told

RUN = "20261121-020304-abcdef12-01234567"
HEAD = "Traceback (most recent call last):"


def glue(state: str = "FAILED", **more: object) -> dict[str, object]:
    """A run of a Glue job as Step Functions describes it."""
    arguments = {"--RUN_URI": f"s3://artifacts/prod2vec/{RUN}"}
    return {"Id": "jr_1", "JobName": "ingest", "JobRunState": state, "Timeout": 480, "Arguments": arguments, **more}


def training(status: str, second: str = "", **more: object) -> dict[str, object]:
    limits = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    name = f"trainyard-dev-train-{RUN}"
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": status,
        "SecondaryStatus": second,
        "StoppingCondition": limits,
        **more,
    }


def processing(status: str, verb: str = "analyse", **more: object) -> dict[str, object]:
    name = f"trainyard-dev-{verb}-{RUN}"
    return {"ProcessingJobName": name, "ProcessingJobStatus": status, **more}


GONE = "ClientError: Data download failed:NoSuchKey (404): The specified key does not exist."


@pytest.mark.parametrize(
    ("document", "parts"),
    [
        (processing("Failed", "check", FailureReason=GONE), [GONE, "no longer there", "`trainyard drift RECIPE`"]),
        (glue(ErrorMessage="NotFound: Expected a file."), ["NotFound: Expected a file."]),
        (
            glue(ErrorMessage="Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 28; NotFound: Expected a file."),
            ["NotFound: Expected a file."],
        ),
        (glue(ErrorMessage="Command failed with exit code 10"), ["exit code 10", "memory ran out", "glue_worker"]),
        (
            glue(ErrorMessage="An error occurred while calling o1.run. java.lang.OutOfMemoryError: Java heap space"),
            ["OutOfMemoryError", "Memory ran out: let the environment's jobs have larger workers"],
        ),
        (glue("STOPPED"), ["Run jr_1 of Glue job ingest ended as STOPPED", "BatchStopJobRun"]),
        (glue("TIMEOUT"), ["TIMEOUT", "its limit of 480 minutes", "infra/glue.py"]),
        (glue("EXPIRED"), ["EXPIRED", "free workers"]),
        (glue("ERROR", ErrorMessage="Internal service error"), ["a fault of the service: Internal service error"]),
        (glue(), ["ended as FAILED without a reason"]),
        (
            training("Stopped", "MaxRuntimeExceeded"),
            ["(MaxRuntimeExceeded)", "limit of 3,600 s", "jobs.train.max_runtime_s", "jobs.train.instance_type"],
        ),
        (training("Stopped", "MaxWaitTimeExceeded"), ["limit of 7,200 s", "twice jobs.train.max_runtime_s", "spot"]),
        (training("Stopped", "Stopped"), ["ended as Stopped: somebody called StopTrainingJob", "CloudTrail"]),
        (training("Failed", FailureReason="AlgorithmError: no rows"), ["AlgorithmError: no rows"]),
        (
            training("Failed", FailureReason="AlgorithmError: , exit code: 137"),
            ["exit code: 137", "killed by SIGKILL, which mostly means that memory ran out", "jobs.train.instance_type"],
        ),
        (
            processing(
                "Failed", FailureReason="AlgorithmError: See job logs for more information", ExitMessage="no rows"
            ),
            ["no rows"],
        ),
        (
            processing("Failed", FailureReason="ClientError: no such bucket", ExitMessage="went wrong"),
            ["went wrong (ClientError: no such bucket)"],
        ),
        (
            processing(
                "Stopped",
                StoppingCondition={"MaxRuntimeInSeconds": 60},
                ProcessingStartTime=1_000_000,
                ProcessingEndTime=1_060_500,
            ),
            ["limit of 60 s", "jobs.report.max_runtime_s"],
        ),
        (
            processing(
                "Stopped", StoppingCondition={"MaxRuntimeInSeconds": 60}, ProcessingStartTime=0, ProcessingEndTime=9
            ),
            ["StopProcessingJob"],
        ),
        (
            {
                "HyperParameterTuningJobName": "tune-abcdef12-01234567",
                "HyperParameterTuningJobStatus": "Stopped",
                "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxRuntimeInSeconds": 90}},
            },
            ["StopHyperParameterTuningJob"],
        ),
        ({"errorType": "ValueError", "errorMessage": "no rows", "stackTrace": []}, ["no rows"]),
        (
            {"errorMessage": "2026-11-21T02:03:04Z 1-2 Task timed out after 60.00 seconds"},
            ["its limit of 60.00 seconds"],
        ),
        (
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": "RequestId: 1 Error: Runtime exited with error: signal: killed",
            },
            ["memory ran out", "MEMORY_MB"],
        ),
        (
            {
                "ExecutionArn": "arn:aws:states:us-east-1:1:execution:m:r1-product-8",
                "Name": "r1-product-8",
                "Status": "FAILED",
                "Error": "States.TaskFailed",
                "Cause": json.dumps(glue(ErrorMessage="NotFound: Expected a file.")),
            },
            ["child execution r1-product-8 ended with FAILED: States.TaskFailed NotFound: Expected a file."],
        ),
    ],
)
def test_every_end_is_told_in_words(document, parts):
    text = reason_of(json.dumps(document))
    assert "{" not in text
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("verb", "reason"),
    [
        ("check", "ClientError: Data download failed: AccessDenied: the role is not authorized"),
        ("check", "AlgorithmError: NotFound: the column price does not exist"),
        ("evaluate", GONE),
    ],
)
def test_only_a_check_whose_files_are_gone_is_told_to_start_another(verb, reason):
    assert reason_of(json.dumps(processing("Failed", verb, FailureReason=reason))) == reason


def test_words_stay_words():
    assert reason_of("User x is not authorized") == "User x is not authorized"
    assert reason_of("") == "no cause was given"
    assert reason_of("[1]") == "[1]"


def test_an_answer_without_a_class_of_error_is_read_out_of_its_quotation():
    quoted = '{"errorMessage": "Task timed out after 3.00 seconds"}'
    cause = f"The cause could not be determined because Lambda did not return an error type. Returned payload: {quoted}"
    assert "its limit of 3.00 seconds" in reason_of(cause)


def test_of_a_description_that_was_cut_off_the_whole_fields_count():
    cause = json.dumps(training("Failed", FailureReason='AlgorithmError: no "rows"', HyperParameters={"a": "b" * 99}))
    assert reason_of(cause[:-40]) == 'AlgorithmError: no "rows"'


def test_the_setting_of_a_limit_is_the_one_that_the_state_machine_reads():
    """Every job that the machine names, with the machine that it asks for."""
    states = definition()["States"]
    pairs = {}
    for state in states.values():
        text = json.dumps(state.get("Arguments", {}))
        verb, settings = re.search(r"JobPrefix}(\w+)-", text), re.search(r"(?:\$run\.)?(jobs\.\w+)\.\W*", text)
        if verb and settings:
            pairs[verb[1]] = settings[1]
    assert pairs == dict(sagemaker_ending.SETTINGS)


LEAKS = [
    "nanobind: leaked 23 types!",
    *(f" - leaked type {each}" for each in range(60)),
    "See https://nanobind.example",
]


def test_the_lines_shown_are_those_around_the_exception():
    log = ["begun", HEAD, *(f"  File {each}" for each in range(30)), "NotFound: no file", *LEAKS]
    shown = around_exception(log, 15)
    assert len(shown) == 15
    assert shown[-5:] == ["NotFound: no file", CUT, *LEAKS[-3:]]
    assert exception_in(log) == "NotFound: no file"
    assert around_exception(["a", "b", "c"], 2) == ["b", "c"]
    assert around_exception([HEAD, "  File", "E: x", "bye"], 9) == [HEAD, "  File", "E: x", "bye"]
    assert exception_in([HEAD, "  cut off"]) == ""


class NoDocument:
    """An S3 that nobody asks for what is not there."""

    def get_object(self, **_: str) -> None:
        raise AssertionError("asked for a document")


def test_a_log_is_asked_for_the_reason_only_where_the_description_gives_none():
    log = ["an earlier warning", HEAD, "  File", "KeyError: 'x'"]
    silent = {**training("Failed"), "FailureReason": "AlgorithmError: , exit code: 1"}
    failure = Failure(
        state="Train model", error="States.TaskFailed", reason=reason_of(json.dumps(silent)), document=silent
    )
    assert told(failure, log, s3=NoDocument(), limit=9).reason == "KeyError: 'x' (AlgorithmError: , exit code: 1)"
    search = {
        "HyperParameterTuningJobName": "tune-abcdef12-01234567",
        "HyperParameterTuningJobStatus": "Failed",
        "FailureReason": "All training jobs failed. Please take a look at the training jobs failures.",
    }
    failure = Failure(state="Tune", error="x", reason=reason_of(json.dumps(search)), document=search)
    assert told(failure, log, s3=NoDocument(), limit=9).reason.startswith("KeyError: 'x' (All training jobs failed.")
    said = {**silent, "FailureReason": "AlgorithmError: no rows, exit code: 1"}
    failure = Failure(state="Train model", error="x", reason=reason_of(json.dumps(said)), document=said)
    assert told(failure, log, s3=NoDocument(), limit=9).reason == "AlgorithmError: no rows, exit code: 1"
