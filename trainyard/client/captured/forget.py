"""Removes what was kept about an id: requests, scores and labels, in every version; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from botocore.exceptions import ClientError

from trainyard.client.captured import matching
from trainyard.client.captured.matching import Wanted
from trainyard.client.deployment import Deployment
from trainyard.errors import TrainyardError
from trainyard.run.folders import SCORES_PREFIX, TRUTH_PREFIX
from trainyard.run.watch.capture import PREFIX, folder, shadow_of

PARQUET = ".parquet"
# What S3 says where a version is no longer the one that is read.
CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "NoSuchVersion"}


@dataclass(frozen=True, kw_only=True)
class Held:
    """A version of a file with so many rows about an id; `current` is the one that is read."""

    key: str
    version_id: str
    rows: int
    current: bool


def found(deployment: Deployment, wanted: Wanted, *, recipe: str = "", model: str = "") -> Iterator[Held]:
    """The versions of files of kept requests, scores and labels that have rows about an id, by key.

    Of one recipe, or of one model (by its name in the ledger) and its shadow, where they are given. Every file is read.
    """
    s3 = deployment.target.client("s3")
    for prefix in _prefixes(recipe, model):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=deployment.artifacts_bucket, Prefix=prefix)
        for each in (each for page in pages for each in page.get("Versions", ()) if each["Key"].endswith(PARQUET)):
            content, _ = _content(deployment, each["Key"], version_id=each["VersionId"])
            if rows := matching.count(content, wanted):
                yield Held(key=each["Key"], version_id=each["VersionId"], rows=rows, current=each["IsLatest"])


def remove(deployment: Deployment, held: Iterable[Held], *, wanted: Wanted) -> Iterator[Held]:
    """Write each file anew without the rows about an id, then delete the versions that had them; gives those back.

    In this order, so that one that breaks off loses nothing else, and can be called again. Raises TrainyardError for a
    file that somebody else wrote meanwhile.
    """
    s3, bucket = deployment.target.client("s3"), deployment.artifacts_bucket
    for key, versions in groupby(held, key=lambda each: each.key):
        listed = list(versions)
        for each in (each for each in listed if each.current):
            _rewrite(deployment, each, wanted=wanted)
        for each in listed:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=each.version_id)
            yield each


def _prefixes(recipe: str, model: str) -> list[str]:
    if not recipe:
        return [f"{PREFIX}/", f"{SCORES_PREFIX}/", f"{TRUTH_PREFIX}/"]
    of_model = f"model={model}/" if model else ""
    tables = (f"{each}/{recipe}/{of_model}" for each in (SCORES_PREFIX, TRUTH_PREFIX))
    requests = [folder(recipe, each) for each in ((model, shadow_of(model)) if model else ("",))]
    return [*(f"{each}/" for each in requests), *tables]


def _rewrite(deployment: Deployment, held: Held, *, wanted: Wanted) -> None:
    """Put a file without the rows in its place, only if it is as it was: else what another call removed came back."""
    try:
        content, tag = _content(deployment, held.key, version_id=held.version_id)
        deployment.target.client("s3").put_object(
            Bucket=deployment.artifacts_bucket, Key=held.key, Body=matching.without(content, wanted), IfMatch=tag
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in CHANGED:
            raise
        raise TrainyardError(
            f"Expected {held.key} as it was found, but it was written or deleted meanwhile. Call it again for the rest."
        ) from error


def _content(deployment: Deployment, key: str, *, version_id: str) -> tuple[bytes, str]:
    """A version of a file, and its tag."""
    answer = deployment.target.client("s3").get_object(
        Bucket=deployment.artifacts_bucket, Key=key, VersionId=version_id
    )
    content: bytes = answer["Body"].read()
    return content, str(answer["ETag"])
