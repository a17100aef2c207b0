"""The small JSON that Resolve hands to the state machine, in the terms that SageMaker's requests need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.config import Range, RecipeConfig, to_mapping
from trainyard.progress import metric_regex
from trainyard.recipe import has
from trainyard.run import Run


def train_plan(run: Run, config: RecipeConfig, tags: Mapping[str, str]) -> dict[str, Any]:
    """What the machine needs to train on a complete, claimed set, or to score it."""
    return {
        "outcome": run.task,
        "reason": f"All files of data set {run.dataset} are there.",
        "recipe": run.recipe,
        "model": model_name(run.recipe, config),
        "run_id": run.run_id,
        "dataset": run.dataset,
        "fingerprint": run.fingerprint,
        "uri": f"s3://{run.artifacts_bucket}/{run.prefix}",
        "prefix": run.prefix,
        "tune": config.tune,
        "deploy": to_mapping(config.deploy),
        "score": config.score.enabled,
        "register": config.reads_database and has(run.recipe, "register"),
        "jobs": to_mapping(config.jobs),
        "hyperparameters": hyperparameters(config),
        "tuning": tuning(config),
        "tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "objects": {each.filename: each.version_id for each in run.files},
    }


def fan_out_plan(run: Run) -> dict[str, Any]:
    """What the machine needs to start one child execution per model."""
    return {
        "outcome": "fan_out",
        "reason": f"Recipe {run.recipe} trains several models from data set {run.dataset}, each in its own execution.",
        "recipe": run.recipe,
        "run_id": run.run_id,
        "dataset": run.dataset,
        "uri": f"s3://{run.artifacts_bucket}/{run.prefix}",
        "prefix": run.prefix,
    }


def model_name(recipe: str, config: RecipeConfig) -> str:
    """What champion pointer and endpoint are named after: the recipe, and the variant where it has several models."""
    return f"{recipe}-{config.variant}" if config.variant else recipe


def endpoint_name(prefix: str, model: str) -> str:
    """The endpoint of a model (`model_name`) in the environment whose names begin with `prefix`, as in the machine.

    >>> endpoint_name("trainyard-dev", "two_tower")
    'trainyard-dev-two-tower'
    """
    return f"{prefix}-{model.replace('_', '-')}"


def stop_plan(outcome: str, reason: str, *, recipe: str = "", dataset: str = "") -> dict[str, Any]:
    """An execution that has nothing to work on: `nothing` (green) or `refused`."""
    return {"outcome": outcome, "reason": reason, "recipe": recipe, "dataset": dataset}


def hyperparameters(config: RecipeConfig) -> dict[str, str]:
    """Every hyperparameter as the text that SageMaker carries."""
    return {name: _text(value) for name, value in to_mapping(config.hyperparameters).items()}


def tuning(config: RecipeConfig) -> dict[str, Any]:
    """The parts of CreateHyperParameterTuningJob that depend on the recipe: `config`, `static`, `metrics`."""
    search = config.tuning
    request: dict[str, Any] = {
        "Strategy": search.strategy,
        "HyperParameterTuningJobObjective": {"Type": search.direction, "MetricName": search.objective},
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": search.total_jobs,
            "MaxParallelTrainingJobs": min(search.parallel_jobs, search.total_jobs),
        },
        "ParameterRanges": _ranges(search.ranges),
        "TrainingJobEarlyStoppingType": "Auto" if search.early_stopping else "Off",
        "RandomSeed": config.seed,
    }
    fixed = {name: value for name, value in hyperparameters(config).items() if name not in search.ranges}
    names = dict.fromkeys((search.objective, *search.metrics))
    return {
        "config": request,
        "static": fixed,
        "metrics": [{"Name": name, "Regex": metric_regex(name)} for name in names],
    }


def _ranges(ranges: Mapping[str, Range]) -> dict[str, list[dict[str, Any]]]:
    rendered: dict[str, list[dict[str, Any]]] = {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    for name, each in ranges.items():
        if each.type == "categorical":
            rendered["CategoricalParameterRanges"].append({"Name": name, "Values": list(each.values)})
            continue
        number = (lambda value: str(int(value))) if each.type == "integer" else repr
        rendered[f"{each.type.capitalize()}ParameterRanges"].append(
            {
                "Name": name,
                "MinValue": number(each.minimum),
                "MaxValue": number(each.maximum),
                "ScalingType": each.scaling,
            }
        )
    return rendered


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
