"""Puts a data set into the raw bucket, which is what starts the workflow; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.contract.sources import Source
from trainyard.run.folders import OVERRIDES_FILE, RAW_PREFIX


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An object version that was uploaded."""

    key: str
    version_id: str

    @property
    def filename(self) -> str:
        return self.key.rsplit("/", 1)[-1]


def key_of(recipe: str, dataset: str, *, filename: str, folder: str = RAW_PREFIX) -> str:
    """Where a file of a data set belongs in the raw bucket; an upload to another folder than `raw` starts nothing."""
    return f"{folder}/{recipe}/{dataset}/{filename}"


def folder_uri(deployment: Deployment, recipe: str, *, dataset: str, folder: str = RAW_PREFIX) -> str:
    """S3 URI of the folder of a data set."""
    return f"s3://{deployment.raw_bucket}/{key_of(recipe, dataset, filename='', folder=folder)}"


def remove_earlier(
    deployment: Deployment,
    recipe: str,
    *,
    dataset: str,
    files: Sequence[Path],
    sources: Sequence[Source],
    folder: str = RAW_PREFIX,
) -> list[str]:
    """Take what was uploaded before to the tables of `files`, and run.json, out of a data set; returns the names.

    The set is then incomplete until the last file has arrived, so that only that one starts to train, and settings of
    an earlier run do not hold for this one. The bucket keeps the versions that running executions read.
    """
    replaced = [each for each in sources if any(each.accepts(path.name) for path in files)]
    # Where no table is required, a file of any of them makes the set complete.
    tables = replaced if any(each.required for each in sources) else sources
    s3, removed = deployment.target.client("s3"), []
    prefix = key_of(recipe, dataset, filename="", folder=folder)
    for name in _names(deployment, prefix):
        if name == OVERRIDES_FILE or any(each.accepts(name) for each in tables):
            s3.delete_object(Bucket=deployment.raw_bucket, Key=f"{prefix}{name}")
            removed.append(name)
    return removed


def _names(deployment: Deployment, prefix: str) -> Iterator[str]:
    """The objects right in a folder of the raw bucket."""
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=deployment.raw_bucket, Prefix=prefix, Delimiter="/")
    )
    for page in pages:
        yield from (each["Key"].removeprefix(prefix) for each in page.get("Contents", []))


def put_settings(deployment: Deployment, recipe: str, *, dataset: str, settings: Mapping[str, Any]) -> Upload:
    """Upload `run.json`. It goes first: the upload that completes the set must find it."""
    key = key_of(recipe, dataset, filename=OVERRIDES_FILE)
    body = json.dumps(settings, indent=2).encode()
    answer = deployment.target.client("s3").put_object(
        Bucket=deployment.raw_bucket, Key=key, Body=body, ContentType="application/json"
    )
    return Upload(key=key, version_id=answer.get("VersionId", ""))


def put_files(
    deployment: Deployment,
    recipe: str,
    *,
    dataset: str,
    files: Iterable[Path],
    folder: str = RAW_PREFIX,
    on_bytes: Callable[[Path, int], None],
) -> list[Upload]:
    """Upload files one after the other (in parts, when large), telling `on_bytes` how many bytes went each time."""
    s3 = deployment.target.client("s3")
    uploads: list[Upload] = []
    for path in files:
        key = key_of(recipe, dataset, filename=path.name, folder=folder)

        def sent(count: int, path: Path = path) -> None:
            on_bytes(path, count)

        s3.upload_file(str(path), deployment.raw_bucket, key, Callback=sent)
        head = s3.head_object(Bucket=deployment.raw_bucket, Key=key)
        uploads.append(Upload(key=key, version_id=head.get("VersionId", "")))
    return uploads
