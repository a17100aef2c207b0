"""Checks the request for a tuning job, and reads its parents and its budget from it; runs in the server."""

from __future__ import annotations

from collections.abc import Callable

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Request
from local_cloud.sagemaker.api.errors import invalid, not_implemented, refuse
from local_cloud.sagemaker.jobs import training_files
from local_cloud.sagemaker.jobs.lifecycle import ENDED
from local_cloud.sagemaker.tuning.ranges import grid_size, ranges


def check(request: Request, *, tuning_job: Callable[[str], Record | None]) -> None:
    """Refuse what the local cloud cannot do, and what AWS would refuse beyond the shape of the request.

    `tuning_job` finds the record of an earlier tuning job by its name.
    """
    refuse(request, "TrainingJobDefinitions", "Autotune")
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
    if definition is None or "HyperParameterTuningJobObjective" not in config:
        raise invalid("Expected TrainingJobDefinition and HyperParameterTuningJobObjective in the request.")
    refuse(definition, "HyperParameterTuningResourceConfig", "HyperParameterRanges")
    training_files.check(definition)
    _check_objective(config, definition)
    known = ranges(config.get("ParameterRanges") or {})
    _check_limits(config, grid_size(known) if config["Strategy"] == "Grid" else None)
    for name in parents(request):
        found = tuning_job(name)
        if found is None or found["HyperParameterTuningJobStatus"] not in ENDED:
            raise invalid(f"The parent {name!r} is not a tuning job that has ended.")


def parents(request: Request) -> list[str]:
    """Names of the tuning jobs that a request starts from."""
    configured = (request.get("WarmStartConfig") or {}).get("ParentHyperParameterTuningJobs", ())
    return [parent["HyperParameterTuningJobName"] for parent in configured]


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


def budget(record: Record) -> int:
    """How many training jobs a tuning job may start: its MaxNumberOfTrainingJobs, or all of a grid."""
    config = record["HyperParameterTuningJobConfig"]
    limit = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    return int(limit or grid_size(ranges(config["ParameterRanges"])))
