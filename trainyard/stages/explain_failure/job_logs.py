"""Where the jobs of Glue and SageMaker log in CloudWatch; standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# As of Glue 5.0: the first holds all that a script itself prints, the second what Glue and Spark say around it.
GLUE = ("/aws-glue/jobs/output", "/aws-glue/jobs/error")
PROCESSING = ("/aws/sagemaker/ProcessingJobs",)
TRAINING = ("/aws/sagemaker/TrainingJobs",)


@dataclass(frozen=True, kw_only=True)
class JobLog:
    """A job's log groups, and how its streams there begin; a later group matters where the first holds nothing."""

    groups: tuple[str, ...]
    prefix: str

    def telling(self, streams: Sequence[str]) -> str:
        """The one of its streams, sorted by name, whose end says best why the job failed.

        With Glue the driver's comes before those of its executors. With SageMaker the last is that of the newest
        container: after a restart, or in a search, which fails when its latest training jobs do.
        """
        return streams[0] if self.groups == GLUE else streams[-1]


def of_glue_run(run_id: str) -> JobLog:
    """The log of one run of a Glue job."""
    return JobLog(groups=GLUE, prefix=run_id)


def of_processing_job(name: str) -> JobLog:
    """The log of a processing job."""
    return JobLog(groups=PROCESSING, prefix=f"{name}/")


def of_training_job(name: str) -> JobLog:
    """The log of a training job."""
    return JobLog(groups=TRAINING, prefix=f"{name}/")


def of_tuning_job(name: str) -> JobLog:
    """The logs of a tuning job's training jobs, whose names begin with its own; it writes none itself."""
    return JobLog(groups=TRAINING, prefix=f"{name}-")
