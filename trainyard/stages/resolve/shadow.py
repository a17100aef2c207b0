"""Finds the version that answers in the shadow of the model in service, where a release asks for one; in a Lambda."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trainyard.contract.config import RecipeConfig, Shadow
from trainyard.errors import BadRequest, ConfigError, NotFound
from trainyard.run import recipe as recipes
from trainyard.run import registry
from trainyard.run.environment import Environment
from trainyard.run.ledger import CHAMPION
from trainyard.run.naming import endpoint_name
from trainyard.run.plan import Plan
from trainyard.run.registry import REJECTED, Version
from trainyard.run.run import Task
from trainyard.run.store import RunStore
from trainyard.run.watch import capture
from trainyard.stages.resolve.versions import facts, model_of


def require_release(config: RecipeConfig, *, task: Task) -> None:
    """Raise ConfigError where a version is asked for that a run of this task puts into nobody's shadow."""
    version = config.deploy.shadow.version
    if version and task != "deploy":
        raise ConfigError(
            [
                f"deploy.shadow.version: the run asks for {version!r}, but only a release puts a version into the "
                "shadow of the model in service. Leave it out, and use `trainyard release RECIPE --shadow VERSION`."
            ]
        )


def planned(plan: Plan, *, environment: Environment, s3: Any, dynamodb: Any, sagemaker: Any) -> Plan:
    """The plan of a release with its challenger, where it asks for one (`deploy.challenger`); else the plan itself.

    Raises BadRequest for a version that is not registered, was rejected, is in use, or is one of another model.
    """
    run = RunStore.open(s3, str(plan.uri)).run
    config = recipes.config(plan.recipe, run.config)
    wanted = config.deploy.shadow
    if not wanted.version:
        return plan
    group = endpoint_name(environment.prefix, str(plan.group_name))
    version = _found(wanted.version, group, model=str(plan.model), sagemaker=sagemaker)
    _require_challenger(version, plan, environment=environment, s3=s3, dynamodb=dynamodb)
    # It keeps all that it is asked: of each copied request that the model in service keeps, both answers are there.
    kept = capture.planned(
        config.deploy.capture,
        environment.capture,
        bucket=run.artifacts_bucket,
        recipe=run.recipe,
        model=capture.shadow_of(str(plan.model)),
    )
    challenger = {
        **facts(version),
        "share": wanted.share,
        "variables": capture.variables(replace(kept, share=1.0) if kept else None),
        "sentence": _sentence(version, wanted, keeps=kept is not None),
    }
    return replace(plan, deploy={**(plan.deploy or {}), "challenger": challenger})


def _found(wanted: str, group: str, *, model: str, sagemaker: Any) -> Version:
    try:
        return registry.find(sagemaker, group, version=wanted, what=model)
    except NotFound as error:
        raise BadRequest(f"deploy.shadow.version: {error} See `trainyard models`.") from error


def _require_challenger(version: Version, plan: Plan, *, environment: Environment, s3: Any, dynamodb: Any) -> None:
    what = f"version {version.number} of run {version.run_id}"
    key = {"id": {"S": f"{CHAMPION}{plan.model}"}}
    item = dynamodb.get_item(TableName=environment.ledger_table, Key=key, ConsistentRead=True).get("Item", {})
    if item.get("run_id", {}).get("S") == version.run_id:
        raise BadRequest(f"Expected a version that is not in use in deploy.shadow.version; {what} is the one in use.")
    if version.approval == REJECTED:
        raise BadRequest(
            f"Expected a version that nobody rejected in deploy.shadow.version; {what} was rejected. Choose another."
        )
    model = model_of(version, bucket=environment.artifacts_bucket, s3=s3)
    if model != plan.model:
        raise BadRequest(
            f"Expected a version of {plan.model} in deploy.shadow.version; {what} is "
            + (f"one of {model}." if model else "of no run of this environment.")
        )


def _sentence(version: Version, wanted: Shadow, *, keeps: bool) -> str:
    kept = (
        "what both answered is kept (`trainyard shadow`)"
        if keeps
        else "its endpoint keeps no answers, so that only failures and latency are seen"
    )
    return (
        f"In its shadow: version {version.number} of run {version.run_id}, which answers copies of "
        f"{wanted.share * 100:.3g}% of the requests; {kept}."
    )
