"""A folder in the place of S3, for stages that run in this process: the calls of boto3's client that they make."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


@dataclass(frozen=True, kw_only=True)
class Mount:
    """The folder that holds the objects of a bucket, by what follows `prefix` in their keys."""

    folder: Path
    prefix: str = ""


@dataclass(frozen=True)
class FolderStore:
    """What `trainyard.run.store.RunStore` needs of a client, by the names that boto3 has for it."""

    mounts: Mapping[str, Mount]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._existing(Bucket, Key).read_bytes())}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:
        self._made(Bucket, Key).write_bytes(Body)

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        written = self._existing(Bucket, Key).stat().st_mtime
        return {"LastModified": datetime.fromtimestamp(written, UTC)}

    def download_file(self, bucket: str, key: str, path: str, **_: Any) -> None:  # noqa: PLR0917 - as boto3 has it
        shutil.copyfile(self._existing(bucket, key), path)

    def upload_file(self, path: str, bucket: str, key: str, **_: Any) -> None:  # noqa: PLR0917 - as boto3 has it
        shutil.copyfile(path, self._made(bucket, key))

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> None:
        for each in Delete["Objects"]:
            self._path(Bucket, each["Key"]).unlink(missing_ok=True)

    def get_paginator(self, _operation: str) -> FolderStore:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        """All objects whose keys begin with a folder, as one page."""
        mount = self.mounts[Bucket]
        found = sorted(each for each in self._path(Bucket, Prefix).rglob("*") if each.is_file())
        yield {"Contents": [{"Key": mount.prefix + each.relative_to(mount.folder).as_posix()} for each in found]}

    def _path(self, bucket: str, key: str) -> Path:
        mount = self.mounts[bucket]
        return mount.folder / key.removeprefix(mount.prefix)

    def _made(self, bucket: str, key: str) -> Path:
        path = self._path(bucket, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _existing(self, bucket: str, key: str) -> Path:
        path = self._path(bucket, key)
        if not path.is_file():
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": f"{path} does not exist"}}, "GetObject")
        return path
