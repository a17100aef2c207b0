"""Finds what was predicted for a data set: files of bulk scorings, and of requests that the model's endpoint kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from trainyard.errors import NotFound
from trainyard.run.documents import ScoreSummary
from trainyard.run.folders import SCORES_PREFIX
from trainyard.run.naming import began
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch import capture

PARQUET = ".parquet"
FETCHED_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A file of a bulk scoring by the model of run `version`, which began at a moment in UTC."""

    path: Path
    version: str
    moment: datetime


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file of requests that an endpoint kept; its rows say which run's model answered, and when."""

    path: Path


def _began(run_id: str) -> datetime:
    """When a run began, in UTC without a zone, as DuckDB has timestamps."""
    return began(run_id).replace(tzinfo=None)


def scored(store: RunStore, model: str, *, until: datetime, scratch: Path) -> Iterator[Scored]:
    """The files of every bulk scoring of the run's data set with a model, one at a time in `scratch`.

    Those that began after `until` (UTC, without a zone) are left out.
    """
    prefix = f"{SCORES_PREFIX}/{store.run.recipe}/model={model}/"
    runs = sorted(each for each in _folders(store, prefix) if _began(each) <= until)
    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        versions = list(pool.map(lambda run_id: _version(store, run_id), runs))
    for run_id, version in zip(runs, versions, strict=True):
        if version:
            for path in _fetched(store, f"{prefix}run={run_id}/", scratch=scratch):
                yield Scored(path=path, version=version, moment=_began(run_id))


def kept(store: RunStore, model: str, *, scratch: Path) -> Iterator[Kept]:
    """The files of requests that the model's endpoint kept, likewise; and of copies that its shadow answered."""
    for name in (model, capture.shadow_of(model)):
        for path in _fetched(store, f"{capture.folder(store.run.recipe, name)}/", scratch=scratch):
            yield Kept(path=path)


def _folders(store: RunStore, prefix: str) -> Iterator[str]:
    """The ids of the runs that have a partition below `prefix`."""
    pages = store.client.get_paginator("list_objects_v2").paginate(
        Bucket=store.run.artifacts_bucket, Prefix=prefix, Delimiter="/"
    )
    for page in pages:
        for each in page.get("CommonPrefixes", ()):
            yield each["Prefix"].removeprefix(f"{prefix}run=").rstrip("/")


def _version(store: RunStore, run_id: str) -> str:
    """The run whose model a run scored with; empty where it scored another data set, or what it was is gone."""
    run = store.of_run(run_id)
    try:
        if run.read_document(Stage.RESOLVE, Run).dataset != store.run.dataset:
            return ""
        return run.read_document(Stage.SCORE, ScoreSummary).model_run
    except NotFound:
        return ""


def _fetched(store: RunStore, prefix: str, *, scratch: Path) -> Iterator[Path]:
    """Every Parquet file below a prefix, some at once: they are small and many; each is gone when the next is asked."""
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=store.run.artifacts_bucket, Prefix=prefix)
    keys = (each["Key"] for page in pages for each in page.get("Contents", ()) if each["Key"].endswith(PARQUET))
    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        for batch in _batches(keys):
            paths = [scratch / f"{place:02d}{PARQUET}" for place, _ in enumerate(batch)]
            there = list(pool.map(partial(_fetch, store), batch, paths))
            for path in (path for path, found in zip(paths, there, strict=True) if found):
                yield path
                path.unlink()


def _fetch(store: RunStore, key: str, path: Path) -> bool:  # noqa: PLR0917 - called by a pool
    """Whether the object was still there: somebody may forget it, or its time be over, once it is listed."""
    try:
        store.client.download_file(store.run.artifacts_bucket, key, str(path))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return False
        raise
    return True


def _batches(keys: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for key in keys:
        batch.append(key)
        if len(batch) == FETCHED_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
