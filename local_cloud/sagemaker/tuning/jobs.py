"""Tuning jobs: many training jobs with hyperparameters that an Optuna search chooses; runs in the server."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from local_cloud.jobs.execution import failure_reason
from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.transfer import RoleClients
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import not_found
from local_cloud.sagemaker.api.kinds import TUNING_JOB
from local_cloud.sagemaker.api.listing import matching, page, summary
from local_cloud.sagemaker.jobs.lifecycle import Jobs
from local_cloud.sagemaker.jobs.training import TrainingJobs
from local_cloud.sagemaker.tuning import requests
from local_cloud.sagemaker.tuning.search import Search, seed_of
from local_cloud.sagemaker.tuning.summaries import child_summary, counters
from local_cloud.sagemaker.tuning.trials import Trials

OBJECTIVE_PARAMETER = "_tuning_objective_metric"
POLL_SECONDS = 0.1
CHILD_MEMBERS = (
    "AlgorithmSpecification", "RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig", "ResourceConfig",
    "StoppingCondition", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining",
    "CheckpointConfig", "Environment",
)  # fmt: skip


class TuningJobs(Jobs):
    """SageMaker's hyperparameter tuning jobs."""

    kind = TUNING_JOB

    def __init__(self, context: Context, *, training: TrainingJobs) -> None:
        self._training = training
        super().__init__(context)

    def create(self, request: Request) -> Record:
        """CreateHyperParameterTuningJob."""
        requests.check(request, tuning_job=self.records.get)
        definition = request["TrainingJobDefinition"]
        objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        static = {**definition.get("StaticHyperParameters", {}), OBJECTIVE_PARAMETER: objective}
        full = {**request, "TrainingJobDefinition": {**definition, "StaticHyperParameters": static}}
        self.begin(full, counters(()), metrics=MetricLog(()), role_arn=definition["RoleArn"])
        return {"HyperParameterTuningJobArn": self.kind.arn(request["HyperParameterTuningJobName"])}

    def run(self, name: str, *, job: RunningJob, clients: RoleClients) -> None:
        del clients
        record = self.require({"HyperParameterTuningJobName": name})
        self.announce(name)
        config = record["HyperParameterTuningJobConfig"]
        search = Search(config, budget=requests.budget(record), seed=seed_of(name, config.get("RandomSeed")))
        for parent in requests.parents(record):
            for child in self.children(parent):
                if child["ObjectiveStatus"] == "Succeeded":
                    search.learn(child["TunedHyperParameters"], child["Value"])
        trials = Trials(record, search, launch=self._launch, training=self._training)
        while trials.advance(stopping=job.stop.is_set()):
            self._refresh(name)
            job.stop.wait(POLL_SECONDS) if not job.stop.is_set() else time.sleep(POLL_SECONDS)
        self._refresh(name)
        self._finish(name, stopped=job.stop.is_set())

    def _finish(self, name: str, *, stopped: bool) -> None:
        children = self.children(name)
        if stopped:
            self.final(name, "Stopped")
        elif children and all(child["TrainingJobStatus"] == "Failed" for child in children):
            reason = children[-1].get("FailureReason", "")
            self.final(name, "Failed", reason=f"All {len(children)} training jobs failed; the last one with: {reason}")
        else:
            self.final(name, "Completed")

    def final(self, name: str, status: str, *, reason: str = "") -> None:
        now = time.time()
        changes: dict[str, Any] = {"HyperParameterTuningJobStatus": status, "HyperParameterTuningEndTime": now}
        if reason:
            changes["FailureReason"] = failure_reason(reason)
        with self.deciding:
            self.records.update(name, LastModifiedTime=now, **changes)
        self.announce(name)

    def children(self, name: str) -> list[Record]:
        """Summaries of a tuning job's training jobs in their order, with the objective's last value as "Value"."""
        tuning = self.records.get(name)
        if tuning is None:
            raise not_found("hyperparameter tuning job", name)
        parent = tuning["HyperParameterTuningJobArn"]
        found = [each for each in self._training.records if each.get("TuningJobArn") == parent]
        objective = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        ordered = sorted(found, key=lambda each: str(each["TrainingJobName"]))
        return [child_summary(each, tuning=name, objective=objective) for each in ordered]

    def list(self, request: Request) -> Record:
        """ListHyperParameterTuningJobs."""
        name, status = self.kind.name_member, self.kind.status_member
        found = matching(self.records, request, name=name, status=status)
        keys = {"CreationTime": "CreationTime", "Name": name, "Status": status}
        shown, more = page(found, request, keys=keys)
        members = (name, self.kind.arn_member, status, "CreationTime", "LastModifiedTime")
        results = ("HyperParameterTuningEndTime", "TrainingJobStatusCounters", "ObjectiveStatusCounters")
        summaries = []
        for each in shown:
            config = each["HyperParameterTuningJobConfig"]
            limits = {"Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}
            summaries.append({**summary(each, *members, *results), **limits})
        return {"HyperParameterTuningJobSummaries": summaries, **more}

    def list_training_jobs(self, request: Request) -> Record:
        """ListTrainingJobsForHyperParameterTuningJob, by objective too; jobs without a value come last."""
        found = matching(
            self.children(request["HyperParameterTuningJobName"]),
            request,
            name="TrainingJobName",
            status="TrainingJobStatus",
        )
        keys = {"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}
        shown, more = page(found, request, keys={**keys, "FinalObjectiveMetricValue": "Value"})
        summaries = [{key: value for key, value in each.items() if key != "Value"} for each in shown]
        return {"TrainingJobSummaries": summaries, **more}

    def _launch(self, record: Record, *, number: int, hyperparameters: dict[str, str]) -> tuple[str, RunningJob]:
        """Start the training job of one trial; returns its name and handle."""
        definition = record["TrainingJobDefinition"]
        tuning = record["HyperParameterTuningJobName"]
        digest = hashlib.sha256(f"{tuning}:{record['CreationTime']}:{number}".encode()).hexdigest()[:8]
        name = f"{tuning}-{number:03d}-{digest}"
        request = {member: definition[member] for member in CHILD_MEMBERS if member in definition}
        request["TrainingJobName"] = name
        request["HyperParameters"] = {**definition["StaticHyperParameters"], **hyperparameters}
        more = {"TuningJobArn": record["HyperParameterTuningJobArn"], "TunedHyperParameters": hyperparameters}
        return name, self._training.start(request, **more)

    def _refresh(self, name: str) -> None:
        """Bring counters and best job up to date where they have changed."""
        changes = counters(self.children(name))
        record = self.require({"HyperParameterTuningJobName": name})
        if any(record.get(member) != value for member, value in changes.items()):
            self.records.update(name, LastModifiedTime=time.time(), **changes)
