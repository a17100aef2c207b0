"""Plans what follows when a person approves or rejects a registered version; part of Resolve, in a Lambda.

The event only says which version changed. What is done follows from what registry and champion pointer say now, so that
events which come twice, late or in another order do no harm (docs/decisions/029-approval.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from trainyard.contract.config import RecipeConfig
from trainyard.errors import BadRequest, ConfigError, NotFound, NothingToDo
from trainyard.run import naming, registry
from trainyard.run import recipe as recipes
from trainyard.run.documents import Comparison
from trainyard.run.environment import Environment
from trainyard.run.ledger import CHAMPION
from trainyard.run.plan import NextStep, Plan
from trainyard.run.registry import Version
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.resolve.claim import claim
from trainyard.stages.resolve.endpoint import configuration_of
from trainyard.stages.resolve.plan import planned
from trainyard.stages.resolve.roll_out import at_once
from trainyard.stages.resolve.versions import facts, model_of

# What of a version changed, where SageMaker says so: a note on one that was approved long ago decides nothing.
CHANGED, APPROVAL = "UpdatedModelPackageFields", "ModelApprovalStatus"


@dataclass(frozen=True, kw_only=True)
class Services:
    """The boto3 clients that are asked."""

    s3: Any
    dynamodb: Any
    sagemaker: Any


@dataclass(frozen=True, kw_only=True)
class Known:
    """A version, the run that made it, and the champion pointer of its model; None while it has none."""

    version: Version
    store: RunStore
    config: RecipeConfig
    champion: Mapping[str, str] | None

    @property
    def model(self) -> str:
        """The name of the model in the ledger."""
        return naming.model_of(self.store.run.recipe, self.config)

    @property
    def in_use(self) -> bool:
        return self.champion is not None and self.champion["run_id"] == self.version.run_id


def decided(
    given: Mapping[str, Any], execution: Mapping[str, str], *, environment: Environment, services: Services
) -> Plan:
    """The plan for an execution (`arn`, `name`) that an approval or a rejection started.

    An approved version that is not in use is promoted, a rejected one that is in use is rolled back. Raises NothingToDo
    for every other one, BadRequest and ConfigError for what cannot be done.
    """
    known = _known(_named(given), environment=environment, services=services)
    version, run = known.version, known.store.run
    where = f"version {version.number} of {known.model}, of run {version.run_id},"
    if version.approval not in (registry.APPROVED, registry.REJECTED):
        raise NothingToDo(f"{where} waits for approval again", recipe=run.recipe, dataset=run.dataset)
    if version.approved == known.in_use:
        standing = "in use already" if known.in_use else "rejected, and it is not in use"
        raise NothingToDo(f"{where} is {standing}", recipe=run.recipe, dataset=run.dataset)
    claim(
        f"approval/{given.get('id') or execution['arn']}",
        run,
        execution_arn=execution["arn"],
        ledger_table=environment.ledger_table,
        dynamodb=services.dynamodb,
        doing="on this approval or rejection",
    )
    tags = {**environment.tags, "execution": execution["name"]}
    plan = planned(run, known.config, tags=tags, capture_rules=environment.capture)
    return _promotion(plan, known) if version.approved else _roll_back(plan, known, services=services)


def _named(given: Mapping[str, Any]) -> str:
    """The ARN of the version that an event is about."""
    detail = given.get("detail")
    arn = detail.get("ModelPackageArn") if isinstance(detail, Mapping) else None
    if not isinstance(detail, Mapping) or not isinstance(arn, str):
        raise BadRequest(f"Expected detail.ModelPackageArn in SageMaker's event, found {arn!r:.60}.")
    changed = detail.get(CHANGED)
    if isinstance(changed, list) and APPROVAL not in changed and detail.get(APPROVAL) == registry.APPROVED:
        raise NothingToDo(f"of {arn} only {', '.join(map(str, changed)):.200} changed")
    return arn


def _known(arn: str, *, environment: Environment, services: Services) -> Known:
    try:
        version = registry.described(services.sagemaker.describe_model_package(ModelPackageName=arn))
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise NothingToDo(f"{arn} was deleted") from error
    store = _store(version, environment=environment, s3=services.s3)
    config = _config(store.run)
    key = {"id": {"S": f"{CHAMPION}{naming.model_of(store.run.recipe, config)}"}}
    item = services.dynamodb.get_item(TableName=environment.ledger_table, Key=key, ConsistentRead=True).get("Item")
    champion = None if item is None else {name: each["S"] for name, each in item.items()}
    return Known(version=version, store=store, config=config, champion=champion)


def _store(version: Version, *, environment: Environment, s3: Any) -> RunStore:
    """The run that made a version. Raises NothingToDo for a version of somebody else's."""
    address = urlsplit(version.data)
    if address.netloc == environment.artifacts_bucket:
        try:
            return RunStore.open(s3, f"s3://{address.netloc}/{version.recipe}/{version.run_id}")
        except NotFound:
            pass
    raise NothingToDo(f"{version.arn} was made by no run of this workflow")


