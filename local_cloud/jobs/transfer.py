"""Moves a job's files between S3 and its folder over HTTPS with the job role's credentials; runs in the server."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

from local_cloud.jobs.settings import Settings
from trainyard.errors import JobFailed

PARALLEL_FILES = 8
DENIED = {"403", "AccessDenied", "AccessDeniedException", "Forbidden"}


class RoleClients:
    """boto3 clients of the local cloud that act as one job's role."""

    def __init__(self, settings: Settings, *, role_arn: str, credentials: Mapping[str, str]) -> None:
        self.role_arn = role_arn
        self.credentials = dict(credentials)
        self._settings = settings
        session = botocore.session.Session()
        # Parsing the service models takes longer than a small job: all sessions of the server share them.
        session.register_component("data_loader", _loader())
        self._session = boto3.Session(
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials["AWS_SESSION_TOKEN"],
            region_name=settings.region,
            botocore_session=session,
        )

    def client(self, service: str) -> Any:
        """A client of `service`."""
        return self._session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self._settings.endpoint,
            verify=self._settings.ca_bundle or None,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=PARALLEL_FILES * 2),
        )


@functools.cache
def _loader() -> Loader:
    return Loader(include_default_search_paths=True)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of an S3 URI; raises `JobFailed` for anything else."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc:
        raise JobFailed(f"Expected an S3 URI such as s3://bucket/prefix, found {uri!r}.")
    return parts.netloc, uri.removeprefix(f"s3://{parts.netloc}").removeprefix("/")


class Storage:
    """The S3 side of one job; each failure is a `JobFailed` that names role, action and resource."""

    def __init__(self, clients: RoleClients) -> None:
        self._clients = clients
        self._s3 = clients.client("s3")

    def download_prefix(self, uri: str, target: Path, *, required: bool = True) -> int:
        """Fetch every object under an S3 prefix, or the one object it names, into `target`; returns their number.

        As S3Prefix in File mode: paths are relative to the prefix. A required prefix without objects is an error.
        """
        bucket, prefix = split_uri(uri)
        target.mkdir(parents=True, exist_ok=True)
        keys = list(self._keys(bucket, prefix))
        if required and not keys:
            raise JobFailed(f"ClientError: Data download failed: No S3 objects found under S3 URL {uri!r}.")
        with ThreadPoolExecutor(PARALLEL_FILES) as pool:
            tasks = [
                pool.submit(self.download_object, bucket, key, target=within(target, key, prefix=prefix))
                for key in keys
            ]
        for task in tasks:
            task.result()
        return len(keys)

    def download_manifest(self, uri: str, target: Path) -> int:
        """Fetch the objects that a manifest names, `[{"prefix": uri}, name, ...]`; returns their number.

        As ManifestFile in File mode: paths are relative to the prefix.
        """
        bucket, key = split_uri(uri)
        with self._explained("Data download failed", action="s3:GetObject", resource=f"arn:aws:s3:::{bucket}/{key}"):
            content = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        first, *names = json.loads(content)
        source, prefix = split_uri(first["prefix"])
        with ThreadPoolExecutor(PARALLEL_FILES) as pool:
            tasks = [
                pool.submit(self.download_object, source, prefix + name, target=within(target, name, prefix=""))
                for name in names
            ]
        for task in tasks:
            task.result()
        return len(names)

    def download_object(self, bucket: str, key: str, *, target: Path) -> None:
        """Fetch one object to a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._explained("Data download failed", action="s3:GetObject", resource=f"arn:aws:s3:::{bucket}/{key}"):
            self._s3.download_file(bucket, key, str(target))

    def require_object(self, bucket: str, key: str) -> None:
        """Raise unless the object is there and may be read."""
        with self._explained("Data download failed", action="s3:GetObject", resource=f"arn:aws:s3:::{bucket}/{key}"):
            self._s3.head_object(Bucket=bucket, Key=key)

    def upload_file(self, source: Path, uri: str) -> None:
        """Store one file under the URI."""
        bucket, key = split_uri(uri)
        with self._explained("Data upload failed", action="s3:PutObject", resource=f"arn:aws:s3:::{bucket}/{key}"):
            self._s3.upload_file(str(source), bucket, key)

    def upload_directory(self, source: Path, uri: str) -> int:
        """Store every file of a directory under the URI, keeping relative paths; returns their number."""
        files = [path for path in sorted(source.rglob("*")) if path.is_file()]
        base = uri.rstrip("/")
        with ThreadPoolExecutor(PARALLEL_FILES) as pool:
            tasks = [
                pool.submit(self.upload_file, path, f"{base}/{path.relative_to(source).as_posix()}") for path in files
            ]
        for task in tasks:
            task.result()
        return len(files)

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        with self._explained("Data download failed", action="s3:ListBucket", resource=f"arn:aws:s3:::{bucket}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                yield from (each["Key"] for each in page.get("Contents", ()) if not each["Key"].endswith("/"))

    @contextmanager
    def _explained(self, what: str, *, action: str, resource: str) -> Iterator[None]:
        """Turn an AWS error inside the block into a `JobFailed` that names role, action and resource."""
        try:
            yield
        except (ClientError, BotoCoreError, Boto3Error) as error:
            reason = f"{error} ({action} on {resource})"
            if _is_denial(error):
                reason = (
                    f"AccessDenied: {self._clients.role_arn} is not authorized to perform: {action} "
                    f"on resource: {resource}"
                )
            raise JobFailed(f"ClientError: {what}: {reason}") from error


def _is_denial(error: Exception) -> bool:
    cause = error.__cause__ if isinstance(error, Boto3Error) and error.__cause__ else error
    code = cause.response["Error"].get("Code", "") if isinstance(cause, ClientError) else ""
    return code in DENIED or "AccessDenied" in str(error) or "Forbidden" in str(error)


def within(target: Path, key: str, *, prefix: str) -> Path:
    """Where an object goes: below its prefix, or below the prefix's folder when the prefix is part of a name."""
    whole = not prefix or prefix.endswith("/") or key.startswith(f"{prefix}/")
    relative = key[len(prefix) :].lstrip("/") if whole else key[prefix.rfind("/") + 1 :]
    path = (target / relative).resolve()
    if not path.is_relative_to(target.resolve()):
        raise JobFailed(f"ClientError: Data download failed: the key {key!r} would leave the input folder.")
    return path
