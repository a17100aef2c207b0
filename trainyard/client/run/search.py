"""What a run's search for hyperparameters tried and found, also while it goes on; runs on a laptop."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.execution import executions
from trainyard.client.execution.history import visits
from trainyard.client.execution.jobs import JobKind
from trainyard.client.run import previews
from trainyard.client.run.runs import RunRecord
from trainyard.client.session import Target
from trainyard.contract.config import Tuning
from trainyard.errors import NotFound
from trainyard.run import search_table
from trainyard.run.document import decoded
from trainyard.run.run import Run
from trainyard.run.search_table import number

# What stage tune leaves (`trainyard.stages.tune.analyse`).
ANALYSIS = f"tune/analysis/{search_table.FILE}"
MOST_BYTES = 4 << 20
RUNNING = ("InProgress", "Stopping")
# How services call what they have forgotten.
GONE = ("ExecutionDoesNotExist", "ResourceNotFound", "ValidationException")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training job: `values` are what it tried, by hyperparameter; `objective` is None until and unless it has one.

    `seconds` is how long it trained, None for one that has not ended.
    """

    job: str
    status: str
    values: Mapping[str, str]
    objective: float | None = None
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search by its settings, and its training jobs in the order that they began in.

    `before` are the hyperparameters that the run would train with if it did not search.
    """

    tuning: Tuning
    before: Mapping[str, str]
    trials: Sequence[Trial]
    running: bool = False

    @property
    def best(self) -> Trial | None:
        """The training job with the best objective, None while none has one."""
        found = [each for each in self.trials if each.objective is not None]
        sign = 1.0 if self.tuning.maximizes else -1.0
        return max(found, key=lambda each: sign * (each.objective or 0.0), default=None)


def searched(request: Run) -> bool:
    """Whether the run was asked to search."""
    return bool(request.config.get("tune"))


def search(target: Target, record: RunRecord) -> Search | None:
    """The search of a run, None where it has none or has not come to it. Raises JobFailed for settings of none.

    The table that the search left is read where there is one; SageMaker is asked while it goes on, or where it failed.
    """
    if not searched(record.request):
        return None
    config = record.request.config
    tuning = decoded(Tuning, config["tuning"])
    before = {name: _text(config["hyperparameters"].get(name)) for name in tuning.ranges}
    kept = _kept(record, tuning)
    if kept:
        return Search(tuning=tuning, before=before, trials=kept)
    job = _tuning_job(target, record)
    if not job:
        return None
    try:
        described = target.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=job)
        trials = list(_asked(target, job))
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        return None
    running = described["HyperParameterTuningJobStatus"] in RUNNING
    return Search(tuning=tuning, before=before, trials=trials, running=running)


def _kept(record: RunRecord, tuning: Tuning) -> list[Trial]:
    """The training jobs in the table of the analysis, none where there is no table."""
    try:
        content, _ = previews.content(record.artifacts, ANALYSIS, most=MOST_BYTES)
    except NotFound:
        return []
    rows = csv.DictReader(io.StringIO(content.decode("utf-8", "replace")))
    found = sorted(rows, key=lambda row: row.get(search_table.STARTED) or "")
    return [_of_row(row, tuning) for row in found]


def _of_row(row: Mapping[str, str], tuning: Tuning) -> Trial:
    return Trial(
        job=row.get(search_table.JOB) or "",
        status=row.get(search_table.STATUS) or "",
        values={name: _text(row.get(name)) for name in tuning.ranges},
        objective=number(row.get(search_table.OBJECTIVE)),
        seconds=number(row.get(search_table.SECONDS)),
    )


def _tuning_job(target: Target, record: RunRecord) -> str:
    """The newest tuning job of the run's execution; empty before it, and where the execution is forgotten."""
    try:
        visited = visits(executions.history(target, record.request.execution_arn))
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        return ""
    jobs = [each.name for visit in visited for each in visit.jobs if each.kind is JobKind.TUNING]
    return jobs[-1] if jobs else ""


def _asked(target: Target, job: str) -> Iterator[Trial]:
    """The training jobs of a tuning job as SageMaker knows them, in the order that they were made in."""
    pages = (
        target.client("sagemaker")
        .get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
        .paginate(HyperParameterTuningJobName=job, SortBy="CreationTime", SortOrder="Ascending")
    )
    for page in pages:
        for each in page["TrainingJobSummaries"]:
            final = each.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
            yield Trial(
                job=each["TrainingJobName"],
                status=each["TrainingJobStatus"],
                values={name: _text(value) for name, value in each.get("TunedHyperParameters", {}).items()},
                objective=number(final.get("Value")),
                seconds=_seconds(each),
                reason=each.get("FailureReason", ""),
            )


def _seconds(summary: Mapping[str, Any]) -> float | None:
    start: datetime | None = summary.get("TrainingStartTime")
    if start is None:
        return None
    end: datetime = summary.get("TrainingEndTime") or datetime.now(UTC)
    return (end - start).total_seconds()


def _text(value: Any) -> str:
    """A hyperparameter as people write it: SageMaker and tables say 7.0 of 7, and may have quotes around text."""
    found = None if isinstance(value, bool) else number(value)
    return "" if value is None else str(value).strip('"') if found is None else f"{found:.6g}"
