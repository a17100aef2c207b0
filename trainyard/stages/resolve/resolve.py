"""Stage resolve, from top to bottom: read the request, find files, let them settle, claim them, plan; in a Lambda."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.contract.quoting import printable
from trainyard.errors import BadRequest, ConfigError, NothingToDo
from trainyard.run import recipe as recipes
from trainyard.run.environment import Environment
from trainyard.run.plan import NextStep, Plan
from trainyard.run.registry import is_decision
from trainyard.run.run import Run
from trainyard.run.settings.overrides import override
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch import capture
from trainyard.stages.resolve import approval, drift_check, duration, files, settling, shadow, uploads
from trainyard.stages.resolve.claim import claim_from_uploads, claimed, run_of
from trainyard.stages.resolve.machines import require_gpu_in_use, require_one_machine
from trainyard.stages.resolve.plan import planned, shown
from trainyard.stages.resolve.request import Request, parse
from trainyard.stages.resolve.settling import Earlier
from trainyard.stages.resolve.uploads import Stored

LONGEST_REASON = 4_000
NOTHING_EARLIER = Earlier()


def _now() -> datetime:
    return datetime.now(UTC)


def resolve(
    given: Mapping[str, Any],
    execution: Mapping[str, str],
    *,
    earlier: Earlier = NOTHING_EARLIER,
    environment: Environment,
    s3: Any,
    dynamodb: Any,
    sagemaker: Any = None,
    now: Callable[[], datetime] = _now,
) -> Plan:
    """The plan for an execution (`arn`, `name`, `started`) with the input `given`; beginning nothing is one too.

    `sagemaker` is asked only where an approval or a rejection started it, for a check for drift, and for a release with
    a version in the shadow.
    """
    found = Stored()
    try:
        if is_decision(given):
            services = approval.Services(s3=s3, dynamodb=dynamodb, sagemaker=sagemaker)
            return approval.decided(given, execution, environment=environment, services=services)
        request = parse(given)
        found = uploads.stored(request, environment.raw_bucket, s3=s3)
        wait = settling.wait_seconds(request, found, earlier=earlier, settling=environment.settling_seconds, now=now())
        plan = _plan(request, found, execution=execution, wait=wait, environment=environment, s3=s3, dynamodb=dynamodb)
        if request.task == "check_drift":
            plan = drift_check.planned(plan, environment=environment, s3=s3, sagemaker=sagemaker, now=now())
        if request.task == "deploy":
            plan = shadow.planned(plan, environment=environment, s3=s3, dynamodb=dynamodb, sagemaker=sagemaker)
    except NothingToDo as idle:
        plan = Plan(outcome=NextStep.NOTHING, reason=str(idle), recipe=idle.recipe, dataset=idle.dataset)
    except (BadRequest, ConfigError) as refusal:
        # Names of settings are what somebody uploaded: a line of their own would look like one of the message's.
        plan = Plan(outcome=NextStep.REFUSED, reason=_bounded(printable(str(refusal))))
    objects = plan.objects or shown({each.name: each.version_id for each in found.objects})
    return replace(plan, waited_seconds=earlier.waited_seconds, objects=objects or None)


def _bounded(reason: str) -> str:
    """A reason that a message and the payload of a state can hold: thousands of wrong settings are refused too."""
    left = len(reason) - LONGEST_REASON
    return reason if left <= 0 else f"{reason[:LONGEST_REASON]} ... ({left:,} characters more)"


def _plan(
    request: Request,
    found: Stored,
    *,
    execution: Mapping[str, str],
    wait: int,
    environment: Environment,
    s3: Any,
    dynamodb: Any,
) -> Plan:
    """The plan for a request. One of a set that has not settled is refused later: what is wrong may change by then."""
    try:
        config = _config(request, found, environment=environment, s3=s3)
        run = _run(request, found, execution=execution, config=config, environment=environment)
    except (BadRequest, ConfigError):
        if not wait:
            raise
    if wait:
        return _settle(request, found, wait=wait)
    own = claimed(run, environment.ledger_table, dynamodb=dynamodb)
    if request.upload is None and request.task == "train" and run.files:
        claim_from_uploads(run, found.objects, ledger_table=environment.ledger_table, dynamodb=dynamodb)
    RunStore(s3, own).write_document(Stage.RESOLVE, own)
    tags = {**environment.tags, "execution": execution["name"]}
    plan = planned(own, config, tags=tags, capture_rules=environment.capture)
    asked = environment.approval and plan.outcome is NextStep.TRAIN
    return replace(plan, approval=True if asked else None, fresh=True if request.fresh else None)


def _config(request: Request, found: Stored, *, environment: Environment, s3: Any) -> RecipeConfig:
    """Recipe defaults, then the environment's machines, then run.json, then the overrides of a manual start."""
    settings = uploads.settings(found.objects, environment.raw_bucket, s3=s3)
    forced = {"score": {"enabled": True}} if request.task == "score" else {}
    config = recipes.config(request.recipe, {"jobs": environment.job_defaults}, *settings, request.overrides, forced)
    _require_allowed(request, settings, config=config, environment=environment)
    require_one_machine(config)
    require_gpu_in_use(config, gpu=environment.gpu)
    capture.require_possible(config.deploy.capture, environment.capture)
    capture.require_comparable(config.deploy, environment.capture)
    shadow.require_release(config, task=request.task)
    duration.require_in_time(config, task=request.task)
    return config


def _require_allowed(
    request: Request, settings: Sequence[Mapping[str, Any]], *, config: RecipeConfig, environment: Environment
) -> None:
    """Raise ConfigError for what the policy lets neither run.json nor the input of a start ask for."""
    default = recipes.config(request.recipe, {"jobs": environment.job_defaults})
    uploaded = functools.reduce(override, settings, default)
    refusals = environment.policy.refusals(
        default,
        uploaded=uploaded,
        started=override(uploaded, request.overrides),
        reads_database=config.reads_database,
    )
    if refusals:
        raise ConfigError(refusals)


def _run(
    request: Request, found: Stored, *, execution: Mapping[str, str], config: RecipeConfig, environment: Environment
) -> Run:
    sources = recipes.tables_read(request.recipe, config, task=request.task)
    chosen = files.choose(request, found.objects, config=config, sources=sources)
    return run_of(
        request, chosen, objects=found.objects, config=to_mapping(config), execution=execution, environment=environment
    )


def _settle(request: Request, found: Stored, *, wait: int) -> Plan:
    return Plan(
        outcome=NextStep.SETTLE,
        reason=f"Data set {request.dataset} has changed just now; it is looked at again in {wait} s.",
        recipe=request.recipe,
        dataset=request.dataset,
        wait_seconds=wait,
        seen=settling.fingerprint(found.objects),
    )
