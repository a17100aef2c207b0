"""Glue jobs run their real script with real arguments, and end in the states that Glue names."""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_cloud import launch, lifecycle
from local_cloud.glue.runs import error_message
from local_cloud.glue.spoken import Spoken
from local_cloud.jobs.process import Outcome

from .conftest import Cloud, start_cloud
from .tiny_images import bucket, log_lines, statements, unique

SCRIPT = """
import os, sys, time, boto3
import extra
print("argv", sys.argv[1:], flush=True)
print("warned", file=sys.stderr, flush=True)
what = sys.argv[sys.argv.index("--WHAT") + 1]
if what == "write":
    boto3.client("s3").put_object(Bucket=sys.argv[sys.argv.index("--BUCKET") + 1], Key="out.txt", Body=extra.TEXT)
elif what == "fail":
    raise ValueError("bad " + what)
elif what == "sleep":
    time.sleep(60)
"""


@dataclass
class Yard:
    cloud: Cloud
    bucket: str
    role: str

    def job(self, **more: Any) -> str:
        name = unique("job")
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{self.bucket}/script.py", "PythonVersion": "3"}
        arguments = {
            "--extra-py-files": f"s3://{self.bucket}/extra.zip",
            "--additional-python-modules": "nothing==1",
            "--BUCKET": self.bucket,
            "--WHAT": "write",
        }
        self.cloud.client("glue").create_job(
            Name=name, Role=self.role, Command=command, DefaultArguments=arguments, GlueVersion="5.1", **more
        )
        return name

    def ended(self, job: str, run: str) -> dict[str, Any]:
        for _ in range(600):
            found = self.cloud.client("glue").get_job_run(JobName=job, RunId=run)["JobRun"]
            if found["JobRunState"] not in {"STARTING", "RUNNING", "STOPPING"}:
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def run(self, job: str, **arguments: str) -> dict[str, Any]:
        given = {f"--{name}": value for name, value in arguments.items()}
        started = self.cloud.client("glue").start_job_run(JobName=job, Arguments=given)
        return self.ended(job, started["JobRunId"])


@pytest.fixture(scope="module")
def yard(local_cloud: Cloud) -> Yard:
    return stocked(local_cloud)


def stocked(cloud: Cloud) -> Yard:
    """A bucket with script and package, and a role that reads it."""
    name = bucket(cloud)
    s3 = cloud.client("s3")
    s3.put_object(Bucket=name, Key="script.py", Body=SCRIPT.encode())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("extra.py", "TEXT = b'from the package'\n")
    s3.put_object(Bucket=name, Key="extra.zip", Body=packed.getvalue())
    return Yard(cloud, name, cloud.role(unique("gluer"), "glue.amazonaws.com", statements(name)))


def test_a_run_gets_its_arguments_and_packages(yard: Yard) -> None:
    job = yard.job()
    done = yard.run(job, EXTRA="a b")
    assert done["JobRunState"] == "SUCCEEDED", done
    body = yard.cloud.client("s3").get_object(Bucket=yard.bucket, Key="out.txt")["Body"].read()
    assert body == b"from the package"
    # Both streams of a script go where Glue 5 puts them; the other group is for Glue itself.
    argv, _ = sorted(lines := log_lines(yard.cloud, "/aws-glue/jobs/output", done["Id"]))
    assert "warned" in lines
    for words in (["--JOB_NAME", job], ["--JOB_RUN_ID", done["Id"]], ["--WHAT", "write"], ["--EXTRA", "a b"]):
        assert repr(words).strip("[]") in argv
    assert "--extra-py-files" not in argv
    assert "--additional-python-modules" not in argv
    groups = yard.cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws-glue/")["logGroups"]
    assert [each["logGroupName"] for each in groups] == ["/aws-glue/jobs/output"]


def test_a_run_that_fails_says_the_exception(yard: Yard) -> None:
    done = yard.run(yard.job(), WHAT="fail")
    assert (done["JobRunState"], done["ErrorMessage"]) == ("FAILED", "ValueError: bad fail")


