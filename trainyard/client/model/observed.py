"""Tells a model what became true, and reads how good its predictions turned out to be; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trainyard.client.dataset import uploads
from trainyard.client.deployment import Deployment
from trainyard.client.execution.watch import Started, Watch
from trainyard.client.run import artifacts
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.errors import BadRequest
from trainyard.run import recipe as recipes
from trainyard.run.folders import OVERRIDES_FILE, TRUTH_PREFIX
from trainyard.run.naming import ModelParts, began
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.watch.observed import ModelQuality, ObservedQuality

NO_SETTINGS: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class VersionQuality:
    """What the labels of a data set that there were at the moment `told` say of the predictions of one version."""

    dataset: str
    told: datetime
    quality: ModelQuality


def newest(deployment: Deployment, model: str) -> list[ObservedQuality]:
    """What labels say of a model by its name in the ledger, for each data set: the one told last comes first."""
    found = _documents(deployment, f"{TRUTH_PREFIX}/{ModelParts.of(model).recipe}/model={model}/")
    return sorted(found, key=lambda each: each.run_id, reverse=True)


def of_version(run: RunArtifacts) -> list[VersionQuality]:
    """What labels say of the version that a run trained, for each data set: the one told last comes first."""
    trained = run.document(Stage.RESOLVE, Run)
    if trained is None:
        return []
    # Of a variant its settings tell the name, which those of an earlier version of the recipe may not any more.
    named = str(trained.config.get("model") or "")
    told = (
        each
        for each in _documents(run.deployment, f"{TRUTH_PREFIX}/{trained.recipe}/")
        if ModelParts.of(each.model).model == named
    )
    return [
        VersionQuality(dataset=each.dataset, told=began(each.run_id), quality=quality)
        for each in sorted(told, key=lambda each: each.run_id, reverse=True)
        for quality in each.models
        if quality.run_id == trained.run_id
    ]


def _documents(deployment: Deployment, prefix: str) -> Iterator[ObservedQuality]:
    for listed in artifacts.listed(deployment, prefix):
        if listed.key.endswith(f"/{ObservedQuality.FILE}"):
            found = artifacts.document(deployment, listed.key)
            # Somebody may have removed it since it was listed.
            if found is not None:
                yield ObservedQuality.from_mapping(found)


def tell(
    deployment: Deployment,
    recipe: str,
    *,
    dataset: str,
    files: Mapping[str, Path],
    settings: Mapping[str, Any] = NO_SETTINGS,
) -> Started:
    """Upload files of labels for what was predicted for a data set, and wait for the execution that they start.

    Files of earlier labels stay: only those of the same names are replaced. `settings` take the place of earlier ones,
    also where there are none; a `run.json` among the files is left out. Raises BadRequest for a recipe whose
    predictions nothing can be told of.
    """
    files = {name: path for name, path in files.items() if name != OVERRIDES_FILE}
    recipes.tables_read(recipe, recipes.config(recipe, settings), task="verify")
    if not files:
        raise BadRequest("Expected a file of labels, or a folder with some; found none.")
    watch = Watch.begin(deployment)
    done = [uploads.put_settings(deployment, recipe, dataset=dataset, settings=settings, folder=TRUTH_PREFIX)]
    done += uploads.put_files(
        deployment, recipe, dataset=dataset, files=files, folder=TRUTH_PREFIX, on_bytes=lambda _path, _count: None
    )
    done.append(uploads.put_ready(deployment, recipe, dataset=dataset, folder=TRUTH_PREFIX))
    return watch.wait(done)
