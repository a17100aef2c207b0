"""What an execution costs in AWS: the machines of its jobs by the second, at the list prices of `run/costs/prices.py`.

What an execution of a local cloud would have cost is told by the same sum: seconds are those of this machine. Storage,
logs, functions and requests are fractions of a cent and left out. Nothing is called known that is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.jobs import Job, JobKind, run_seconds
from trainyard.client.session import Target
from trainyard.run.costs import prices
from trainyard.run.costs.prices import Machines, price

# How services call a job that they have forgotten.
GONE = ("ValidationException", "ResourceNotFound", "EntityNotFoundException")


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
        spent = sum(each.usd for each in self.states if each.usd is not None)
        return self.transitions * prices.transition(self.region) + spent

    @property
    def known(self) -> bool:
        """Whether every price is known, and is one of this region."""
        return prices.in_table(self.region) and all(each.usd is not None for each in self.states)

    @property
    def words(self) -> str:
        """For a reader: `0.12 USD`, or `at least 0.12 USD` where the price of a machine is not known."""
        least = "at least " if any(each.usd is None for each in self.states) else ""
        return f"{least}{self.usd:.2f} USD"

    @property
    def prices(self) -> str:
        """Whose prices it is reckoned at."""
        return prices.prices_of(self.region)


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
