"""Lambda: answers `POST /{recipe}/predict` of the HTTP API by asking the recipe's endpoint, with one clear refusal."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from trainyard import gateway
from trainyard.errors import Refused
from trainyard.gateway import Call
from trainyard.plan import endpoint_name
from trainyard.serving.wire import JSON, SERVERLESS_BYTES, sentence_of

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# An HTTP API waits 30 seconds for its function.
CONNECT_SECONDS, ANSWER_SECONDS = 2, 25
RETRY_AFTER_SECONDS = "2"
BUSY = {"ThrottlingException", "Throttling", "ModelNotReadyException", "ServiceUnavailable"}

logger = Logger(service="predict")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An event of an HTTP API (payload 2.0) -> its response; every refusal is `{"error": "one sentence"}`."""
    del context
    try:
        return _predict(event)
    except Refused as refusal:
        return _refusal(refusal)
    except Exception:
        # The reason is for the log: a caller must not see how the service is built.
        logger.exception("failed", extra={"path": event.get("rawPath")})
        return _refusal(Refused(500, "The service failed on this request; the reason is in its log."))


def _predict(event: dict[str, Any]) -> dict[str, Any]:
    call = gateway.call_of(event)
    endpoint = endpoint_name(os.environ["ENDPOINT_PREFIX"], call.model)
    answer = _invoke(endpoint, call)
    logger.info("answered", extra={"endpoint": endpoint, "received": len(call.body), "sent": len(answer["body"])})
    return {"statusCode": 200, "headers": {"content-type": answer["media"]}, "body": answer["body"]}


def _invoke(endpoint: str, call: Call) -> dict[str, str]:
    try:
        answer = _runtime().invoke_endpoint(
            EndpointName=endpoint, Body=call.body, ContentType=call.media, Accept=call.accept
        )
        content = answer["Body"].read()
    except ClientError as error:
        raise _explained(error, endpoint) from error
    except ReadTimeoutError as error:
        raise Refused(504, f"Expected an answer within {ANSWER_SECONDS} s, found none; ask for fewer rows.") from error
    except BotoCoreError as error:
        logger.exception("unreachable", extra={"endpoint": endpoint})
        raise Refused(502, "The model could not be reached; try again later.") from error
    if len(content) > SERVERLESS_BYTES:
        raise Refused(
            413, f"Expected an answer of at most {SERVERLESS_BYTES:,} bytes, found {len(content):,}; ask for less."
        )
    return {"body": content.decode(), "media": answer["ContentType"]}


def _explained(error: ClientError, endpoint: str) -> Refused:
    """What an error of SageMaker's runtime means to the caller; what only operators can mend goes to the log."""
    code = error.response["Error"].get("Code", "")
    if code == "ModelError":
        return _said_by_model(error, endpoint)
    if code in BUSY:
        return Refused(503, "The model has as many requests as it can take; try again in a moment.")
    if code in {"ValidationError", "ValidationException"} and "not found" in str(error):
        return Refused(404, f"Expected a deployed model, found no endpoint {endpoint}: deploy one first.")
    logger.error("refused by SageMaker", extra={"endpoint": endpoint, "code": code, "reason": str(error)})
    return Refused(502, "The model could not be asked; the reason is in the log of the service.")


def _said_by_model(error: ClientError, endpoint: str) -> Refused:
    status = int(error.response.get("OriginalStatusCode", 0))  # type: ignore[call-overload]
    if 400 <= status < 500:
        return Refused(status, sentence_of(str(error.response.get("OriginalMessage", ""))))
    logger.error("failed in the model", extra={"endpoint": endpoint, "status": status, "reason": str(error)})
    return Refused(502, "The model failed on this request; the reason is in the log of its endpoint.")


def _refusal(refusal: Refused) -> dict[str, Any]:
    headers = {"content-type": JSON} | ({"retry-after": RETRY_AFTER_SECONDS} if refusal.status == 503 else {})
    return {"statusCode": refusal.status, "headers": headers, "body": json.dumps({"error": str(refusal)})}


@cache
def _runtime() -> SageMakerRuntimeClient:
    # One attempt: a second one would come after the API has given up on this function.
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})
    return boto3.client("sagemaker-runtime", config=config)
