"""Finds models in use and registered ones, and fetches them; runs on a laptop."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trainyard.client.deployment import Deployment
from trainyard.errors import JobFailed, NotFound
from trainyard.run import registry
from trainyard.run.ledger import CHAMPION
from trainyard.run.model_archive import unpack
from trainyard.run.naming import checked_model, group_name, model_name
from trainyard.run.registry import Version

ARCHIVE = "model.tar.gz"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A registered model: its name for a reader, and the S3 URI of its archive."""

    name: str
    data: str


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The model in use: the run that trained it, the S3 URI of its archive, and the run whose model it replaced."""

    run_id: str
    data: str
    replaced: str = ""


@dataclass(frozen=True, kw_only=True)
class InUse:
    """A champion and the name it has in the ledger: its recipe, with a variant or a name of its own where it has one.

    `since` is when it was promoted, None for one that an earlier version of the workflow promoted.
    """

    name: str
    recipe: str
    run_id: str
    since: datetime | None = None


def in_use(deployment: Deployment) -> list[InUse]:
    """Every champion of the environment, by its name."""
    pages = (
        deployment.target.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=deployment.ledger_table,
            FilterExpression="begins_with(id, :start)",
            ExpressionAttributeValues={":start": {"S": CHAMPION}},
        )
    )
    found = [_in_use(item) for page in pages for item in page["Items"]]
    return sorted(found, key=lambda each: each.name)


def _in_use(item: Mapping[str, Any]) -> InUse:
    since = item.get("promoted_at", {}).get("S")
    return InUse(
        name=item["id"]["S"].removeprefix(CHAMPION),
        # The archive lies in the folder of the recipe.
        recipe=urlsplit(item["model_data"]["S"]).path.split("/")[1],
        run_id=item["run_id"]["S"],
        since=datetime.fromisoformat(since) if since else None,
    )


def versions(deployment: Deployment, recipe: str, *, model: str = "") -> Iterator[Version]:
    """The registered versions of a recipe, or of a model of its own name, the newest first. Raises BadRequest."""
    return versions_of_group(deployment, group_name(deployment.name, recipe, model=checked_model(model)))


def versions_of_group(deployment: Deployment, group: str) -> Iterator[Version]:
    """The registered versions of a model package group, the newest first."""
    return registry.versions(deployment.target.client("sagemaker"), group)


def find_champion(deployment: Deployment, model: str) -> Champion | None:
    """The champion of a model's name, None while none has passed the gate."""
    key = {"id": {"S": f"{CHAMPION}{model}"}}
    item = deployment.target.client("dynamodb").get_item(TableName=deployment.ledger_table, Key=key).get("Item")
    if item is None:
        return None
    replaced = item.get("replaced", {}).get("S", "")
    return Champion(run_id=item["run_id"]["S"], data=item["model_data"]["S"], replaced=replaced)


def champion(deployment: Deployment, recipe: str, *, variant: str = "", model: str = "") -> Model:
    """The model in use of a recipe, of one of its variants or under a name of its own. Raises NotFound, BadRequest."""
    name = model_name(recipe, variant=variant, model=checked_model(model))
    found = find_champion(deployment, name)
    if found is None:
        train = f"trainyard run {recipe}" + (f" --model {model}" if model else "")
        raise NotFound(f"Expected a model of {name} in use, found none. Train one: `{train}`.")
    return Model(name=f"run {found.run_id}", data=found.data)


def registered(deployment: Deployment, recipe: str, *, version: str, model: str = "") -> Model:
    """A model by its version in the registry, or by the run that made it. Raises NotFound, BadRequest."""
    found = registered_version(deployment, recipe, version=version, model=model)
    return Model(name=f"version {found.number}", data=found.data)


def registered_version(deployment: Deployment, recipe: str, *, version: str, model: str = "") -> Version:
    """A version by its number in the registry, or by the run that made it. Raises NotFound, BadRequest."""
    group = group_name(deployment.name, recipe, model=checked_model(model))
    return registry.find(deployment.target.client("sagemaker"), group, version=version, what=recipe)


def fetch(deployment: Deployment, model: Model, *, directory: Path) -> Path:
    """Download and unpack a model into `directory`/model; raises JobFailed for an archive that is none."""
    address = urlsplit(model.data)
    directory.mkdir(parents=True, exist_ok=True)
    archive = directory / ARCHIVE
    deployment.target.client("s3").download_file(address.netloc, address.path.lstrip("/"), str(archive))
    try:
        folder = unpack(directory, directory / "model")
    except tarfile.TarError as error:
        raise JobFailed(f"Expected the archive of a model at {model.data}, found another file: {error}.") from error
    archive.unlink()
    return folder
