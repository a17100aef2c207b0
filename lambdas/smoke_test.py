"""Lambda: asks a newly deployed endpoint what its model answered after training, and says whether it still does.

A version that is not in service yet is also asked what the endpoint was asked lately, where a deployment says so.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from lambdas import clients, environment
from trainyard.run.naming import run_prefix
from trainyard.stages.deploy import comparison
from trainyard.stages.deploy.smoke_test import Verdict, invoke, smoke_test

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# A container has 60 seconds to answer; a serverless one may have to start first.
PATIENCE_SECONDS = 70
logger = Logger(service="smoke_test")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"endpoint": name, "run": {"recipe", "run_id"}}` -> a trainyard.stages.deploy.smoke_test.Verdict.

    With a "comparison" that is not empty, and the "database" of kept requests, a version that passes is compared too.
    """
    name, run_id = event["run"]["recipe"], event["run"]["run_id"]
    with logger.append_context_keys(recipe=name, run_id=run_id, endpoint=event["endpoint"]):
        logger.info("testing")
        verdict = smoke_test(
            event["endpoint"],
            run_prefix(name, run_id),
            bucket=environment.read().artifacts_bucket,
            s3=clients.s3(),
            runtime=_runtime(),
        )
        if verdict.passed and event.get("comparison"):
            found = _compared(event)
            verdict = replace(
                verdict,
                passed=found.passed,
                problems=found.problems,
                changed=found.changed,
                compared=found.compared,
            )
        result = verdict.to_mapping()
        logger.info("tested", extra=result)
    return result


def _compared(event: dict[str, Any]) -> Verdict:
    wanted, settings = comparison.Comparison.from_mapping(event["comparison"]), environment.read()
    rows = comparison.kept_rows(
        wanted,
        run_id=event["run"]["run_id"],
        database=event["database"],
        bucket=settings.artifacts_bucket,
        athena=_athena(),
    )
    ask = partial(_ask, event["endpoint"])
    return comparison.compare(rows, wanted, invoke=ask)


def _ask(endpoint: str, body: bytes) -> bytes:
    return invoke(_runtime(), endpoint, body=body)


@cache
def _athena() -> Any:
    return boto3.client("athena")


@cache
def _runtime() -> SageMakerRuntimeClient:
    return boto3.client("sagemaker-runtime", config=Config(read_timeout=PATIENCE_SECONDS, retries={"mode": "standard"}))
