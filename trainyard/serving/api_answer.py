"""Answers a request of the HTTP API by asking the endpoint of the model, and says what its errors mean to a caller."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from trainyard.errors import Refused
from trainyard.run.naming import endpoint_name
from trainyard.serving import inference_id
from trainyard.serving.api_request import Call, call_of
from trainyard.serving.wire import FUNCTION_BYTES, JSON, sentence_of

# An HTTP API waits 30 seconds for its function.
ANSWER_SECONDS = 25
RETRY_AFTER_SECONDS = "2"
EXCEEDED = re.compile(r"(\d+) has exceeded limit (\d+) bytes")
BUSY = {"ThrottlingException", "Throttling", "ModelNotReadyException", "ServiceUnavailable"}

Log = logging.Logger | Any


def answer(event: Mapping[str, Any], *, endpoint_prefix: str, runtime: Any, log: Log) -> dict[str, Any]:
    """The response to an event (payload 2.0); `runtime` is SageMaker's runtime client. Raises Refused."""
    call = call_of(event)
    endpoint = endpoint_name(endpoint_prefix, call.model)
    content, headers = _invoke(endpoint, call, runtime=runtime, log=log)
    log.info("answered", extra={"endpoint": endpoint, "received": len(call.body), "sent": len(content)})
    response = {"statusCode": 200, "headers": headers, "body": content.decode()}
    # Text has escapes in the document that the function returns, and these count.
    size = len(json.dumps(response))
    if size > FUNCTION_BYTES:
        raise Refused(
            413,
            f"Expected an answer of at most {FUNCTION_BYTES:,} bytes, which is what the HTTP API carries, found "
            f"{size:,}; ask for less, or call the endpoint itself.",
        )
    return response


def refusal(refused: Refused) -> dict[str, Any]:
    """The response that says why there is no answer."""
    headers = {"content-type": JSON} | ({"retry-after": RETRY_AFTER_SECONDS} if refused.status == 503 else {})
    return {"statusCode": refused.status, "headers": headers, "body": json.dumps({"error": str(refused)})}


def _invoke(endpoint: str, call: Call, *, runtime: Any, log: Log) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the model's answer."""
    try:
        found = runtime.invoke_endpoint(
            EndpointName=endpoint,
            Body=call.body,
            ContentType=call.media,
            Accept=call.accept,
            **inference_id.asked(call.inference_id),
        )
        content: bytes = found["Body"].read()
    except ClientError as error:
        raise _explained(error, endpoint, log=log) from error
    except ReadTimeoutError as error:
        raise Refused(504, f"Expected an answer within {ANSWER_SECONDS} s, found none; ask for fewer rows.") from error
    except BotoCoreError as error:
        log.exception("unreachable", extra={"endpoint": endpoint})
        raise Refused(502, "The model could not be reached; try again later.") from error
    kept = inference_id.answered(found.get("CustomAttributes", ""))
    return content, {"content-type": str(found["ContentType"])} | ({inference_id.HEADER: kept} if kept else {})


def _explained(error: ClientError, endpoint: str, *, log: Log) -> Refused:
    """What an error of SageMaker's runtime means to the caller; what only operators can fix goes to the log."""
    code = error.response["Error"].get("Code", "")
    if code == "ModelError":
        return _said_by_model(error, endpoint, log=log)
    if code in BUSY:
        return Refused(503, "The model has as many requests as it can take; try again in a moment.")
    if sizes := EXCEEDED.search(str(error)):
        found, limit = (int(each) for each in sizes.groups())
        return Refused(
            413,
            f"Expected a body of at most {limit:,} bytes, which is what the endpoint of this model carries, found "
            f"{found:,}; send several requests.",
        )
    if code in {"ValidationError", "ValidationException"} and "not found" in str(error):
        return Refused(404, f"Expected a deployed model, found no endpoint {endpoint}: deploy one first.")
    log.error("refused by SageMaker", extra={"endpoint": endpoint, "code": code, "reason": str(error)})
    return Refused(502, "The model could not be asked; the reason is in the log of the service.")


def _said_by_model(error: ClientError, endpoint: str, *, log: Log) -> Refused:
    response: Mapping[str, Any] = error.response
    status = int(response.get("OriginalStatusCode", 0))
    if 400 <= status < 500:
        return Refused(status, sentence_of(str(response.get("OriginalMessage", ""))))
    log.error("failed in the model", extra={"endpoint": endpoint, "status": status, "reason": str(error)})
    return Refused(502, "The model failed on this request; the reason is in the log of its endpoint.")
