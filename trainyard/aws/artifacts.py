"""Reads and downloads what runs left in the artifacts bucket; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from trainyard.aws.deployment import Deployment
from trainyard.errors import TrainyardError


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One object that a run made."""

    key: str
    size: int
    modified: datetime


def listed(deployment: Deployment, prefix: str) -> Iterator[Artifact]:
    """The artifacts under a key prefix, by key."""
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=deployment.artifacts_bucket, Prefix=prefix)
    )
    for page in pages:
        for each in page.get("Contents", []):
            yield Artifact(key=each["Key"], size=each["Size"], modified=each["LastModified"])


def run_ids(deployment: Deployment, recipe: str) -> list[str]:
    """The runs of a recipe that left something, the newest first: a run id begins with its time."""
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=deployment.artifacts_bucket, Prefix=f"{recipe}/", Delimiter="/")
    )
    folders = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    return sorted((each.split("/")[1] for each in folders), reverse=True)


def document(deployment: Deployment, key: str) -> Any:
    """A JSON artifact, None when there is none."""
    try:
        answer = deployment.target.client("s3").get_object(Bucket=deployment.artifacts_bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
    return json.loads(answer["Body"].read())


def download(deployment: Deployment, artifact: Artifact, directory: Path) -> Path:
    """Fetch an artifact to the same path below `directory`; raises TrainyardError for a key that would leave it."""
    path = directory / artifact.key
    if not path.resolve().is_relative_to(directory.resolve()):
        raise TrainyardError(f"Expected a key inside {directory}, found {artifact.key!r}; it was not downloaded.")
    path.parent.mkdir(parents=True, exist_ok=True)
    deployment.target.client("s3").download_file(deployment.artifacts_bucket, artifact.key, str(path))
    return path
