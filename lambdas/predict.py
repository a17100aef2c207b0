"""Lambda: answers `POST /{recipe}/predict` of the HTTP API by asking the recipe's endpoint, with one clear refusal."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from trainyard.errors import Refused
from trainyard.serving import api_answer

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# An HTTP API waits 30 seconds for its function.
CONNECT_SECONDS = 2

logger = Logger(service="predict")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An event of an HTTP API (payload 2.0) -> its response; every refusal is `{"error": "one sentence"}`."""
    del context
    try:
        return api_answer.answer(event, endpoint_prefix=os.environ["ENDPOINT_PREFIX"], runtime=_runtime(), log=logger)
    except Refused as refusal:
        return api_answer.refusal(refusal)
    except Exception:
        # The reason is for the log: a caller must not see how the service is built.
        logger.exception("failed", extra={"path": event.get("rawPath")})
        return api_answer.refusal(Refused(500, "The service failed on this request; the reason is in its log."))


@cache
def _runtime() -> SageMakerRuntimeClient:
    # One attempt: a second one would come after the API has given up on this function.
    config = Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=api_answer.ANSWER_SECONDS, retries={"total_max_attempts": 1}
    )
    return boto3.client("sagemaker-runtime", config=config)
