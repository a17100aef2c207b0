"""Lambda: asks a newly deployed endpoint what its model answered after training, and says whether it still does."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas import environment
from trainyard import smoke
from trainyard.errors import TrainyardError
from trainyard.serving.examples import EXAMPLES_FILE, Examples, parse
from trainyard.serving.wire import JSON
from trainyard.smoke import Verdict
from trainyard.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# A container has 60 seconds to answer; a serverless one may have to start first.
PATIENCE_SECONDS = 70
logger = Logger(service="smoke_test")


class _NoAnswer(TrainyardError):
    """The endpoint was asked and gave no answer that can be compared."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"endpoint": name, "run": {"recipe", "run_id"}}` -> a trainyard.smoke.Verdict.

    An endpoint that cannot be tested has not passed: it must not stay in service.
    """
    verdict = _judge(event["endpoint"], event["run"]["recipe"], event["run"]["run_id"])
    logger.info("tested", extra={"endpoint": event["endpoint"], **verdict.to_mapping()})
    return verdict.to_mapping()


def _judge(endpoint: str, recipe: str, run_id: str) -> Verdict:
    key = f"{recipe}/{run_id}/{Stage.EVALUATE}/{EXAMPLES_FILE}"
    try:
        examples = _examples(key)
    except (ClientError, TrainyardError) as error:
        return smoke.refused(f"Expected the model's examples in {key}: {error}")
    return smoke.judge(examples, lambda body: _invoke(endpoint, body, examples.content_type))


def _examples(key: str) -> Examples:
    stored = _s3().get_object(Bucket=environment.read().artifacts_bucket, Key=key)
    return parse(stored["Body"].read().decode())


def _invoke(endpoint: str, body: bytes, content_type: str) -> bytes:
    try:
        answer = _runtime().invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=content_type, Accept=JSON)
        content: bytes = answer["Body"].read()
        return content
    except ClientError as error:
        said = error.response.get("OriginalMessage") or error.response["Error"].get("Message", "")
        raise _NoAnswer(f"The endpoint refused it: {error.response['Error'].get('Code', '')}: {said}") from error
    except BotoCoreError as error:
        raise _NoAnswer(f"The endpoint could not be reached: {error}") from error


@cache
def _s3() -> S3Client:
    return boto3.client("s3")


@cache
def _runtime() -> SageMakerRuntimeClient:
    return boto3.client("sagemaker-runtime", config=Config(read_timeout=PATIENCE_SECONDS, retries={"mode": "standard"}))
