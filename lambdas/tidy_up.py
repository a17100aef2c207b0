"""Lambda: once a day removes what no run, model or endpoint of the environment needs any more."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

import boto3
from aws_lambda_powertools import Logger

from lambdas import environment
from trainyard.stages.tidy_up.images import naming, remove_images
from trainyard.stages.tidy_up.intermediates import remove_intermediates
from trainyard.stages.tidy_up.job_logs import bound_endpoint_logs, remove_endpoint_logs, remove_job_logs
from trainyard.stages.tidy_up.needed import needed
from trainyard.stages.tidy_up.unused import remove_configurations, remove_models
from trainyard.stages.tidy_up.versions import remove_versions

logger = Logger(service="tidy_up")


def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """A scheduled event -> how much went. Called twice it does no harm; broken off, the next call goes on."""
    known, prefix = environment.read(), os.environ["PREFIX"]
    s3, sagemaker, logs = _client("s3"), _client("sagemaker"), _client("logs")
    now, log_days = datetime.now(UTC), int(os.environ["LOG_DAYS"])
    before = now - timedelta(days=int(os.environ["KEEP_DAYS"]))
    still = needed(
        prefix,
        before=before,
        machine_arn=os.environ["MACHINE_ARN"],
        ledger_table=known.ledger_table,
        sagemaker=sagemaker,
        dynamodb=_client("dynamodb"),
        states=_client("stepfunctions"),
    )
    configurations = remove_configurations(prefix, before=before, sagemaker=sagemaker)
    models = remove_models(prefix, before=before, needed=still, sagemaker=sagemaker)
    forgotten = now - timedelta(days=log_days)
    streams = remove_job_logs(prefix, before=forgotten, logs=logs)
    groups = remove_endpoint_logs(prefix, before=forgotten, sagemaker=sagemaker, logs=logs)
    bound = bound_endpoint_logs(prefix, days=log_days, logs=logs)
    objects, size = remove_intermediates(known.artifacts_bucket, before=before, needed=still, s3=s3)
    versions = remove_versions(
        os.environ["MACHINE_ARN"],
        before=before,
        now=now,
        states=_client("stepfunctions"),
        functions=_client("lambda"),
    )
    named = still.images.union(
        naming(os.environ["MACHINE_ARN"], prefix=prefix, states=_client("stepfunctions"), sagemaker=sagemaker)
    )
    images = remove_images(
        os.environ["IMAGE_REPOSITORY"], prefix=prefix, before=before, named=named, ecr=_client("ecr")
    )
    gone = {
        "objects": objects,
        "bytes": size,
        "configurations": configurations,
        "models": models,
        "versions": versions,
        "images": images,
        "log_streams": streams,
        "log_groups": groups,
        "bound_log_groups": bound,
    }
    logger.info("tidied up", extra=gone)
    return gone


@cache
def _client(service: Literal["dynamodb", "ecr", "lambda", "logs", "s3", "sagemaker", "stepfunctions"]) -> Any:
    return boto3.client(service)
