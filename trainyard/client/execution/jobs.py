"""The jobs that states start: what they are called, where they log and how long they ran; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from trainyard.client.session import Target
from trainyard.stages.explain_failure import job_logs
from trainyard.stages.explain_failure.job_logs import JobLog


class JobKind(StrEnum):
    """The services that run a state's work."""

    GLUE = "Glue"
    PROCESSING = "processing"
    TRAINING = "training"
    TUNING = "tuning"
    LAMBDA = "Lambda"


NAME_KEYS = {
    "startJobRun": (JobKind.GLUE, "JobName"),
    "createProcessingJob": (JobKind.PROCESSING, "ProcessingJobName"),
    "createTrainingJob": (JobKind.TRAINING, "TrainingJobName"),
    "createHyperParameterTuningJob": (JobKind.TUNING, "HyperParameterTuningJobName"),
    "invoke": (JobKind.LAMBDA, "FunctionName"),
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work started by a state. `run_id` is Glue's: every run of a Glue job has one beside the job's name."""

    kind: JobKind
    name: str
    run_id: str = ""

    @property
    def id(self) -> str:
        """What identifies this very piece of work in its service."""
        return self.run_id or self.name

    @property
    def counts(self) -> bool:
        """Whether this is a job of its own rather than a call that the state machine waits for."""
        return self.kind is not JobKind.LAMBDA

    @property
    def log(self) -> JobLog:
        """Where it writes to. The streams of a Glue run that is yet to start and of a function have no known prefix."""
        match self.kind:
            case JobKind.GLUE:
                return job_logs.of_glue_run(self.run_id, self.name)
            case JobKind.PROCESSING:
                return job_logs.of_processing_job(self.name)
            case JobKind.TRAINING:
                return job_logs.of_training_job(self.name)
            case JobKind.TUNING:
                return job_logs.of_tuning_job(self.name)
            case JobKind.LAMBDA:
                return JobLog(groups=(f"/aws/lambda/{self.name}",), prefix="")

    def completed_by(self, answer: Any) -> Job:
        """The job with what its service's answer adds: the id of a Glue run."""
        if self.kind is not JobKind.GLUE or not isinstance(answer, Mapping):
            return self
        run_id = answer.get("JobRunId") or answer.get("Id") or self.run_id
        return replace(self, run_id=str(run_id))


def job_of(resource: str, parameters: Any) -> Job | None:
    """The job that a task with this resource (`createTrainingJob.sync`, or a whole ARN) and these arguments starts."""
    action = resource.rsplit(":", 1)[-1].split(".", 1)[0]
    if action not in NAME_KEYS or not isinstance(parameters, Mapping):
        return None
    kind, key = NAME_KEYS[action]
    name = parameters.get(key)
    if not name:
        return None
    # A function may be named by its ARN, with or without a version at the end.
    parts = str(name).split(":")
    return Job(kind=kind, name=parts[6] if kind is JobKind.LAMBDA and len(parts) > 6 else str(name))


def run_seconds(target: Target, job: Job) -> float:
    """How long the job itself ran, by its own service's clock; 0 for one that never started."""
    match job.kind:
        case JobKind.GLUE:
            run = target.client("glue").get_job_run(JobName=job.name, RunId=job.run_id)["JobRun"]
            return _between(run.get("StartedOn"), run.get("CompletedOn"))
        case JobKind.PROCESSING:
            found = target.client("sagemaker").describe_processing_job(ProcessingJobName=job.name)
            return _between(found.get("ProcessingStartTime"), found.get("ProcessingEndTime"))
        case JobKind.TRAINING:
            found = target.client("sagemaker").describe_training_job(TrainingJobName=job.name)
            return _between(found.get("TrainingStartTime"), found.get("TrainingEndTime"))
        case JobKind.TUNING:
            found = target.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=job.name)
            return _between(found.get("CreationTime"), found.get("HyperParameterTuningEndTime"))
        case JobKind.LAMBDA:
            return 0.0


def tuning_progress(target: Target, job: Job) -> tuple[float, str]:
    """How many of a tuning job's training jobs have ended, as a fraction and in words with the best so far."""
    found = target.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=job.name)
    total = found["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    counters = found["TrainingJobStatusCounters"]
    ended = sum(counters.get(name, 0) for name in ("Completed", "Stopped", "NonRetryableError"))
    note = f"{ended} of {total} training jobs"
    best = found.get("BestTrainingJob", {}).get("FinalHyperParameterTuningJobObjectiveMetric")
    if best:
        note += f", best {best['MetricName']} {best['Value']:.4g}"
    return ended / total, note


def _between(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start and end else 0.0
