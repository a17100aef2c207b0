"""Clients and the store of a run, as several functions need them; each client is made once per process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3

from lambdas import environment
from trainyard.run.naming import run_prefix
from trainyard.run.store import RunStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


def run_store(recipe: str, run_id: str) -> RunStore:
    """The run that an event names. Raises NotFound when Resolve left no request there."""
    return RunStore.open(s3(), f"s3://{environment.read().artifacts_bucket}/{run_prefix(recipe, run_id)}")


@cache
def s3() -> S3Client:
    return boto3.client("s3")


@cache
def dynamodb() -> DynamoDBClient:
    return boto3.client("dynamodb")
