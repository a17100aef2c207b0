"""What the local SageMaker and Glue know survives the server; jobs it was running are failed, never forgotten."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_cloud import lifecycle
from tests.local_cloud.processes import runs

from ..conftest import Cloud, start_cloud
from ..tiny_images import bucket, log_lines, push, statements, training_request, unique, until_ended

PROGRAM = """
import json, os, pathlib, time
hyper = json.loads((pathlib.Path(os.environ["TRAINYARD_ML_ROOT"]) / "input/config/hyperparameters.json").read_text())
print("pid", os.getpid(), flush=True)
time.sleep(float(hyper["seconds"]))
"""


def kill(cloud: Cloud) -> None:
    os.kill(cloud.cloud.pid, signal.SIGKILL)
    _until(lambda: lifecycle.status(cloud.state_dir) is None)


def end(cloud: Cloud) -> None:
    assert lifecycle.down(cloud.state_dir)


def _until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("what was waited for did not happen")


@pytest.mark.parametrize("leave", [end, kill])
def test_records_survive_and_running_jobs_are_failed(tmp_path: Path, leave: Callable[[Cloud], None]) -> None:
    cloud = start_cloud(tmp_path / "state")
    try:
        client = cloud.client("sagemaker")
        store = bucket(cloud)
        image = push(cloud, tmp_path / "image", PROGRAM)
        role = cloud.role(unique("role"), "sagemaker.amazonaws.com", statements(store))

        def train(seconds: str) -> str:
            name = unique("job")
            request = training_request(name, image=image, role=role, bucket_name=store)
            client.create_training_job(**request, HyperParameters={"seconds": seconds})
            return name

        done, lost = train("0"), train("60")
        until_ended(cloud, "Training", done)
        client.create_model_package_group(ModelPackageGroupName="group", Tags=[{"Key": "a", "Value": "b"}])
        glue = cloud.client("glue")
        cloud.client("s3").put_object(Bucket=store, Key="s.py", Body=b"import time; time.sleep(60)")
        gluer = cloud.role(unique("role"), "glue.amazonaws.com", statements(store))
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{store}/s.py"}
        glue.create_job(Name="etl", Role=gluer, Command=command)
        run = glue.start_job_run(JobName="etl")["JobRunId"]
        pid = int(_until(lambda: _logged(cloud, lost)).split()[1])
        leave(cloud)
        cloud.restarted()
        _until(lambda: not runs(pid))
        client, glue = cloud.client("sagemaker"), cloud.client("glue")
        assert client.describe_training_job(TrainingJobName=done)["TrainingJobStatus"] == "Completed"
        described = client.describe_training_job(TrainingJobName=lost)
        assert described["TrainingJobStatus"] == "Failed"
        assert "the local cloud ended while the job was running" in described["FailureReason"]
        failed = glue.get_job_run(JobName="etl", RunId=run)["JobRun"]
        assert (failed["JobRunState"], "local cloud ended" in failed["ErrorMessage"]) == ("FAILED", True)
        group = client.describe_model_package_group(ModelPackageGroupName="group")["ModelPackageGroupArn"]
        assert client.list_tags(ResourceArn=group)["Tags"] == [{"Key": "a", "Value": "b"}]
        again = unique("job")
        request = training_request(again, image=image, role=role, bucket_name=store)
        client.create_training_job(**request, HyperParameters={"seconds": "0"})
        assert until_ended(cloud, "Training", again)["TrainingJobStatus"] == "Completed"
    finally:
        lifecycle.down(cloud.state_dir)


def _logged(cloud: Cloud, job: str) -> str:
    logs = cloud.client("logs")
    try:
        return next(iter(log_lines(cloud, "/aws/sagemaker/TrainingJobs", job)), "")
    except logs.exceptions.ResourceNotFoundException:
        return ""
