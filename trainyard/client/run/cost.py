"""What an execution costs in AWS: the machines of its jobs by the second, at the list prices in prices.json.

What an execution of a local cloud would have cost is told by the same sum: seconds are those of this machine. Storage,
logs, functions and requests are fractions of a cent and left out. A region that the table lacks is reckoned at the
prices of another one, and `prices_of` says so: nothing is called known that is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.jobs import Job, JobKind, run_seconds
from trainyard.client.session import Target

PRICES = Path(__file__).with_name("prices.json")
# Whose prices stand in for those of a region that the table lacks.
BASE_REGION = "us-east-1"
HOUR = 3600.0
# Glue counts a run of less than a minute as one.
GLUE_LEAST_SECONDS = 60.0
# How services call a job that they have forgotten.
GONE = ("ValidationException", "ResourceNotFound", "EntityNotFoundException")


@dataclass(frozen=True, kw_only=True)
class Machines:
    """What a job ran on: so many of a kind, for so many seconds."""

    kind: str
    count: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class StateCost:
    """One job of a state; `usd` is None where the price of its machine is not known."""

    state: str
    machines: Machines
    usd: float | None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The jobs of an execution. Where a price is missing the sum is that of the others; `known` says so."""

    region: str
    states: Sequence[StateCost]
    transitions: int

    @property
    def usd(self) -> float:
        """The sum of what is known, in USD."""
        transition: float = _region(self.region)["step_functions_transition"]
        return self.transitions * transition + sum(each.usd for each in self.states if each.usd is not None)

    @property
    def known(self) -> bool:
        """Whether every price is known, and is one of this region."""
        return in_table(self.region) and all(each.usd is not None for each in self.states)

    @property
    def words(self) -> str:
        """For a reader: `0.12 USD`, or `at least 0.12 USD` where the price of a machine is not known."""
        least = "at least " if any(each.usd is None for each in self.states) else ""
        return f"{least}{self.usd:.2f} USD"

    @property
    def prices(self) -> str:
        """Whose prices it is reckoned at."""
        return prices_of(self.region)


def in_table(region: str) -> bool:
    """Whether the table has prices of a region."""
    return region in _prices()["regions"]


def prices_of(region: str) -> str:
    """Whose prices the sums of a region are: `list prices of us-east-1 of 2026-11-29`, and why if it is another one."""
    found = f"list prices of {region if in_table(region) else BASE_REGION} of {_prices()['written']}"
    return found if in_table(region) else f"{found}, for those of {region} are not in the table and will differ"


def of_visits(target: Target, visited: Sequence[StateVisit], *, region: str) -> Cost:
    """The cost of the jobs that the visits of states started, each by what its own service says of it."""
    states = [
        StateCost(state=visit.name, machines=machines, usd=price(machines, region=region))
        for visit in visited
        for job in visit.jobs
        if job.counts and job.id
        for machines in _known_machines(target, job)
    ]
    return Cost(region=region, states=states, transitions=len(visited))


def _known_machines(target: Target, job: Job) -> Sequence[Machines]:
    """What a job ran on; of one that its service no longer knows, nothing but that."""
    try:
        return machines_of(target, job)
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        return [Machines(kind="no longer known", count=1.0, seconds=0.0)]


def machines_of(target: Target, job: Job) -> Sequence[Machines]:
    """What a job ran on; a tuning job ran its training jobs on theirs."""
    match job.kind:
        case JobKind.GLUE:
            return [_of_glue(target, job)]
        case JobKind.PROCESSING:
            found = target.client("sagemaker").describe_processing_job(ProcessingJobName=job.name)
            return [_of_instances(found["ProcessingResources"]["ClusterConfig"], run_seconds(target, job))]
        case JobKind.TRAINING:
            return [_of_training(target, job)]
        case JobKind.TUNING:
            pages = (
                target.client("sagemaker")
                .get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
                .paginate(HyperParameterTuningJobName=job.name)
            )
            names = [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]]
            return [_of_training(target, Job(kind=JobKind.TRAINING, name=each)) for each in names]
        case JobKind.LAMBDA:
            return []


def price(machines: Machines, *, region: str) -> float | None:
    """What machines cost, in USD, in a region or by the prices that stand in for it; None where it is not known."""
    known = _region(region)
    worker = _prices()["glue_worker_dpu"].get(machines.kind)
    if worker is not None:
        seconds = max(machines.seconds, GLUE_LEAST_SECONDS)
        return float(worker * machines.count * seconds / HOUR * known["glue_dpu_hour"])
    hourly = known["sagemaker_instance_hour"].get(machines.kind)
    return None if hourly is None else float(hourly * machines.count * machines.seconds / HOUR)


def _of_glue(target: Target, job: Job) -> Machines:
    run = target.client("glue").get_job_run(JobName=job.name, RunId=job.run_id)["JobRun"]
    seconds = float(run.get("ExecutionTime") or run_seconds(target, job))
    return Machines(kind=str(run.get("WorkerType", "")), count=float(run.get("NumberOfWorkers") or 1), seconds=seconds)


def _of_training(target: Target, job: Job) -> Machines:
    found = target.client("sagemaker").describe_training_job(TrainingJobName=job.name)
    seconds = float(found.get("BillableTimeInSeconds") or run_seconds(target, job))
    return _of_instances(found["ResourceConfig"], seconds)


def _of_instances(resources: Mapping[str, Any], seconds: float) -> Machines:
    return Machines(kind=resources["InstanceType"], count=float(resources["InstanceCount"]), seconds=seconds)


def _region(name: str) -> Mapping[str, Any]:
    regions: Mapping[str, Mapping[str, Any]] = _prices()["regions"]
    return regions.get(name, regions[BASE_REGION])


@cache
def _prices() -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(PRICES.read_text(encoding="utf-8"))
    return document
