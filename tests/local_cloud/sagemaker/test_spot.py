"""Managed spot training: who may be interrupted, and which times count; that jobs go on is in the fault matrix."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.process import Outcome
from local_cloud.jobs.running import RunningJob
from local_cloud.sagemaker.jobs.spot import Machine

from ..conftest import Cloud
from ..tiny_images import bucket, log_lines, push, statements, training_request, unique, until_ended

PROGRAM = 'import os, time\nprint("starts", flush=True)\ntime.sleep(float(os.environ["SECONDS"]))\n'
TAG = "trainyard:spot-interruption"


@pytest.fixture(scope="module")
def train(local_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Starts a job and waits until it trains; returns its name."""
    store = bucket(local_cloud)
    image = push(local_cloud, tmp_path_factory.mktemp("image"), PROGRAM)
    role = local_cloud.role(unique("role"), "sagemaker.amazonaws.com", statements(store))

    def start(*, seconds: str, **more: Any) -> str:
        name = unique("job")
        request = training_request(name, image=image, role=role, bucket_name=store, **more)
        local_cloud.client("sagemaker").create_training_job(**request, Environment={"SECONDS": seconds})
        deadline = time.monotonic() + 60
        while not _starts(local_cloud, name):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return name

    return start


def spot(*, run: int, wait: int) -> dict[str, Any]:
    condition = {"MaxRuntimeInSeconds": run, "MaxWaitTimeInSeconds": wait}
    return {"EnableManagedSpotTraining": True, "StoppingCondition": condition}


def interrupt(cloud: Cloud, job: str, value: str) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{job}"
    cloud.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": TAG, "Value": value}])


def test_a_job_on_demand_keeps_its_machine(local_cloud: Cloud, train: Callable[..., str]) -> None:
    name = train(seconds="1")
    interrupt(local_cloud, name, "0")
    done = until_ended(local_cloud, "Training", name)
    assert done["TrainingJobStatus"] == "Completed"
    assert "Interrupted" not in [each["Status"] for each in done["SecondaryStatusTransitions"]]


def test_a_job_is_stopped_while_it_waits_for_a_machine(local_cloud: Cloud, train: Callable[..., str]) -> None:
    name = train(seconds="600", **spot(run=300, wait=600))
    interrupt(local_cloud, name, "600")
    client = local_cloud.client("sagemaker")
    deadline = time.monotonic() + 60
    while client.describe_training_job(TrainingJobName=name)["SecondaryStatus"] != "Interrupted":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.stop_training_job(TrainingJobName=name)
    done = until_ended(local_cloud, "Training", name)
    assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Stopped", "Stopped")


def test_the_value_of_the_tag_is_a_number(local_cloud: Cloud, train: Callable[..., str]) -> None:
    name = train(seconds="1", **spot(run=300, wait=600))
    with pytest.raises(ClientError, match=r"Expected seconds without a machine as the value of .* found 'soon'"):
        interrupt(local_cloud, name, "soon")
    assert until_ended(local_cloud, "Training", name)["TrainingJobStatus"] == "Completed"


def ended(*, seconds: float, stopped: bool = True) -> Outcome:
    return Outcome(exit_code=-15, stopped=stopped, timed_out=not stopped, seconds=seconds, last_lines=())


def test_the_time_on_all_machines_counts() -> None:
    job = RunningJob(MetricLog(()))
    machine = Machine(spot(run=100, wait=1_000), job)
    assert machine.max_seconds == 100
    job.interruption.ask(0)
    assert machine.taken_away(ended(seconds=30))
    assert machine.wait()
    assert machine.max_seconds == 70
    assert not machine.taken_away(ended(seconds=70, stopped=False))
    assert (machine.seconds, machine.max_seconds, machine.waited_too_long) == (100, 0, False)


def test_a_job_that_was_stopped_was_not_interrupted() -> None:
    job = RunningJob(MetricLog(()))
    job.interruption.ask(0)
    job.stop.set()
    assert not Machine(spot(run=100, wait=1_000), job).taken_away(ended(seconds=1))


def _starts(cloud: Cloud, job: str) -> list[str]:
    logs = cloud.client("logs")
    try:
        return log_lines(cloud, "/aws/sagemaker/TrainingJobs", f"{job}/")
    except logs.exceptions.ResourceNotFoundException:
        return []
