"""The SageMaker container contract: where a job finds its inputs and leaves its results; used by both images."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from trainyard.run.failure import JobFailure

MAX_REASON = 1000


def ml_root() -> Path:
    """`/opt/ml`, or the folder that stands in for it when the job runs as a plain process."""
    return Path(os.environ.get("TRAINYARD_ML_ROOT", "/opt/ml"))


def processing_input(name: str) -> Path:
    return ml_root() / "processing" / "input" / name


def processing_output(name: str) -> Path:
    """The output folder of that name, made if need be."""
    path = ml_root() / "processing" / "output" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def channel(name: str) -> Path:
    return ml_root() / "input" / "data" / name


def model_dir() -> Path:
    return ml_root() / "model"


def checkpoints() -> Path:
    path = ml_root() / "checkpoints"
    path.mkdir(parents=True, exist_ok=True)
    return path


def hyperparameters() -> Mapping[str, str]:
    """The training job's hyperparameters without SageMaker's own (they start with an underscore)."""
    path = ml_root() / "input" / "config" / "hyperparameters.json"
    given: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: value for name, value in given.items() if not name.startswith("_")}


def instance_type() -> str:
    """The machine of a training job, such as `ml.m5.xlarge`; empty where nothing says it."""
    path = ml_root() / "input" / "config" / "resourceconfig.json"
    given: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return given.get("current_instance_type", "")


def leave_failure_reason(error: BaseException, *, training: bool) -> None:
    """Leave the reason where SageMaker takes it from: FailureReason of training, ExitMessage (1 KB) of processing.

    A disk that is full must not hide why the job failed: the reason goes to the log then.
    """
    path = ml_root() / "output" / ("failure" if training else "message")
    reason = JobFailure.of(error, job_run="").reason[:MAX_REASON]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reason, encoding="utf-8")
    except OSError as problem:
        print(f"The reason of this failure could not be left in {path}: {problem}", flush=True)
        print(reason, flush=True)
