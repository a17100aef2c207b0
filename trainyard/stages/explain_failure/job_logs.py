"""Where the jobs of Glue and SageMaker log in CloudWatch, and what of it says why one failed; standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# As of Glue 5.0: the first holds all that a script itself prints, the second what Glue and Spark say around it. Jobs
# have groups of their own; these are where they logged before, and where Glue logs for a job that names none.
GLUE = ("/aws-glue/jobs/output", "/aws-glue/jobs/error")
PROCESSING = ("/aws/sagemaker/ProcessingJobs",)
TRAINING = ("/aws/sagemaker/TrainingJobs",)
TRACEBACK = "Traceback (most recent call last):"
# How many lines after a traceback are shown with it.
AFTER = 3
CUT = "..."


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
        return streams[0] if self.groups[-2:] == GLUE else streams[-1]


def glue_groups(job_name: str) -> tuple[str, str]:
    """The log groups of a Glue job of this name, for its script and for Glue itself.

    >>> glue_groups("trainyard-dev-ingest")[0]
    '/aws-glue/trainyard-dev-ingest/output'
    """
    return f"/aws-glue/{job_name}/output", f"/aws-glue/{job_name}/error"


def of_glue_run(run_id: str, job_name: str = "") -> JobLog:
    """The log of one run of a Glue job, whose name is not always known."""
    return JobLog(groups=(*(glue_groups(job_name) if job_name else ()), *GLUE), prefix=run_id)


def of_processing_job(name: str) -> JobLog:
    """The log of a processing job."""
    return JobLog(groups=PROCESSING, prefix=f"{name}/")


def of_training_job(name: str) -> JobLog:
    """The log of a training job."""
    return JobLog(groups=TRAINING, prefix=f"{name}/")


def of_tuning_job(name: str) -> JobLog:
    """The logs of a tuning job's training jobs, whose names begin with its own; it writes none itself."""
    return JobLog(groups=TRAINING, prefix=f"{name}-")


def exception_in(lines: Sequence[str]) -> str:
    """The exception that ended the last traceback, with its class; empty where the lines hold none."""
    end = _last_exception(lines)
    return "" if end is None else lines[end]


def around_exception(lines: Sequence[str], limit: int) -> list[str]:
    """At most `limit` of a log's lines: the end of its last traceback and its very last lines, else its end alone.

    Libraries may print pages after an exception, such as what they found left over.
    """
    end = _last_exception(lines)
    if end is None or end >= len(lines) - AFTER:
        return list(lines[-limit:])
    return [*lines[max(end + 2 + AFTER - limit, 0) : end + 1], CUT, *lines[-AFTER:]]


def _last_exception(lines: Sequence[str]) -> int | None:
    """Where the last traceback ends: its first line after the beginning that is not indented."""
    starts = [index for index, line in enumerate(lines) if line.lstrip().startswith(TRACEBACK)]
    after = range(starts[-1] + 1, len(lines)) if starts else range(0)
    return next((index for index in after if lines[index].strip() and not lines[index].startswith((" ", "\t"))), None)
