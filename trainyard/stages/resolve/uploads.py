"""Reads what lies in the raw bucket for a request: the objects of its data set, and the settings beside them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainyard.contract.file_names import is_debris
from trainyard.errors import BadRequest
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.run import below_dataset
from trainyard.stages.resolve import strict_json
from trainyard.stages.resolve.request import Request

MAX_OVERRIDES_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """A version of an object in the raw bucket; of one that came in parts, `modified` is when its upload began."""

    key: str
    version_id: str
    size: int
    etag: str
    modified: datetime

    @property
    def name(self) -> str:
        """Its path below the folder of the data set."""
        return below_dataset(self.key)

    @property
    def in_parts(self) -> bool:
        """Whether it was uploaded in parts: its tag then ends in their number."""
        return "-" in self.etag


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a data set consists of: the latest version of every object that somebody may mean, in the order of keys.

    `uploaded` is the version whose upload started the execution; None for a manual start, and where it is gone.
    """

    objects: Sequence[StoredObject] = ()
    uploaded: StoredObject | None = None


def stored(request: Request, bucket: str, *, s3: Any) -> Stored:
    """The data set of a request as it is now, or in the versions that it names. Raises BadRequest for one gone."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=request.prefix)
    versions = [
        (_stored(each), bool(each["IsLatest"]))
        for page in pages
        for each in page.get("Versions", [])
        if not each["Key"].endswith("/")
    ]
    if request.versions:
        chosen = [each for each, _ in versions if request.versions.get(each.name) == each.version_id]
        _require_all(request, chosen)
    else:
        chosen = [each for each, is_latest in versions if is_latest and not is_debris(each.name)]
    return Stored(
        objects=tuple(sorted(chosen, key=lambda each: each.key)),
        uploaded=_uploaded(request, [each for each, _ in versions if each.name == request.upload]),
    )


def _require_all(request: Request, found: Sequence[StoredObject]) -> None:
    gone = sorted(set(request.versions) - {each.name for each in found})
    if gone:
        named = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
        raise BadRequest(
            f"Expected the versions of files that an earlier run read under {request.prefix}; those of {named} are no "
            "longer in the bucket. Start it with the newest ones instead, by `trainyard rerun --newest`."
        )


def _stored(version: Mapping[str, Any]) -> StoredObject:
    return StoredObject(
        key=version["Key"],
        version_id=version["VersionId"],
        size=version["Size"],
        etag=version["ETag"].strip('"'),
        modified=version["LastModified"],
    )


def _uploaded(request: Request, versions: Sequence[StoredObject]) -> StoredObject | None:
    """The version that an event names, or the newest one of its key where it names none."""
    if request.version_id:
        return next((each for each in versions if each.version_id == request.version_id), None)
    return max(versions, key=lambda each: each.modified, default=None)


def settings(objects: Sequence[StoredObject], bucket: str, *, s3: Any) -> list[Mapping[str, Any]]:
    """The content of `run.json`, where there is one. Raises BadRequest when it cannot be read."""
    return [_overrides(each, bucket, s3=s3) for each in objects if each.name == OVERRIDES_FILE]


def parse_overrides(content: bytes, key: str) -> dict[str, Any]:
    """The settings in a `run.json`. Raises BadRequest when it is not a small JSON object."""
    if len(content) > MAX_OVERRIDES_BYTES:
        raise BadRequest(f"{key}: expected at most {MAX_OVERRIDES_BYTES} bytes, found {len(content)}.")
    if not content.removeprefix(codecs.BOM_UTF8).strip():
        raise BadRequest(f"{key}: expected a JSON object of settings, found an empty file; write {{}} or delete it.")
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
