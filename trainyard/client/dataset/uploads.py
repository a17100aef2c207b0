"""Puts a data set into the raw bucket, which is what starts the workflow; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.contract.sources import FileSettings, Source
from trainyard.run.folders import BY_HAND_FILE, OVERRIDES_FILE, RAW_PREFIX, READY_FILE
from trainyard.run.run import below_dataset
from trainyard.stages.resolve.files import source_of


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An object version that was uploaded."""

    key: str
    version_id: str

    @property
    def name(self) -> str:
        """Its path below the folder of the data set."""
        return below_dataset(self.key)


def key_of(recipe: str, dataset: str, *, name: str, folder: str = RAW_PREFIX) -> str:
    """Where a file of a data set belongs in the raw bucket; only uploads to `raw` and `truth` start something."""
    return f"{folder}/{recipe}/{dataset}/{name}"


def folder_uri(deployment: Deployment, recipe: str, *, dataset: str, folder: str = RAW_PREFIX) -> str:
    """S3 URI of the folder of a data set."""
    return f"s3://{deployment.raw_bucket}/{key_of(recipe, dataset, name='', folder=folder)}"


def remove_earlier(
    deployment: Deployment,
    recipe: str,
    *,
    dataset: str,
    files: Collection[str],
    sources: Sequence[Source],
    settings: Mapping[str, FileSettings],
    folder: str = RAW_PREFIX,
) -> list[str]:
    """Take what was uploaded before to the tables of `files`, and run.json, out of a data set; returns the names.

    Otherwise a table would also have earlier files of other names, and earlier settings would hold for this run. The
    bucket keeps the versions that running executions read.
    """
    replaced = {source_of(each, sources, settings=settings) for each in files}
    # A file that no name tells a table of may be any, and where no table is required, a file of any makes a set.
    if "" in replaced or not any(each.required for each in sources):
        replaced |= {"", *(each.name for each in sources)}
    s3, removed = deployment.target.client("s3"), []
    prefix = key_of(recipe, dataset, name="", folder=folder)
    for name in _names(deployment, prefix):
        if name == OVERRIDES_FILE or source_of(name, sources, settings=settings) in replaced:
            s3.delete_object(Bucket=deployment.raw_bucket, Key=f"{prefix}{name}")
            removed.append(name)
    return removed


def _names(deployment: Deployment, prefix: str) -> Iterator[str]:
    """The objects below a folder of the raw bucket."""
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=deployment.raw_bucket, Prefix=prefix)
    )
    for page in pages:
        yield from (each["Key"].removeprefix(prefix) for each in page.get("Contents", []))


def put_settings(
    deployment: Deployment, recipe: str, *, dataset: str, settings: Mapping[str, Any], folder: str = RAW_PREFIX
) -> Upload:
    """Upload `run.json`."""
    key, body = key_of(recipe, dataset, name=OVERRIDES_FILE, folder=folder), json.dumps(settings, indent=2).encode()
    return _put(deployment, key, body=body, kind="application/json")


def put_ready(deployment: Deployment, recipe: str, *, dataset: str, folder: str = RAW_PREFIX) -> Upload:
    """Upload `_READY`, last of all: nobody waits for more files."""
    return _put(deployment, key_of(recipe, dataset, name=READY_FILE, folder=folder), body=b"", kind="text/plain")


def put_by_hand(deployment: Deployment, recipe: str, *, dataset: str) -> None:
    """Upload `_BY_HAND`, last of all: no upload trains on the files, for somebody starts an execution on them."""
    _put(deployment, key_of(recipe, dataset, name=BY_HAND_FILE), body=b"", kind="text/plain")


def _put(deployment: Deployment, key: str, *, body: bytes, kind: str) -> Upload:
    answer = deployment.target.client("s3").put_object(
        Bucket=deployment.raw_bucket, Key=key, Body=body, ContentType=kind
    )
    return Upload(key=key, version_id=answer.get("VersionId", ""))


def put_files(
    deployment: Deployment,
    recipe: str,
    *,
    dataset: str,
    files: Mapping[str, Path],
    folder: str = RAW_PREFIX,
    on_bytes: Callable[[Path, int], None],
) -> list[Upload]:
    """Upload files, by their names in the data set, one after the other (in parts, when large).

    `on_bytes` is told each time how many bytes went.
    """
    s3 = deployment.target.client("s3")
    uploads: list[Upload] = []
    for name, path in files.items():
        key = key_of(recipe, dataset, name=name, folder=folder)

        def sent(count: int, path: Path = path) -> None:
            on_bytes(path, count)

        s3.upload_file(str(path), deployment.raw_bucket, key, Callback=sent)
        head = s3.head_object(Bucket=deployment.raw_bucket, Key=key)
        uploads.append(Upload(key=key, version_id=head.get("VersionId", "")))
    return uploads
