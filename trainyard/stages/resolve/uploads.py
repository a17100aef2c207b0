"""Reads what lies in the raw bucket for a request: the objects of its data set, and the settings beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.errors import BadRequest
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.stages.resolve import strict_json
from trainyard.stages.resolve.request import Request

MAX_OVERRIDES_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """The latest version of an object in the raw bucket."""

    key: str
    version_id: str
    size: int
    etag: str

    @property
    def filename(self) -> str:
        return self.key.rsplit("/", 1)[-1]


def latest_objects(request: Request, bucket: str, *, s3: Any) -> list[StoredObject]:
    """The latest version of every object of the data set, without those in folders of it."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=request.prefix)
    return [
        StoredObject(key=each["Key"], version_id=each["VersionId"], size=each["Size"], etag=each["ETag"].strip('"'))
        for page in pages
        for each in page.get("Versions", [])
        if each["IsLatest"] and "/" not in each["Key"].removeprefix(request.prefix) and not each["Key"].endswith("/")
    ]


def settings(objects: Sequence[StoredObject], bucket: str, *, s3: Any) -> list[Mapping[str, Any]]:
    """The content of `run.json`, where there is one. Raises BadRequest when it cannot be read."""
    return [_overrides(each, bucket, s3=s3) for each in objects if each.filename == OVERRIDES_FILE]


def parse_overrides(content: bytes, key: str) -> dict[str, Any]:
    """The settings in a `run.json`. Raises BadRequest when it is not a small JSON object."""
    if len(content) > MAX_OVERRIDES_BYTES:
        raise BadRequest(f"{key}: expected at most {MAX_OVERRIDES_BYTES} bytes, found {len(content)}.")
    try:
        document = strict_json.load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadRequest(f"{key}: expected UTF-8 text, found an invalid byte at position {error.start}.") from error
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"{key}, line {error.lineno}, column {error.colno}: expected JSON, found {error.msg}."
        ) from error
    except ValueError as error:
        raise BadRequest(f"{key}: expected JSON of ordinary numbers, text and depth, found {error!s:.100}.") from error
    if not isinstance(document, dict):
        raise BadRequest(f"{key}: expected a JSON object of settings, found {type(document).__name__}.")
    return document


def _overrides(stored: StoredObject, bucket: str, *, s3: Any) -> Mapping[str, Any]:
    """The settings in a `run.json`, of which no more is read than may be in it."""
    answer = s3.get_object(Bucket=bucket, Key=stored.key, VersionId=stored.version_id)
    return parse_overrides(answer["Body"].read(MAX_OVERRIDES_BYTES + 1), stored.key)
