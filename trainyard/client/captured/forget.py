"""Removes what endpoints and bulk scorings kept about an id, in every version of every file; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from trainyard.client.captured import matching
from trainyard.client.captured.matching import Wanted
from trainyard.client.deployment import Deployment
from trainyard.run.capture import PREFIX, folder
from trainyard.run.folders import SCORES_PREFIX

PARQUET = ".parquet"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A version of a file with so many rows about an id; `current` is the one that is read."""

    key: str
    version_id: str
    rows: int
    current: bool


def found(deployment: Deployment, wanted: Wanted, *, recipe: str = "", model: str = "") -> Iterator[Held]:
    """The versions of files of kept requests and of scores that have rows about an id, by key.

    Of one recipe, or of one model by its name in the ledger, where they are given. Every file is read.
    """
    s3 = deployment.target.client("s3")
    for prefix in _prefixes(recipe, model):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=deployment.artifacts_bucket, Prefix=prefix)
        for each in (each for page in pages for each in page.get("Versions", ()) if each["Key"].endswith(PARQUET)):
            content = _content(deployment, each["Key"], version_id=each["VersionId"])
            if rows := matching.count(content, wanted):
                yield Held(key=each["Key"], version_id=each["VersionId"], rows=rows, current=each["IsLatest"])


def remove(deployment: Deployment, held: Iterable[Held], *, wanted: Wanted) -> Iterator[Held]:
    """Write each file anew without the rows about an id, then delete the versions that had them; gives those back.

    In this order, so that one that breaks off loses nothing else, and can be called again.
    """
    s3, bucket = deployment.target.client("s3"), deployment.artifacts_bucket
    for key, versions in groupby(held, key=lambda each: each.key):
        listed = list(versions)
        for each in (each for each in listed if each.current):
            content = _content(deployment, key, version_id=each.version_id)
            s3.put_object(Bucket=bucket, Key=key, Body=matching.without(content, wanted))
        for each in listed:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=each.version_id)
            yield each


def _prefixes(recipe: str, model: str) -> list[str]:
    if not recipe:
        return [f"{PREFIX}/", f"{SCORES_PREFIX}/"]
    return [f"{folder(recipe, model)}/", f"{SCORES_PREFIX}/{recipe}/" + (f"model={model}/" if model else "")]


def _content(deployment: Deployment, key: str, *, version_id: str) -> bytes:
    answer = deployment.target.client("s3").get_object(
        Bucket=deployment.artifacts_bucket, Key=key, VersionId=version_id
    )
    content: bytes = answer["Body"].read()
    return content
