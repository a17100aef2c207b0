"""Tells a model what became true, and reads how good its predictions turned out to be; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainyard.client.dataset import uploads
from trainyard.client.deployment import Deployment
from trainyard.client.execution.watch import Started, Watch
from trainyard.client.run import artifacts
from trainyard.errors import BadRequest
from trainyard.run import recipe as recipes
from trainyard.run.folders import OVERRIDES_FILE, TRUTH_PREFIX
from trainyard.run.naming import ModelParts
from trainyard.run.watch.observed import ObservedQuality

NO_SETTINGS: Mapping[str, Any] = {}


def newest(deployment: Deployment, model: str) -> list[ObservedQuality]:
    """What labels say of a model by its name in the ledger, for each data set: the one told last comes first."""
    listed = artifacts.listed(deployment, f"{TRUTH_PREFIX}/{ModelParts.of(model).recipe}/model={model}/")
    keys = (each.key for each in listed if each.key.endswith(f"/{ObservedQuality.FILE}"))
    found = (artifacts.document(deployment, key) for key in keys)
    documents = [ObservedQuality.from_mapping(each) for each in found if each is not None]
    return sorted(documents, key=lambda each: each.run_id, reverse=True)


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
