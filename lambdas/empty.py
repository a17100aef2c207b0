"""Lambda: empties buckets and groups of models when the stack that they belong to is deleted, for CloudFormation."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import boto3
from aws_lambda_powertools import Logger

from trainyard.stages.empty.buckets import refuse_writes, remove_versions
from trainyard.stages.empty.groups import remove_packages
from trainyard.stages.empty.stack_request import answer, ends

logger = Logger(service="empty")


def handler(event: dict[str, Any], _context: object) -> None:
    """A custom resource's event with `Buckets` and `Groups`. Always answers: CloudFormation waits for it."""
    try:
        if ends(event, cloudformation=_client("cloudformation")):
            _empty(event["ResourceProperties"])
    except Exception as error:
        logger.exception("nothing more could be removed")
        answer(event, problem=f"{error}. Delete the stack again, or use trainyard destroy.")
        return
    answer(event)


def _empty(given: dict[str, Any]) -> None:
    for bucket in given.get("Buckets", ()):
        refuse_writes(bucket, s3=_client("s3"))
    for bucket in given.get("Buckets", ()):
        removed = remove_versions(bucket, s3=_client("s3"))
        logger.info("emptied", extra={"bucket": bucket, "versions": removed})
    for group in given.get("Groups", ()):
        removed = remove_packages(group, sagemaker=_client("sagemaker"))
        logger.info("emptied", extra={"group": group, "versions": removed})


@cache
def _client(service: Literal["cloudformation", "s3", "sagemaker"]) -> Any:
    return boto3.client(service)
