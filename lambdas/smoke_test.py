"""Lambda: asks a newly deployed endpoint what its model answered after training, and says whether it still does."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from lambdas import clients, environment
from trainyard.run.naming import run_prefix
from trainyard.stages.deploy.smoke_test import smoke_test

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# A container has 60 seconds to answer; a serverless one may have to start first.
PATIENCE_SECONDS = 70
logger = Logger(service="smoke_test")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"endpoint": name, "run": {"recipe", "run_id"}}` -> a trainyard.stages.deploy.smoke_test.Verdict."""
    name, run_id = event["run"]["recipe"], event["run"]["run_id"]
    with logger.append_context_keys(recipe=name, run_id=run_id, endpoint=event["endpoint"]):
        logger.info("testing")
        verdict = smoke_test(
            event["endpoint"],
            run_prefix(name, run_id),
            bucket=environment.read().artifacts_bucket,
            s3=clients.s3(),
            runtime=_runtime(),
        ).to_mapping()
        logger.info("tested", extra=verdict)
    return verdict


@cache
def _runtime() -> SageMakerRuntimeClient:
    return boto3.client("sagemaker-runtime", config=Config(read_timeout=PATIENCE_SECONDS, retries={"mode": "standard"}))
