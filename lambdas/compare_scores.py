"""Lambda: sets scored data beside those that the model was trained on, measures what moved, and may ask to retrain."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from lambdas import environment
from trainyard.run.naming import run_prefix
from trainyard.run.store import RunStore
from trainyard.stages.score.watch import Services, watch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = Logger(service="compare_scores")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"run": {"recipe", "run_id"}, "model": name}` -> `Watched` of trainyard/stages/score/watch.py."""
    name, run_id = event["run"]["recipe"], event["run"]["run_id"]
    with logger.append_context_keys(recipe=name, run_id=run_id, model=event["model"]):
        logger.info("comparing")
        store = RunStore.open(_s3(), f"s3://{environment.read().artifacts_bucket}/{run_prefix(name, run_id)}")
        found = watch(store, event["model"], services=_services()).to_mapping()
        logger.info("compared", extra={"moved": found["moved"], "retrain": "retrain" in found})
    return found


@cache
def _s3() -> S3Client:
    return boto3.client("s3")


@cache
def _services() -> Services:
    return Services(
        cloudwatch=boto3.client("cloudwatch"),
        dynamodb=boto3.client("dynamodb"),
        ledger_table=environment.read().ledger_table,
        prefix=os.environ["PREFIX"],
    )
