"""Lambda: turns an upload or a manual start into a plan that the state machine can follow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from lambdas import clients, environment
from trainyard.stages.resolve.resolve import resolve
from trainyard.stages.resolve.settling import Earlier

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

LOGGED = ("outcome", "reason", "recipe", "dataset", "run_id", "waited_seconds")
logger = Logger(service="resolve")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"request": <input of the execution>, "execution": {"arn", "name", "started"}}` -> trainyard.run.plan.Plan.

    After a wait it also has `earlier`, which is trainyard.stages.resolve.settling.Earlier.
    """
    with logger.append_context_keys(execution=event["execution"]["name"]):
        logger.info("resolving")
        plan = resolve(
            event["request"],
            event["execution"],
            earlier=Earlier.read(event.get("earlier")),
            environment=environment.read(),
            s3=clients.s3(),
            dynamodb=clients.dynamodb(),
            sagemaker=_sagemaker(),
        ).to_mapping()
        logger.info("resolved", extra={key: plan.get(key) for key in LOGGED})
    return plan


@cache
def _sagemaker() -> SageMakerClient:
    return boto3.client("sagemaker")
