"""Puts another registered version into use, or takes the one in use back: one write of the ledger; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.model import endpoints, models
from trainyard.client.model.models import Champion
from trainyard.client.run import artifacts
from trainyard.errors import ConfigError, NotFound, TrainyardError
from trainyard.run import recipe as recipes
from trainyard.run import registry
from trainyard.run.ledger import CHAMPION
from trainyard.run.naming import checked_model, model_name
from trainyard.run.registry import APPROVED, REJECTED, Version
from trainyard.run.run import Run
from trainyard.run.stage import Stage

CHANGED = "ConditionalCheckFailedException"
MISSING = ("404", "NoSuchKey", "NoSuchBucket")


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a version would be the model in use of: a name of the ledger, and the settings that mean it."""

    recipe: str
    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """A version that is in use now under the `name` of the ledger, and the run whose model it replaced, if any.

    `rejected` is the version that was rolled back from. `served_run` is the run whose model its endpoint still serves;
    empty where there is no endpoint, and where it serves this version already. `settings` are those by which a release
    finds this model among the others of its `recipe`.
    """

    recipe: str
    settings: Mapping[str, Any]
    name: str
    version: Version
    replaced_run: str = ""
    rejected: Version | None = None
    served_run: str = ""


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """A version that is to come into use in place of the `current` one, whose own version, if it has one, is `bad`."""

    place: Place
    chosen: Version
    current: Champion
    bad: Version | None


def promote(deployment: Deployment, recipe: str, *, version: str, model: str = "") -> Promotion:
    """Put a version, by its number or by the run that made it, into use in place of the one that is.

    A version of one of a recipe's variants takes the place of that variant's model. The endpoint is left as it is.
    Raises NotFound for a version that is not registered or whose archive is gone, TrainyardError for the one in use
    and where another was promoted at the same moment.
    """
    chosen = models.registered_version(deployment, recipe, version=version, model=model)
    place = _place(deployment, recipe, version=chosen, model=model)
    return _put_into_use(deployment, place, chosen=chosen, current=models.find_champion(deployment, place.name))


def rollback(
    deployment: Deployment, recipe: str, *, to: str | None = None, variant: str = "", model: str = ""
) -> Promotion:
    """Put an earlier version into use, the approved one before the one in use unless `to` names it; reject that one.

    Raises NotFound where there is no model in use or none before it, TrainyardError while the one in use is still being
    registered, and what `promote` raises.
    """
    return roll_back(deployment, planned(deployment, recipe, to=to, variant=variant, model=model))


def planned(
    deployment: Deployment, recipe: str, *, to: str | None = None, variant: str = "", model: str = ""
) -> Rollback:
    """What `rollback` would do with these arguments. Raises what it raises, and changes nothing."""
    name = model_name(recipe, variant=variant, model=checked_model(model))
    current = models.find_champion(deployment, name)
    if current is None:
        raise NotFound(f"Expected a model of {name} in use, found none; `trainyard promote` puts a version into use.")
    if to is None:
        chosen = _one_before(deployment, recipe, name=name, model=model, current=current)
    else:
        chosen = models.registered_version(deployment, recipe, version=to, model=model)
    bad = _version_in_use(deployment, recipe, model=model, current=current)
    place = _place(deployment, recipe, version=chosen, model=model)
    if place.name != name:
        raise TrainyardError(
            f"Expected a version of {name}; version {chosen.number} is one of {place.name}. Name its --variant, or use "
            f"`trainyard promote {recipe} {chosen.number}`."
        )
    return Rollback(place=place, chosen=chosen, current=current, bad=bad)


def roll_back(deployment: Deployment, plan: Rollback) -> Promotion:
    """Do what was planned. Raises TrainyardError where another version was promoted since then."""
    return _put_into_use(deployment, plan.place, chosen=plan.chosen, current=plan.current, bad=plan.bad)


def release(deployment: Deployment, done: Promotion) -> tuple[str, str]:
    """Start an execution that puts what is in use now behind its endpoint; returns its ARN and name."""
    return endpoints.release(deployment, done.recipe, overrides=done.settings)


def _place(deployment: Deployment, recipe: str, *, version: Version, model: str) -> Place:
    """Where a version is in use, or would be: the variant that its run trained is part of the name."""
    run = artifacts.of_run(deployment, recipe, run_id=version.run_id).document(Stage.RESOLVE, Run)
    named = {"model": model} if model else {}
    try:
        variant = recipes.config(recipe, run.config).variant if run is not None else ""
    except ConfigError:
        # A run of an earlier version may have settings that the recipe no longer has.
        variant = ""
    settings = {**run.overrides, **named} if run is not None and variant else named
    return Place(recipe=recipe, name=model_name(recipe, variant=variant, model=model), settings=settings)


def _one_before(deployment: Deployment, recipe: str, *, name: str, model: str, current: Champion) -> Version:
    """The approved version of the same model that was in use before the one that is now."""
    found = registry.one_before(
        models.versions(deployment, recipe, model=model),
        run_id=current.run_id,
        replaced=current.replaced,
        same_model=lambda each: _place(deployment, recipe, version=each, model=model).name == name,
    )
    if found is not None:
        return found
    raise NotFound(
        f"Expected an approved version of {name} older than that of run {current.run_id}, which is in use; found none. "
        "See `trainyard models`."
    )


