"""Tuning jobs: many training jobs with hyperparameters that an Optuna search chooses; runs in the server."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import Any

from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.transfer import RoleClients
from local_cloud.sagemaker import training_files
from local_cloud.sagemaker.context import Context, Request, arn, refuse
from local_cloud.sagemaker.errors import invalid, not_found, not_implemented
from local_cloud.sagemaker.jobs import ENDED, Jobs, shortened
from local_cloud.sagemaker.listing import matching, page, summary
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.search import Search, grid_size, ranges, seed_of
from local_cloud.sagemaker.training import TrainingJobs
from local_cloud.sagemaker.trials import Trials

OBJECTIVE_PARAMETER = "_tuning_objective_metric"
POLL_SECONDS = 0.1
CHILD_MEMBERS = (
    "AlgorithmSpecification", "RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig", "ResourceConfig",
    "StoppingCondition", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining",
    "CheckpointConfig", "Environment",
)  # fmt: skip


class TuningJobs(Jobs):
    """SageMaker's hyperparameter tuning jobs."""

    kind = "hyper-parameter-tuning-job"
    title = "HyperParameter Tuning Job"
    prefix = "HyperParameterTuningJob"

    def __init__(self, context: Context, training: TrainingJobs) -> None:
        self._training = training
        super().__init__(context)

    def create(self, request: Request) -> Record:
        """CreateHyperParameterTuningJob."""
        self._check(request)
        definition = request["TrainingJobDefinition"]
        objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        static = {**definition.get("StaticHyperParameters", {}), OBJECTIVE_PARAMETER: objective}
        full = {**request, "TrainingJobDefinition": {**definition, "StaticHyperParameters": static}}
        self.begin(full, _counters(()), MetricLog(()), role_arn=definition["RoleArn"])
        return {"HyperParameterTuningJobArn": arn(self.kind, request[self.name_member])}

    def run(self, name: str, job: RunningJob, clients: RoleClients) -> None:
        del clients
        record = self.require({self.name_member: name})
        self.announce(name)
        search = Search(
            record["HyperParameterTuningJobConfig"],
            budget=_budget(record),
            seed=seed_of(name, record["HyperParameterTuningJobConfig"].get("RandomSeed")),
        )
        for parent in (record.get("WarmStartConfig") or {}).get("ParentHyperParameterTuningJobs", ()):
            for child in self.children(parent["HyperParameterTuningJobName"]):
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
            self.final(name, "Failed", f"All {len(children)} training jobs failed; the last one with: {reason}")
        else:
            self.final(name, "Completed")

    def final(self, name: str, status: str, reason: str = "") -> None:
        now = time.time()
        changes: dict[str, Any] = {"HyperParameterTuningJobStatus": status, "HyperParameterTuningEndTime": now}
        if reason:
            changes["FailureReason"] = shortened(reason)
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
        return [_child(each, name, objective) for each in sorted(found, key=lambda each: str(each["TrainingJobName"]))]

    def list(self, request: Request) -> Record:
        """ListHyperParameterTuningJobs."""
        found = matching(self.records, request, name=self.name_member, status=self.status_member)
        keys = {"CreationTime": "CreationTime", "Name": self.name_member, "Status": self.status_member}
        shown, more = page(found, request, keys=keys)
        members = (self.name_member, f"{self.prefix}Arn", self.status_member, "CreationTime", "LastModifiedTime")
        counters = ("HyperParameterTuningEndTime", "TrainingJobStatusCounters", "ObjectiveStatusCounters")
        summaries = []
        for each in shown:
            config = each["HyperParameterTuningJobConfig"]
            limits = {"Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}
            summaries.append({**summary(each, *members, *counters), **limits})
        return {"HyperParameterTuningJobSummaries": summaries, **more}

    def list_training_jobs(self, request: Request) -> Record:
        """ListTrainingJobsForHyperParameterTuningJob, by objective too; jobs without a value come last."""
        found = matching(
            self.children(request[self.name_member]), request, name="TrainingJobName", status="TrainingJobStatus"
        )
        keys = {"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}
        shown, more = page(found, request, keys={**keys, "FinalObjectiveMetricValue": "Value"})
        summaries = [{key: value for key, value in each.items() if key != "Value"} for each in shown]
        return {"TrainingJobSummaries": summaries, **more}

    def _launch(self, record: Record, number: int, hyperparameters: dict[str, str]) -> tuple[str, RunningJob]:
        """Start the training job of one trial; returns its name and handle."""
        definition = record["TrainingJobDefinition"]
        tuning = record[self.name_member]
        digest = hashlib.sha256(f"{tuning}:{record['CreationTime']}:{number}".encode()).hexdigest()[:8]
        name = f"{tuning}-{number:03d}-{digest}"
        request = {member: definition[member] for member in CHILD_MEMBERS if member in definition}
        request["TrainingJobName"] = name
        request["HyperParameters"] = {**definition["StaticHyperParameters"], **hyperparameters}
        more = {"TuningJobArn": record["HyperParameterTuningJobArn"], "TunedHyperParameters": hyperparameters}
        return name, self._training.start(request, **more)

    def _refresh(self, name: str) -> None:
        """Bring counters and best job up to date where they have changed."""
        changes = _counters(self.children(name))
        record = self.require({self.name_member: name})
        if any(record.get(member) != value for member, value in changes.items()):
            self.records.update(name, LastModifiedTime=time.time(), **changes)

    def _check(self, request: Request) -> None:
        refuse(request, "TrainingJobDefinitions", "Autotune")
        config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
        if definition is None or "HyperParameterTuningJobObjective" not in config:
            raise invalid("Expected TrainingJobDefinition and HyperParameterTuningJobObjective in the request.")
        refuse(definition, "HyperParameterTuningResourceConfig", "RetryStrategy", "HyperParameterRanges")
        training_files.check(definition)
        _check_objective(config, definition)
        known = ranges(config.get("ParameterRanges") or {})
        _check_limits(config, grid_size(known) if config["Strategy"] == "Grid" else None)
        for parent in (request.get("WarmStartConfig") or {}).get("ParentHyperParameterTuningJobs", ()):
            found = self.records.get(parent["HyperParameterTuningJobName"])
            if found is None or found["HyperParameterTuningJobStatus"] not in ENDED:
                raise invalid(
                    f"The parent {parent['HyperParameterTuningJobName']!r} is not a tuning job that has ended."
                )


def _check_objective(config: Request, definition: Request) -> None:
    objective = config["HyperParameterTuningJobObjective"]["MetricName"]
    defined = [each["Name"] for each in definition["AlgorithmSpecification"].get("MetricDefinitions", ())]
    if objective not in defined:
        raise invalid(f"The objective metric {objective!r} is not among the MetricDefinitions {defined}.")


def _check_limits(config: Request, combinations: int | None) -> None:
    limits, early = config["ResourceLimits"], config.get("TrainingJobEarlyStoppingType", "Off")
    if combinations is None and "MaxNumberOfTrainingJobs" not in limits:
        raise invalid("MaxNumberOfTrainingJobs is required for every strategy but Grid.")
    if combinations is not None and limits.get("MaxNumberOfTrainingJobs", combinations) != combinations:
        raise invalid(f"MaxNumberOfTrainingJobs of this grid must be {combinations} or left out.")
    if config["Strategy"] == "Hyperband" and early != "Off":
        raise invalid("Hyperband stops jobs by its own rule: TrainingJobEarlyStoppingType must be Off.")
    criteria = config.get("TuningJobCompletionCriteria") or {}
    if set(criteria) - {"TargetObjectiveMetricValue"}:
        raise not_implemented("TuningJobCompletionCriteria other than TargetObjectiveMetricValue")


def _budget(record: Record) -> int:
    config = record["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    return int(limits.get("MaxNumberOfTrainingJobs") or grid_size(ranges(config["ParameterRanges"])))


def _child(record: Record, tuning: str, objective: dict[str, str]) -> Record:
    members = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime")
    shown = summary(record, *members, "TrainingJobStatus", "TunedHyperParameters", "FailureReason")
    finals = {each["MetricName"]: each["Value"] for each in record.get("FinalMetricDataList", ())}
    value = finals.get(objective["MetricName"]) if record["TrainingJobStatus"] in ENDED - {"Failed"} else None
    if value is not None:
        shown["Value"] = value
        shown["FinalHyperParameterTuningJobObjectiveMetric"] = {**objective, "Value": value}
    pending = record["TrainingJobStatus"] not in ENDED
    shown["ObjectiveStatus"] = "Pending" if pending else "Failed" if value is None else "Succeeded"
    return {**shown, "TuningJobName": tuning}


def _counters(children: Iterable[Record]) -> Record:
    """Counters of a tuning job, and its best training job where one has a value."""
    listed = list(children)
    states = [each["TrainingJobStatus"] for each in listed]
    jobs = {state: states.count(state) for state in ("Completed", "Stopped")}
    jobs |= {"InProgress": states.count("InProgress") + states.count("Stopping")}
    jobs |= {"RetryableError": 0, "NonRetryableError": states.count("Failed")}
    objectives = [each["ObjectiveStatus"] for each in listed]
    result: Record = {
        "TrainingJobStatusCounters": jobs,
        "ObjectiveStatusCounters": {each: objectives.count(each) for each in ("Succeeded", "Pending", "Failed")},
    }
    scored = [each for each in listed if "Value" in each]
    if scored:
        minimize = scored[0]["FinalHyperParameterTuningJobObjectiveMetric"]["Type"] == "Minimize"
        best = min(scored, key=lambda each: each["Value"] if minimize else -each["Value"])
        result["BestTrainingJob"] = {key: value for key, value in best.items() if key != "Value"}
    return result