def _config(run: Run) -> RecipeConfig:
    try:
        return recipes.config(run.recipe, run.config)
    except ConfigError as error:
        raise BadRequest(
            f"Expected settings of run {run.run_id} that this version of the workflow knows; found others: {error} "
            "Put its model into use with `trainyard promote`, or back with `trainyard rollback`."
        ) from error


def _promotion(plan: Plan, known: Known) -> Plan:
    """Against which champion it was compared decides whether it has to be compared again."""
    compared = known.store.read_document(Stage.EVALUATE, Comparison).champion
    return replace(
        plan,
        outcome=NextStep.PROMOTE,
        reason=f"Version {known.version.number} of {known.model} was approved.",
        version=facts(known.version),
        compared=compared.run_id if compared else "",
    )


def _roll_back(plan: Plan, known: Known, *, services: Services) -> Plan:
    version = known.version
    earlier = registry.one_before(
        registry.versions(services.sagemaker, version.group),
        run_id=version.run_id,
        replaced=(known.champion or {}).get("replaced", ""),
        same_model=lambda each: model_of(each, bucket=known.store.run.artifacts_bucket, s3=services.s3) == known.model,
    )
    if earlier is None:
        raise BadRequest(
            f"Version {version.number} of {known.model} was rejected and is in use. Expected an approved version "
            "before it to go back to, found none; it stays in use. Train a better model, or put a version into use "
            "with `trainyard promote`."
        )
    endpoint = f"{version.group.removesuffix(str(plan.group_name))}{plan.short_name}"
    served = _carried_by(endpoint, sagemaker=services.sagemaker)
    return replace(
        plan,
        outcome=NextStep.ROLL_BACK,
        reason=(
            f"Version {version.number} of {known.model}, of run {version.run_id}, was rejected while it was in use. "
            f"Version {earlier.number} of run {earlier.run_id} is in use in its place"
            + (f", and endpoint {endpoint} gets it." if served is not None else ".")
        ),
        version=facts(earlier),
        # At once: the version in use was rejected. And on what carries it now: instances cannot become serverless.
        deploy={**at_once(dict(plan.deploy or {})), **(served or {}), "enabled": served is not None},
    )


def _carried_by(name: str, *, sagemaker: Any) -> Mapping[str, Any] | None:
    """What carries an endpoint now, as the settings of a deployment say it; None where there is no endpoint."""
    configuration = configuration_of(name, sagemaker=sagemaker)
    if configuration is None:
        return None
    try:
        variant = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"][0]
    except ClientError as error:
        if "Could not find endpoint configuration" not in str(error):
            raise
        # Somebody may have deleted it.
        return {}
    if "InstanceType" in variant:
        machines = {"instance_type": variant["InstanceType"], "instance_count": variant["InitialInstanceCount"]}
        return {"type": "instances", **machines}
    serverless = variant.get("ServerlessConfig")
    if serverless is None:
        return {}
    sizes = {"memory_mb": serverless["MemorySizeInMB"], "max_concurrency": serverless["MaxConcurrency"]}
    return {"type": "serverless", **sizes}
