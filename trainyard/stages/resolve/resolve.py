"""Stage resolve, from top to bottom: read the request, find its files, claim them, write the run, plan; in a Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.contract.config import to_mapping
from trainyard.errors import BadRequest, ConfigError, NothingToDo
from trainyard.run import recipe as recipes
from trainyard.run.environment import Environment
from trainyard.run.plan import NextStep, Plan
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.resolve import duration, files, uploads
from trainyard.stages.resolve.claim import claimed, run_of
from trainyard.stages.resolve.plan import planned
from trainyard.stages.resolve.request import parse

LONGEST_REASON = 4_000


def resolve(
    given: Mapping[str, Any], execution: Mapping[str, str], *, environment: Environment, s3: Any, dynamodb: Any
) -> Plan:
    """The plan for an execution (`arn`, `name`, `started`) with the input `given`; beginning nothing is one too."""
    try:
        return _resolve(given, execution, environment=environment, s3=s3, dynamodb=dynamodb)
    except NothingToDo as idle:
        return Plan(outcome=NextStep.NOTHING, reason=str(idle), recipe=idle.recipe, dataset=idle.dataset)
    except (BadRequest, ConfigError) as refusal:
        return Plan(outcome=NextStep.REFUSED, reason=_bounded(str(refusal)))


def _bounded(reason: str) -> str:
    """A reason that a message and the payload of a state can hold: thousands of wrong settings are refused too."""
    left = len(reason) - LONGEST_REASON
    return reason if left <= 0 else f"{reason[:LONGEST_REASON]} ... ({left:,} characters more)"


def _resolve(
    given: Mapping[str, Any], execution: Mapping[str, str], *, environment: Environment, s3: Any, dynamodb: Any
) -> Plan:
    request = parse(given)
    objects = uploads.latest_objects(request, environment.raw_bucket, s3=s3)
    settings = uploads.settings(objects, environment.raw_bucket, s3=s3)
    forced = {"score": {"enabled": True}} if request.task == "score" else {}
    # Recipe defaults, then the environment's machines, then run.json, then the overrides of a manual start.
    config = recipes.config(request.recipe, {"jobs": environment.job_defaults}, *settings, request.overrides, forced)
    duration.require_in_time(config, task=request.task)
    sources = recipes.sources(request.recipe, config)
    chosen = files.choose(request, objects, config=config, sources=sources)
    run = run_of(
        request, chosen, objects=objects, config=to_mapping(config), execution=execution, environment=environment
    )
    own = claimed(run, environment.ledger_table, dynamodb=dynamodb)
    RunStore(s3, own).write_document(Stage.RESOLVE, own)
    return planned(own, config, tags={**environment.tags, "execution": execution["name"]})
