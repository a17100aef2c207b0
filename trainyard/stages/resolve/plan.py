"""Plans a claimed run in the terms that SageMaker's requests need."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainyard.contract.config import Range, RecipeConfig
from trainyard.contract.training.progress import metric_regex
from trainyard.run.naming import model_name, model_of, short_name
from trainyard.run.plan import NextStep, Plan
from trainyard.run.recipe import has
from trainyard.run.run import Run
from trainyard.run.watch import capture
from trainyard.run.watch.capture import CaptureRules
from trainyard.stages.resolve import duration, roll_out

# A state passes on 256 KiB, and a name may have a thousand characters.
MOST_SHOWN = 100


def planned(
    run: Run, config: RecipeConfig, *, tags: Mapping[str, str], capture_rules: CaptureRules | None = None
) -> Plan:
    """What the machine needs for a complete, claimed set: to train on it, to score it, or to start its children."""
    plan = Plan(
        outcome=NextStep.FAN_OUT,
        reason=f"Recipe {run.recipe} trains several models from data set {run.dataset}, each in its own execution.",
        recipe=run.recipe,
        dataset=run.dataset,
        run_id=run.run_id,
        prefix=run.prefix,
        uri=f"s3://{run.artifacts_bucket}/{run.prefix}",
    )
    if config.fans_out and run.task == "train":
        return replace(plan, most_children=duration.most_children(config), children_rule=duration.children_rule(config))
    own = {"recipe": run.recipe, "dataset": run.dataset, "run": run.run_id}
    model = model_of(run.recipe, config)
    return replace(
        plan,
        outcome=NextStep(run.task),
        reason=f"All files of data set {run.dataset} are there.",
        model=model,
        short_name=short_name(model),
        group_name=short_name(model_name(run.recipe, model=config.model)),
        own_group=bool(config.model),
        fingerprint=run.fingerprint,
        tune=config.tune,
        deploy={
            **run.config["deploy"],
            **roll_out.planned(config.deploy, model=model, rules=capture_rules),
            "variables": _variables(run, config, rules=capture_rules),
        },
        score=config.score.enabled,
        register=config.reads_database and has(run.recipe, "register"),
        jobs=run.config["jobs"],
        hyperparameters=hyperparameters(run.config["hyperparameters"]),
        tuning=tuning(config, hyperparameters(run.config["hyperparameters"])),
        tags=tuple({"Key": key, "Value": value} for key, value in {**tags, **own}.items()),
        objects=shown({each.name: each.version_id for each in run.files}),
    )


def _variables(run: Run, config: RecipeConfig, *, rules: CaptureRules | None) -> dict[str, str]:
    """What the container of the endpoint is told of the requests that it keeps; nothing where it keeps none."""
    if not (config.deploy.enabled or run.task == "deploy"):
        return {}
    model = model_of(run.recipe, config)
    return capture.variables(
        capture.planned(config.deploy.capture, rules, bucket=run.artifacts_bucket, recipe=run.recipe, model=model)
    )


def shown(versions: Mapping[str, str]) -> Mapping[str, str]:
    """Versions of files by name, as many as a state's JSON has room for."""
    return dict(itertools.islice(versions.items(), MOST_SHOWN))


def hyperparameters(values: Mapping[str, Any]) -> dict[str, str]:
    """Every hyperparameter that is set as the text that SageMaker carries."""
    given = {name: value for name, value in values.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def tuning(config: RecipeConfig, texts: Mapping[str, str]) -> dict[str, Any]:
    """The parts of CreateHyperParameterTuningJob that depend on the recipe: `config`, `static`, `metrics`.

    `texts` are all hyperparameters; those that are searched for do not stand among the static ones.
    """
    search = config.tuning
    request: dict[str, Any] = {
        "Strategy": search.strategy,
        "HyperParameterTuningJobObjective": {"Type": search.direction, "MetricName": search.objective},
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": search.total_jobs,
            "MaxParallelTrainingJobs": min(search.parallel_jobs, search.total_jobs),
            "MaxRuntimeInSeconds": duration.tuning_limit(config),
        },
        "ParameterRanges": _ranges(search.ranges),
        "TrainingJobEarlyStoppingType": "Auto" if search.early_stopping else "Off",
        "RandomSeed": config.seed,
    }
    fixed = {name: value for name, value in texts.items() if name not in search.ranges}
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
