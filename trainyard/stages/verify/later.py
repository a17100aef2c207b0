"""Finds a verification of the same data set and model that began later and has ended before; processing image.

The one that ends last need not be the one that began last: a job may be redriven after days. What it read is older.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.errors import ConfigError, NotFound
from trainyard.run import naming, recipe
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch.observed import ObservedQuality


def model_of(run: Run) -> str:
    """The name in the ledger of the model that a run's labels are about. Raises ConfigError."""
    return naming.model_of(run.recipe, recipe.config(run.recipe, run.config))


def later(store: RunStore) -> str:
    """The run that has judged newer labels of the same data set and model already; empty where there is none."""
    return next((each for each in _ended_later(store) if _is_alike(store, each)), "")


def _ended_later(store: RunStore) -> Iterator[str]:
    """The runs of the recipe that began later and have left what labels say, the newest first."""
    prefix = f"{store.run.recipe}/"
    pages = store.client.get_paginator("list_objects_v2").paginate(
        Bucket=store.run.artifacts_bucket, Prefix=prefix, Delimiter="/"
    )
    runs = [
        each["Prefix"].removeprefix(prefix).rstrip("/") for page in pages for each in page.get("CommonPrefixes", ())
    ]
    for run_id in sorted((each for each in runs if each > store.run.run_id), reverse=True):
        key = store.of_run(run_id).run.key(Stage.VERIFY, ObservedQuality.FILE)
        if store.client.list_objects_v2(Bucket=store.run.artifacts_bucket, Prefix=key).get("Contents"):
            yield run_id


def _is_alike(store: RunStore, run_id: str) -> bool:
    """Not of a run that is gone, or whose settings are of a version of the recipe that this code does not know."""
    try:
        found = store.of_run(run_id).request()
        return found.dataset == store.run.dataset and model_of(found) == model_of(store.run)
    except (NotFound, ConfigError):
        return False
