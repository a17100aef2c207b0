"""Training jobs that are interrupted: their programs, and what became of them."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.events import until
from tests.local_cloud.conftest import Cloud
from tests.local_cloud.tiny_images import channel, log_lines, until_ended

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# Says what it finds among its checkpoints, and works until it was interrupted often enough.
TRAINING = """
import os, pathlib, time
ml = pathlib.Path(os.environ["TRAINYARD_ML_ROOT"])
count = ml / "checkpoints" / "count"
found = int(count.read_text()) if count.exists() else 0
count.write_text(str(found + 1))
(ml / "model" / "starts").write_text(str(found + 1))
print("pid", os.getpid(), "found", found, flush=True)
time.sleep(0 if found >= int(os.environ["INTERRUPTIONS"]) else 600)
"""
# The real training, which stops going on after its second checkpoint where it began without one.
RECIPE = """
import os, pathlib, sys, time
sys.path.insert(0, "REPOSITORY")
from trainyard.contract import checkpoint

begun = list((pathlib.Path(os.environ["TRAINYARD_ML_ROOT"]) / "checkpoints").iterdir())
save, saved = checkpoint.save, []

def save_and_wait(path, arrays):
    save(path, arrays)
    saved.append(path)
    if os.environ["WAITS"] == "yes" and not begun and len(saved) == 2:
        print("waits for the end", flush=True)
        time.sleep(600)

checkpoint.save = save_and_wait
from training_container.main import main
sys.exit(main(sys.argv[1:]))
"""


def said(cloud: Cloud, job: str, text: str) -> bool:
    with suppress(cloud.client("logs").exceptions.ResourceNotFoundException):
        return any(text in each for each in log_lines(cloud, LOG_GROUP, f"{job}/"))
    return False


def completed(cloud: Cloud, job: str) -> dict[str, Any]:
    done = until_ended(cloud, "Training", job, seconds=300)
    assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")
    return done


def upload(cloud: Cloud, store: str, folder: Path) -> list[dict[str, Any]]:
    """Upload the channels of a training job; returns its InputDataConfig."""
    for file in (each for each in folder.rglob("*") if each.is_file()):
        cloud.client("s3").upload_file(str(file), store, f"channels/{file.relative_to(folder).as_posix()}")
    return [channel(each.name, f"s3://{store}/channels/{each.name}/") for each in sorted(folder.iterdir())]


def arrays(cloud: Cloud, store: str, job: str) -> dict[str, np.ndarray]:
    """Every array of a trained model, by its file."""
    body = cloud.client("s3").get_object(Bucket=store, Key=f"out/{job}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        files = {each.name: archive.extractfile(each) for each in archive if each.name.endswith(".npy")}
        return {name: np.load(io.BytesIO(file.read())) for name, file in files.items() if file is not None}


def trains(request: dict[str, Any]) -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Arguments": request,
        "End": True,
    }
    return {"StartAt": "Train", "States": {"Train": task}}


def spot(*, wait: int, run: int = 300) -> dict[str, Any]:
    condition = {"MaxRuntimeInSeconds": run, "MaxWaitTimeInSeconds": wait}
    return {"EnableManagedSpotTraining": True, "StoppingCondition": condition}


def take_machine_away(cloud: Cloud, job: str, *, seconds: str) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{job}"
    cloud.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": "trainyard:spot-interruption", "Value": seconds}])


def pid(cloud: Cloud, job: str, *, found: int = 0) -> int:
    """The process of a training job that found so many starts before its own."""
    missing = cloud.client("logs").exceptions.ResourceNotFoundException

    def said() -> list[str]:
        with suppress(missing):
            return [each for each in log_lines(cloud, LOG_GROUP, f"{job}/") if each.endswith(f"found {found}")]
        return []

    return int(until(said, f"start {found} of {job}")[0].split()[1])