def _of_run(deployment: Deployment, recipe: str, *, model: str, run_id: str) -> Version | None:
    """The version that a run registered, None for a run that has not yet, or broke off before it could."""
    return next((each for each in models.versions(deployment, recipe, model=model) if each.run_id == run_id), None)


def _version_in_use(deployment: Deployment, recipe: str, *, model: str, current: Champion) -> Version | None:
    """The version of the model in use. Raises TrainyardError while its run is about to register it.

    The workflow moves the pointer first. A version that it registered after the pointer was taken back would stay
    approved, and nobody would know that it was rolled back.
    """
    found = _of_run(deployment, recipe, model=model, run_id=current.run_id)
    if found is None and _is_running(deployment, recipe, run_id=current.run_id):
        raise TrainyardError(
            f"Expected a registered version in use; run {current.run_id} is registering its own just now, and nothing "
            "was changed. Call it again in a moment."
        )
    # A run that has ended meanwhile may have registered it.
    return found or _of_run(deployment, recipe, model=model, run_id=current.run_id)


def _is_running(deployment: Deployment, recipe: str, *, run_id: str) -> bool:
    run = artifacts.of_run(deployment, recipe, run_id=run_id).document(Stage.RESOLVE, Run)
    if run is None:
        return False
    try:
        return executions.describe(deployment.target, run.execution_arn).running
    except NotFound:
        # Step Functions forgets executions after 90 days.
        return False


def _put_into_use(
    deployment: Deployment, place: Place, *, chosen: Version, current: Champion | None, bad: Version | None = None
) -> Promotion:
    """Move the pointer and then say so in the registry: whoever finds the pointer finds an archive that is there."""
    if current is not None and current.run_id == chosen.run_id:
        raise TrainyardError(
            f"Expected another version than the one in use; version {chosen.number} of run {chosen.run_id} is the "
            f"model of {place.name} already."
        )
    _require_archive(deployment, chosen)
    _move_pointer(deployment, place.name, version=chosen, current=current)
    _approve(deployment, chosen)
    if bad is not None:
        _reject(deployment, bad, chosen=chosen)
    return Promotion(
        recipe=place.recipe,
        settings=place.settings,
        name=place.name,
        version=chosen,
        replaced_run=current.run_id if current else "",
        rejected=bad,
        served_run=_served_run(deployment, place.name, chosen=chosen),
    )


def _require_archive(deployment: Deployment, version: Version) -> None:
    address = urlsplit(version.data)
    try:
        deployment.target.client("s3").head_object(Bucket=address.netloc, Key=address.path.lstrip("/"))
    except ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
        raise NotFound(
            f"Expected the archive of version {version.number} at {version.data}, found none: it was removed, and the "
            "version cannot be used any more. Train the model again, or choose another."
        ) from error


def _move_pointer(deployment: Deployment, name: str, *, version: Version, current: Champion | None) -> None:
    """The one write that decides, as the state machine's: only if the champion is still the one that was read."""
    unchanged, compared = "attribute_not_exists(id)", dict[str, Any]()
    if current is not None:
        unchanged, compared = "run_id = :read", {"ExpressionAttributeValues": {":read": {"S": current.run_id}}}
    try:
        deployment.target.client("dynamodb").put_item(
            TableName=deployment.ledger_table,
            Item=_pointer(name, version),
            ConditionExpression=unchanged,
            **compared,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != CHANGED:
            raise
        raise TrainyardError(
            f"Expected the model of {name} in use to stay the same meanwhile; another was promoted just now, and "
            "nothing was changed. See `trainyard models`, and call it again."
        ) from error


def _pointer(name: str, version: Version) -> Mapping[str, Mapping[str, str]]:
    """The item as the states "Move champion pointer" and "Note package of champion" leave it."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    texts = {
        "id": f"{CHAMPION}{name}",
        "run_id": version.run_id,
        "model_data": version.data,
        "promoted_at": moment,
        "package": version.arn,
        # Unknown of versions of the first deployments; nothing needs it.
        **({"model_name": version.sagemaker_model} if version.sagemaker_model else {}),
    }
    return {key: {"S": value} for key, value in texts.items()}


def _approve(deployment: Deployment, version: Version) -> None:
    if not version.approved:
        deployment.target.client("sagemaker").update_model_package(
            ModelPackageArn=version.arn, ModelApprovalStatus=APPROVED, ApprovalDescription="Promoted by hand"
        )


def _reject(deployment: Deployment, version: Version, *, chosen: Version) -> None:
    deployment.target.client("sagemaker").update_model_package(
        ModelPackageArn=version.arn,
        ModelApprovalStatus=REJECTED,
        ApprovalDescription=f"Rolled back to version {chosen.number} of run {chosen.run_id}",
    )


def _served_run(deployment: Deployment, name: str, *, chosen: Version) -> str:
    served = endpoints.of_model(deployment, name)
    return served.run if served is not None and served.run != chosen.run_id else ""