def test_runs_over_the_limit_are_refused_and_stopping_ends_them(yard: Yard) -> None:
    glue = yard.cloud.client("glue")
    job = yard.job(ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [glue.start_job_run(JobName=job, Arguments={"--WHAT": "sleep"})["JobRunId"] for _ in range(2)]
    with pytest.raises(glue.exceptions.ConcurrentRunsExceededException):
        glue.start_job_run(JobName=job)
    stopped = glue.batch_stop_job_run(JobName=job, JobRunIds=runs)
    assert len(stopped["SuccessfulSubmissions"]) == 2
    assert [yard.ended(job, run)["JobRunState"] for run in runs] == ["STOPPED", "STOPPED"]
    assert {each["Id"] for each in glue.get_job_runs(JobName=job)["JobRuns"]} == set(runs)


def test_a_script_the_role_may_not_read_fails_the_run(yard: Yard) -> None:
    allowed = [each for each in statements(yard.bucket) if each["Action"] != "s3:GetObject"]
    role = yard.cloud.role(unique("gluer"), "glue.amazonaws.com", allowed)
    done = Yard(yard.cloud, yard.bucket, role).run(Yard(yard.cloud, yard.bucket, role).job())
    assert done["JobRunState"] == "FAILED"
    assert f"s3:GetObject on resource: arn:aws:s3:::{yard.bucket}/script.py" in done["ErrorMessage"]


def test_a_role_that_does_not_trust_glue_is_refused(yard: Yard) -> None:
    role = yard.cloud.role(unique("other"), "lambda.amazonaws.com", statements(yard.bucket))
    glue = yard.cloud.client("glue")
    with pytest.raises(glue.exceptions.InvalidInputException, match="does not trust"):
        glue.start_job_run(JobName=Yard(yard.cloud, yard.bucket, role).job())


def test_unknown_jobs_and_runs(yard: Yard) -> None:
    glue = yard.cloud.client("glue")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.start_job_run(JobName="nobody")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_job_run(JobName="nobody", RunId="jr_1")


def machine_role(yard: Yard) -> str:
    allowed = [{"Effect": "Allow", "Action": "glue:*", "Resource": "*"}]
    return yard.cloud.role(unique("machine"), "states.amazonaws.com", allowed)


def machine(yard: Yard, job: str, what: str) -> str:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Arguments": {"JobName": job, "Arguments": {"--WHAT": what}},
        "End": True,
    }
    definition = {"StartAt": "Ingest", "States": {"Ingest": state}}
    return yard.cloud.machine(unique("m"), definition, machine_role(yard))


def test_a_state_machine_waits_for_a_run(yard: Yard) -> None:
    done = yard.cloud.run(machine(yard, yard.job(), "write"))
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert output["JobRunState"] == "SUCCEEDED"
    assert isinstance(output["StartedOn"], int)


def test_a_failed_run_fails_its_state_with_the_description(yard: Yard) -> None:
    done = yard.cloud.run(machine(yard, yard.job(), "fail"))
    assert (done["status"], done["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(done["cause"])["ErrorMessage"] == "ValueError: bad fail"


def test_stopping_the_execution_stops_the_run(yard: Yard) -> None:
    job = yard.job()
    execution = yard.cloud.start(machine(yard, job, "sleep"))
    glue = yard.cloud.client("glue")
    for _ in range(200):
        if any(each["JobRunState"] == "RUNNING" for each in glue.get_job_runs(JobName=job)["JobRuns"]):
            break
        time.sleep(0.05)
    yard.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    run = glue.get_job_runs(JobName=job)["JobRuns"][0]
    assert yard.ended(job, run["Id"])["JobRunState"] == "STOPPED"


def test_concurrency_has_the_error_name_that_state_machines_retry_on(yard: Yard) -> None:
    job = yard.job()
    glue = yard.cloud.client("glue")
    first = glue.start_job_run(JobName=job, Arguments={"--WHAT": "sleep"})["JobRunId"]
    done = yard.cloud.run(machine(yard, job, "write"))
    assert done["error"] == "Glue.ConcurrentRunsExceededException"
    glue.batch_stop_job_run(JobName=job, JobRunIds=[first])


def test_a_run_over_its_timeout_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A server whose Glue minutes last half a second.
    monkeypatch.setenv("TRAINYARD_GLUE_MINUTE_SECONDS", "0.5")
    monkeypatch.setattr(launch, "INHERITED", (*launch.INHERITED, "TRAINYARD_GLUE_MINUTE_SECONDS"))
    cloud = start_cloud(tmp_path / "state")
    try:
        done = stocked(cloud).run(stocked(cloud).job(Timeout=1), WHAT="sleep")
        assert (done["JobRunState"], done["Timeout"]) == ("TIMEOUT", 1)
    finally:
        lifecycle.down(cloud.state_dir)


HEAD = "Traceback (most recent call last):"


def outcome(exit_code: int) -> Outcome:
    return Outcome(exit_code=exit_code, stopped=False, timed_out=False, seconds=1.0, last_lines=("some line",))


def test_the_exception_is_that_of_the_last_traceback() -> None:
    lines = [HEAD, '  File "x"', "KeyError: 1", "", "During handling of it, another:", "", HEAD, '  File "y"']
    assert Spoken(lines).exception == ""
    assert Spoken([*lines, "pkg.Bad: why", "note: more"]).exception == "pkg.Bad: why"


def test_what_a_library_prints_afterwards_is_not_the_reason() -> None:
    """Extensions look for what is left over when the interpreter ends, and print it: pages, below the exception."""
    leaks = ["nanobind: leaked 23 types!", *(f' - leaked type "{each}"' for each in range(200)), "See https://nanobind"]
    spoken = Spoken([HEAD, '  File "x"', "trainyard.errors.NotFound: Expected a file.", *leaks])
    assert error_message(outcome(1), spoken.exception) == "trainyard.errors.NotFound: Expected a file."


def test_a_script_without_an_exception_has_its_exit_code_and_a_killed_one_its_signal() -> None:
    assert error_message(outcome(7), "") == "Command failed with exit code 7"
    killed = error_message(outcome(-9), "KeyError: one that was caught long before")
    assert killed.startswith("Command failed with exit code 137: the script was killed by SIGKILL, which mostly means")
