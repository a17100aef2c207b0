"""Reads and downloads what runs left in the artifacts bucket; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.errors import JobFailed, NotFound, TrainyardError
from trainyard.run.document import Document
from trainyard.run.naming import run_prefix
from trainyard.run.stage import Stage

DocumentT = TypeVar("DocumentT", bound=Document)


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One object that a run made."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, kw_only=True)
class RunArtifacts:
    """Everything that one run left; `prefix` is its folder in the artifacts bucket (`Plan.prefix`)."""

    deployment: Deployment
    prefix: str

    @property
    def uri(self) -> str:
        """S3 URI of the run's folder."""
        return f"s3://{self.deployment.artifacts_bucket}/{self.prefix}"

    def uri_of(self, stage: Stage, name: str) -> str:
        """S3 URI of something that a stage wrote."""
        return f"{self.uri}/{stage}/{name}"

    def listed(self) -> Iterator[Artifact]:
        """The run's artifacts, by key."""
        return listed(self.deployment, f"{self.prefix}/")

    def listed_under(self, folder: str) -> Iterator[Artifact]:
        """Those of the run's artifacts whose path begins with `folder`."""
        return listed(self.deployment, f"{self.prefix}/{folder}")

    def opened(self, path: str) -> tuple[Any, int]:
        """The content of a file of the run, to be read as it comes, and its size in bytes. Raises NotFound."""
        answer = _answer(self.deployment, f"{self.prefix}/{path}")
        if answer is None:
            raise NotFound(f"Expected a file of the run, found none at {path!r:.200}.")
        return answer["Body"], answer["ContentLength"]

    def json(self, stage: Stage, name: str) -> Any:
        """A JSON file that a stage wrote, None when there is none."""
        return document(self.deployment, f"{self.prefix}/{stage}/{name}")

    def document(self, stage: Stage, kind: type[DocumentT]) -> DocumentT | None:
        """The document of a stage, None when there is none. Raises JobFailed for one that cannot be read."""
        content = self.json(stage, kind.FILE)
        return None if content is None else kind.from_mapping(content)


def of_run(deployment: Deployment, recipe: str, *, run_id: str) -> RunArtifacts:
    """What a run of a recipe left."""
    return RunArtifacts(deployment=deployment, prefix=run_prefix(recipe, run_id))


def run_ids(deployment: Deployment, recipe: str) -> list[str]:
    """The runs of a recipe that left something, the newest first: a run id begins with its time."""
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=deployment.artifacts_bucket, Prefix=f"{recipe}/", Delimiter="/")
    )
    folders = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    return sorted((each.split("/")[1] for each in folders), reverse=True)


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


def document(deployment: Deployment, key: str) -> Any:
    """A JSON artifact, None when there is none. Raises JobFailed for content that is no JSON."""
    answer = _answer(deployment, key)
    if answer is None:
        return None
    content = answer["Body"].read()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f"s3://{deployment.artifacts_bucket}/{key}"
        raise JobFailed(f"Expected JSON at {where}, found other content ({error!s:.100}). Run it again.") from error


def download(deployment: Deployment, artifact: Artifact, *, directory: Path) -> Path:
    """Fetch an artifact to the same path below `directory`; raises TrainyardError for a key that would leave it."""
    path = directory / artifact.key
    if not path.resolve().is_relative_to(directory.resolve()):
        raise TrainyardError(f"Expected a key inside {directory}, found {artifact.key!r}; it was not downloaded.")
    path.parent.mkdir(parents=True, exist_ok=True)
    deployment.target.client("s3").download_file(deployment.artifacts_bucket, artifact.key, str(path))
    return path


def _answer(deployment: Deployment, key: str) -> Any:
    """What S3 answers to the request for an artifact, None when there is none."""
    try:
        return deployment.target.client("s3").get_object(Bucket=deployment.artifacts_bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
