"""Lambda: answers `POST /{recipe}/predict` of the HTTP API by asking the recipe's endpoint, with one clear refusal.

An HTTP API cannot check bodies itself, so this is where size, content type and shape are checked, before a model is
asked. What is in the rows is checked by the model, whose own sentence the caller gets.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from trainyard import recipe
from trainyard.errors import Refused
from trainyard.plan import endpoint_name

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

JSON, LINES, TABLE = "application/json", "application/jsonlines", "text/csv"
LINES_TOO = ("application/x-jsonlines", "application/jsonl", "application/x-ndjson")
MEDIA = (JSON, LINES, *LINES_TOO, TABLE)
# What a serverless endpoint takes and gives; a function takes and gives 6 MB, in which text may need escapes.
MAX_BYTES = 4 * 1024 * 1024
VARIANT = re.compile(r"[a-z0-9](-?[a-z0-9]){0,40}")
# An HTTP API waits 30 seconds for its function.
CONNECT_SECONDS, ANSWER_SECONDS = 2, 25
RETRY_AFTER_SECONDS = "2"
BUSY = {"ThrottlingException", "Throttling", "ModelNotReadyException", "ServiceUnavailable"}

logger = Logger(service="predict")
Event = Mapping[str, Any]


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


def _predict(event: Event) -> dict[str, Any]:
    name = (event.get("pathParameters") or {}).get("recipe", "")
    endpoint = _endpoint(name, (event.get("queryStringParameters") or {}).get("variant", ""))
    headers: Mapping[str, str] = event.get("headers") or {}
    media = _media(headers.get("content-type", ""))
    body = _body(event)
    _check_shape(body, media)
    answer = _invoke(endpoint, body, media, headers.get("accept") or "*/*")
    logger.info("answered", extra={"endpoint": endpoint, "received": len(body), "sent": len(answer["body"])})
    return {"statusCode": 200, "headers": {"content-type": answer["media"]}, "body": answer["body"]}


def _endpoint(name: str, variant: str) -> str:
    if name not in recipe.names():
        raise Refused(404, f"Expected one of the recipes {', '.join(recipe.names())}; found {name!r:.60}.")
    if variant and not VARIANT.fullmatch(variant):
        raise Refused(400, f"Expected a variant such as product-3, found {variant!r:.60}.")
    return endpoint_name(os.environ["ENDPOINT_PREFIX"], f"{name}-{variant}" if variant else name)


def _media(header: str) -> str:
    media = header.partition(";")[0].strip().lower()
    if media not in MEDIA:
        raise Refused(415, f"Expected Content-Type {JSON}, {LINES} or {TABLE}, found {header or 'none'!r:.100}.")
    return media


def _body(event: Event) -> bytes:
    text = event.get("body") or ""
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
        body.decode()
    except (binascii.Error, UnicodeError) as error:
        raise Refused(400, "Expected a body in UTF-8, found other bytes.") from error
    if len(body) > MAX_BYTES:
        raise Refused(413, f"Expected at most {MAX_BYTES:,} bytes, found {len(body):,}; send several requests.")
    if not body.strip():
        raise Refused(400, "Expected at least one row, found an empty body.")
    return body


def _check_shape(body: bytes, media: str) -> None:
    """Raises Refused for what cannot be rows; which fields a row needs is the model's to say."""
    if media == TABLE:
        if len(body.strip().splitlines()) < 2:
            raise Refused(400, "Expected CSV with a line of field names and at least one row, found one line.")
    elif media == JSON:
        _check_document(_parsed(body, "the body"))
    else:
        for number, line in enumerate(body.split(b"\n"), 1):
            if line.strip():
                _check_row(_parsed(line, f"line {number}"), f"Line {number}")


def _check_document(document: Any) -> None:
    rows = document
    if isinstance(document, dict):
        if "instances" not in document:
            return
        rows = document["instances"]
    if not isinstance(rows, list):
        raise Refused(400, 'Expected {"instances": [row, ...]}, [row, ...] or one row as an object.')
    if not rows:
        raise Refused(400, "Expected at least one row, found none.")
    for number, row in enumerate(rows):
        _check_row(row, f"Row {number}")


def _check_row(row: Any, where: str) -> None:
    if not isinstance(row, dict):
        raise Refused(400, f"{where}: expected an object, found {json.dumps(row):.60}.")


def _parsed(text: bytes, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"Expected JSON in {where}: {error!s:.150}.") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def _invoke(endpoint: str, body: bytes, media: str, accept: str) -> dict[str, str]:
    try:
        answer = _runtime().invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=media, Accept=accept)
        content = answer["Body"].read()
    except ClientError as error:
        raise _explained(error, endpoint) from error
    except ReadTimeoutError as error:
        raise Refused(504, f"Expected an answer within {ANSWER_SECONDS} s, found none; ask for fewer rows.") from error
    except BotoCoreError as error:
        logger.exception("unreachable", extra={"endpoint": endpoint})
        raise Refused(502, "The model could not be reached; try again later.") from error
    if len(content) > MAX_BYTES:
        raise Refused(413, f"Expected an answer of at most {MAX_BYTES:,} bytes, found {len(content):,}; ask for less.")
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
        return Refused(status, _sentence(str(error.response.get("OriginalMessage", ""))))
    logger.error("failed in the model", extra={"endpoint": endpoint, "status": status, "reason": str(error)})
    return Refused(502, "The model failed on this request; the reason is in the log of its endpoint.")


def _sentence(said: str) -> str:
    try:
        document = json.loads(said)
    except ValueError:
        return said
    return str(document["error"]) if isinstance(document, dict) and "error" in document else said


def _refusal(refusal: Refused) -> dict[str, Any]:
    headers = {"content-type": JSON} | ({"retry-after": RETRY_AFTER_SECONDS} if refusal.status == 503 else {})
    return {"statusCode": refusal.status, "headers": headers, "body": json.dumps({"error": str(refusal)})}


@cache
def _runtime() -> SageMakerRuntimeClient:
    # One attempt: a second one would come after the API has given up on this function.
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})
    return boto3.client("sagemaker-runtime", config=config)
